"""`lkctl smoke`."""

from typing import Annotated

import typer

from lkctl.commands.checkoptions import Bundle, ReportTo, Strict
from lkctl.commands.diagnose import DiagnoseCommand, Expect, TokenEndpoint
from lkctl.options import examples, use

app = typer.Typer()

_MADE, _TOO = "What is made", "What else to judge"


@app.command(
    "smoke",
    cls=DiagnoseCommand,
    epilog=examples(
        "lkctl smoke                                        # after a deployment: exit 0, or 1 and the cause",
        "lkctl smoke --wait 60s                             # one that is still starting",
        "lkctl smoke --agent helper                         # and the agent comes when it is called",
        "lkctl smoke --media                                # and media gets through (extra rtc)",
        "lkctl smoke --user-id user_1704067200000_abc123",
        "lkctl smoke --token-endpoint https://app.example.com/api/token",
        "lkctl smoke --report github --report junit=smoke.xml",
        "lkctl smoke -o json | jq .probable_cause",
    ),
)
def smoke(
    ctx: typer.Context,
    user_id: Annotated[
        str, typer.Option("--user-id", metavar="ID|new", rich_help_panel=_MADE, help="The user ID that is to arrive")
    ] = "new",
    room_prefix: Annotated[
        str,
        typer.Option("--room-prefix", metavar="TEXT", rich_help_panel=_MADE, help="How the room's name begins"),
    ] = "lkctl-smoke-",
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="NAME", rich_help_panel=_TOO, help="An agent of this name comes to a real job"),
    ] = None,
    any_agent: Annotated[
        bool, typer.Option("--any-agent", rich_help_panel=_TOO, help="The agent without a name comes by itself")
    ] = False,
    media: Annotated[
        bool, typer.Option("--media", rich_help_panel=_TOO, help="Media gets through: ICE, TURN, tracks (extra rtc)")
    ] = False,
    token: Annotated[
        str | None,
        typer.Option("--token", metavar="JWT|@FILE|-", rich_help_panel=_TOO, help="This token; joins with it never"),
    ] = None,
    token_endpoint: TokenEndpoint = None,
    expect: Expect = None,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="DURATION", help="Run again until nothing fails, for so long at most"),
    ] = None,
    strict: Strict = False,
    failed_only: Annotated[bool, typer.Option("--failed-only", help="Show only what did not pass")] = False,
    report: ReportTo = None,
    bundle: Bundle = None,
) -> int:
    """Try a deployment out for real: a user ID goes from room to token to participant, and nothing is left.

    Makes a room with metadata, compares it, mints a token, has the server judge it, joins, resolves the user ID as an
    agent would, deletes the room, and makes sure that it is gone. The room has a random name, calls no agent, and is
    removed also after a failure and ^C. --timeout bounds a run: 10 s, 60 s with --agent, --any-agent or --media.

    Exit 0 when nothing failed, else 1, also after --wait. With --report nagios to stdout the exit codes are those of a
    plugin: 0 to 3, and 3 also for a wrong option.
    """
    from lkctl.checks.smokeplan import smoke_plan
    from lkctl.commands.examination import examine, read_manner
    from lkctl.commands.scope import read_smoke_scope, with_patience

    run = use(ctx)
    scope = read_smoke_scope(
        run, user_id, room_prefix, agent=agent, any_agent=any_agent, media=media, token=token,
        token_endpoint=token_endpoint or "", expect=expect,
    )  # fmt: skip
    manner = read_manner(
        run, wait=wait, watch=None, strict=strict, failed_only=failed_only, fix=False, report=report, bundle=bundle
    )
    patient = with_patience(run, scope, given=str(ctx.get_parameter_source("timeout")).endswith("COMMANDLINE"))
    return examine(patient, smoke_plan(scope, strict=strict), manner, scope)
