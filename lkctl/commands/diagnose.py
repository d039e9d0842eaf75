"""`lkctl diagnose`."""

from typing import Annotated, ClassVar

import typer

from lkctl.commands.checkoptions import Bundle, JudgingCommand, Only, ReportTo, Skip, Strict, complete_check
from lkctl.options import ServerCommand, examples, use

app = typer.Typer()

_SCOPE = "What else to judge"

Room = Annotated[
    str | None, typer.Option("--room", metavar="NAME", rich_help_panel=_SCOPE, help="This room, and who is in it")
]
Token = Annotated[
    str | None,
    typer.Option("--token", metavar="JWT|@FILE|-", rich_help_panel=_SCOPE, help="This token; joins with it never"),
]
TokenEndpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", rich_help_panel=_SCOPE, help="Fetch a token there as a browser would, and judge it"),
]
Agent = Annotated[
    str | None,
    typer.Option(
        "--agent",
        metavar="NAME",
        rich_help_panel=_SCOPE,
        help="Agents of this name; whether one in no room works, --probe tells",
    ),
]
AnyAgent = Annotated[
    bool, typer.Option("--any-agent", rich_help_panel=_SCOPE, help="The agent without a name, which comes by itself")
]
Worker = Annotated[
    str | None,
    typer.Option(
        "--worker", metavar="URL", rich_help_panel=_SCOPE, help="The worker's own HTTP port: http://host:8081"
    ),
]
Probe = Annotated[
    bool,
    typer.Option("--probe", rich_help_panel=_SCOPE, help="Start a real job of this agent in a throw-away room"),
]
Media = Annotated[
    bool, typer.Option("--media", rich_help_panel=_SCOPE, help="Join a throw-away room: ICE, TURN, tracks (extra rtc)")
]
JoinWithToken = Annotated[
    bool,
    typer.Option("--join-with-token", rich_help_panel=_SCOPE, help="With --media: join with --token, as its identity"),
]
Source = Annotated[
    str | None,
    typer.Option("--source", metavar="DIR", rich_help_panel=_SCOPE, help="Code and configuration: findings are advice"),
]
Expect = Annotated[
    str | None,
    typer.Option("--expect", metavar="FILE", rich_help_panel=_SCOPE, help="The deployment as it should be, in TOML"),
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="FILE.zip", rich_help_panel="Reports", help="Judge a bundle again, and ask nobody"),
]
Diff = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--diff",
        metavar="A B",
        rich_help_panel="Reports",
        help="Say what is another in B: two bundles, or reports as JSON; exit 1 if it is worse",
    ),
]


class DiagnoseCommand(JudgingCommand, ServerCommand):
    """`diagnose`; an agent may have no name."""

    empty_hints: ClassVar[dict[str, str]] = {
        "--agent": "An unset variable? Give a name, or --any-agent for the agent without one"
    }


@app.command(
    "diagnose",
    cls=DiagnoseCommand,
    epilog=examples(
        "lkctl diagnose",
        "lkctl diagnose --url wss://livekit.example.com      # needs no key for what needs none",
        "lkctl diagnose --room demo --agent helper           # why does the agent not join?",
        "lkctl diagnose --agent helper --probe               # does it come when it is called?",
        "lkctl diagnose --token @t.jwt",
        "lkctl diagnose --source .",
        "lkctl diagnose --only 'net.*' --only 'http.*'",
        "lkctl diagnose -o json | jq .probable_cause",
        "lkctl diagnose --fix                         # the change that mends it; made by nobody but you",
        "lkctl diagnose --wait 60s                    # after a deployment: until nothing fails",
        "lkctl diagnose --explain api.auth",
        "lkctl diagnose --expect deployment.toml      # is it as it should be? README, Expectations",
        "lkctl diagnose --report github --report junit=lkctl.xml --report html=lkctl.html",
        "lkctl diagnose --report nagios               # one line, and exit codes 0 to 3",
        "lkctl diagnose --bundle support.zip          # for a ticket: no secret is in it",
        "lkctl diagnose --from support.zip            # judged again, offline",
        "lkctl diagnose --diff good.zip bad.zip       # what is another; exit 1 if it is worse",
    ),
)
def diagnose(
    ctx: typer.Context,
    room: Room = None,
    token: Token = None,
    token_endpoint: TokenEndpoint = None,
    agent: Agent = None,
    any_agent: AnyAgent = False,
    worker: Worker = None,
    probe: Probe = False,
    media: Media = False,
    join_with_token: JoinWithToken = False,
    source: Source = None,
    expect: Expect = None,
    only: Only = None,
    skip: Skip = None,
    strict: Strict = False,
    failed_only: Annotated[bool, typer.Option("--failed-only", help="Show only what did not pass")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Print only the change that mends the cause, as a patch or a command")
    ] = False,
    wait: Annotated[
        str | None,
        typer.Option("--wait", metavar="DURATION", help="Run again until nothing fails, for so long at most"),
    ] = None,
    watch: Annotated[
        str | None,
        typer.Option(
            "--watch", metavar="DURATION", help="Run every so often, until ^C; a line when the verdict is another"
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the checks, and run none")] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain", metavar="ID", autocompletion=complete_check, help="Say what a check judges, and run none"
        ),
    ] = None,
    report: ReportTo = None,
    bundle: Bundle = None,
    from_: From = None,
    diff: Diff = None,
) -> int:
    """Find out what is wrong with a deployment, and name the one cause.

    Reads only, but for --probe and --media: nothing is created on the server, and nobody joins. Where key and secret
    are refused, it tries what may have been meant, with tokens that may do nothing. --timeout bounds a whole run: 10 s,
    60 s with --probe or --media. --fix changes nothing by itself: it prints a patch for `patch -p0`, or a command
    for `sh`, and its second line says which.

    Exit 0 when nothing failed, else 1: also where a verdict could not be reached, and after --wait. With --report
    nagios, to stdout, they are those of a plugin: 0 to 3, and 3 also for a wrong option.
    """
    from lkctl.checks.catalogue import candidates
    from lkctl.checks.selection import plan
    from lkctl.commands.examination import examine, read_manner
    from lkctl.commands.offline import answer_offline
    from lkctl.commands.scope import read_scope, with_patience

    run = use(ctx)
    if list_ or explain or from_ or diff:
        return answer_offline(ctx, run)
    scope = read_scope(
        run, room=room or "", token=token, token_endpoint=token_endpoint or "", agent=agent, any_agent=any_agent,
        worker=worker or "",
        probe=probe, media=media, join_with_token=join_with_token, source=source,
        expect=expect,
    )  # fmt: skip
    manner = read_manner(
        run, wait=wait, watch=watch, strict=strict, failed_only=failed_only, fix=fix, report=report, bundle=bundle
    )
    patient = with_patience(run, scope, given=str(ctx.get_parameter_source("timeout")).endswith("COMMANDLINE"))
    return examine(patient, plan(candidates(scope, only, skip), only, skip, scope), manner, scope)
