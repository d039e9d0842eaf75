"""`lkctl diagnose`."""

from typing import Annotated

import typer

from lkctl.options import Only, ServerCommand, Skip, Strict, examples, use

app = typer.Typer()


@app.command(
    "diagnose",
    cls=ServerCommand,
    epilog=examples(
        "lkctl diagnose",
        "lkctl diagnose --url wss://livekit.example.com      # needs no key for what needs none",
        "lkctl diagnose --only 'net.*' --only 'http.*'",
        "lkctl diagnose -o json | jq .probable_cause",
        "lkctl diagnose --explain api.auth",
    ),
)
def diagnose(
    ctx: typer.Context,
    only: Only = None,
    skip: Skip = None,
    strict: Strict = False,
    failed_only: Annotated[bool, typer.Option("--failed-only", help="Show only what did not pass")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the checks, and run none")] = False,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Say what a check judges, and run none")
    ] = None,
) -> int:
    """Find out what is wrong with a deployment, and name the one cause.

    Reads only: nothing is created on the server, and nobody joins. Exit 0 when nothing failed, else 1.
    """
    from lkctl.checks.catalogue import ALL_CHECKS, find_check
    from lkctl.checks.selection import choose
    from lkctl.views.report import check_view, checks_view

    run = use(ctx)
    checks = choose(ALL_CHECKS, only, skip)
    if not (list_ or explain):
        return run.examine(checks, strict=strict, failed_only=failed_only)
    run.show(checks_view(checks) if list_ else check_view(find_check(str(explain))))
    return 0
