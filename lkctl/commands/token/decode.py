"""`lkctl token decode`."""

from typing import Annotated

import typer

from lkctl.commands.token.given import (
    FailOn,
    FailOnOption,
    Ignore,
    RequireKey,
    Scan,
    ServerVersion,
    given_lines,
    judging_from,
)
from lkctl.errors import ExitCode
from lkctl.options import SettingsCommand, examples, use

app = typer.Typer()


@app.command(
    "decode",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl token decode @token.txt",
        "lkctl token mint --user-id new | lkctl token decode",
        "curl -s localhost:3000/api/token | lkctl token decode -o json",
        "lkctl token decode --lint-only --fail-on warning --ignore L09 < tokens.txt",
        "lkctl token decode @token.txt --server-version 1.13.6 --require-key userId --scan .",
    ),
)
def decode_token(
    ctx: typer.Context,
    token: Annotated[
        str | None, typer.Argument(metavar="[TOKEN|@FILE|-]", help="The token [default: standard input]")
    ] = None,
    lint_only: Annotated[bool, typer.Option("--lint-only", help="Show the findings and nothing else")] = False,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.error,
    server_version: ServerVersion = None,
    require_key: RequireKey = None,
    scan: Scan = None,
) -> None:
    """Read what is in a token, and say whether it is any good.

    The token may stand in quotes, behind Bearer, in a URL or in a JSON body; of several, each on its own line.
    Exit code 1: expired, not yet valid, badly signed, or with an error (see --fail-on); 2: no JWT at all.
    """
    from lkctl.tokens.lines import Tally, judge_lines
    from lkctl.views.tokenlines import show_decoded, show_findings

    run = use(ctx)
    lines = given_lines(token, run)
    judging = judging_from(
        run, ignore=ignore, fail_on=fail_on, server_version=server_version, require_key=require_key, scan=scan
    )
    tally = Tally(judging.fail_on)
    judged = tally.watch(judge_lines(lines, lambda text: judging.decode(text, run.now)))
    if lint_only:
        show_findings(judged, run.format, run.console)
    else:
        show_decoded(judged, judging.missing, run.format, run.console)
    if not tally.good:
        raise typer.Exit(ExitCode.FAILED)
