"""`lkctl agent serve`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.options import DryRun, SettingsCommand, examples, use

if TYPE_CHECKING:
    from lkctl.agents.serve.plan import Plan
    from lkctl.invocation import Invocation

app = typer.Typer()

_DOOR, _AGENT, _LIMITS = "Who may connect", "The agent", "Limits"

Port = Annotated[
    int, typer.Option("--port", metavar="N", min=0, max=65535, help="Listen on this port; 0 takes a free one")
]
Host = Annotated[
    str, typer.Option("--host", "--bind", metavar="ADDRESS", help="Listen on this address; not loopback: with --secret")
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ORIGIN",
        rich_help_panel=_DOOR,
        help="Such as chrome-extension://ID or https://host (repeatable); none: programs; *: anybody with the secret",
    ),
]
SharedSecret = Annotated[
    str | None,
    typer.Option(
        "--secret",
        metavar="SECRET|@FILE|-",
        rich_help_panel=_DOOR,
        help="What each client must send as `secret` in its first message",
    ),
]
Bundled = Annotated[
    bool, typer.Option("--agent", rich_help_panel=_AGENT, help="Start the bundled agent for each session")
]
Launch = Annotated[
    str | None, typer.Option(metavar="SCRIPT", rich_help_panel=_AGENT, help="Start this agent for each session")
]
Python = Annotated[
    str | None, typer.Option(metavar="PATH", rich_help_panel=_AGENT, help="The agent's Python interpreter")
]
MaxSessions = Annotated[
    int | None,
    typer.Option(
        metavar="N", min=1, max=1000, rich_help_panel=_LIMITS, help="Users at once [default: 100; with an agent 8]"
    ),
]
IdleTimeout = Annotated[
    str, typer.Option(metavar="DURATION", rich_help_panel=_LIMITS, help="End a room that nobody is in for so long")
]
Ttl = Annotated[
    str, typer.Option(metavar="DURATION", rich_help_panel=_LIMITS, help="How long a token can be used to join")
]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help="End after this time [default: never]")
]


@app.command(
    "serve",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl agent serve --allow-origin chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "lkctl agent serve --allow-origin http://localhost:3000 --launch my_agent.py",
        "lkctl agent serve --allow-origin '*' --secret @secret.txt --agent -o jsonl | jq --unbuffered .event",
        "lkctl agent serve --allow-origin none --port 0 --dry-run       # for programs, which send no Origin",
    ),
)
def serve(
    ctx: typer.Context,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    allow_origin: AllowOrigin = None,
    secret: SharedSecret = None,
    agent: Bundled = False,
    launch: Launch = None,
    python: Python = None,
    max_sessions: MaxSessions = None,
    idle_timeout: IdleTimeout = "30s",
    ttl: Ttl = "5m",
    timeout: Timeout = None,
    dry_run: DryRun = False,
) -> None:
    """Answer a browser extension's connection with a room, a token and an agent of its own.

    A client connects by WebSocket and sends {"type": "connection_info", "userId": "…"}. It gets URL, room
    (mcp-chrome-user-{userId}) and a token for this room only. With --agent or --launch an agent is started for it
    first, with CHROME_USER_ID in its environment. When the socket closes, agent and room end; so they do with ^C, and
    when the agent or the LiveKit server is lost, which the client is told. GET /healthz tells how it is.
    """
    from lkctl.agents.serve.plan import make_plan, make_recipe
    from lkctl.duration import parse_timeout

    run = use(ctx)
    seconds = None if timeout is None else parse_timeout(timeout)
    plan = make_plan(
        host=host,
        port=port,
        origins=allow_origin or (),
        secret=_read_secret(run, secret),
        recipe=make_recipe(launch, python, bundled=agent),
        most_sessions=max_sessions,
        idle=idle_timeout,
        ttl=ttl,
    )
    if dry_run:
        _tell_plan(run, plan)
    else:
        _serve(run, plan, seconds)


def _tell_plan(run: "Invocation", plan: "Plan") -> None:
    from lkctl.views.serving import plan_view

    run.show(plan_view(plan, run.settings().target().url.http))


def _serve(run: "Invocation", plan: "Plan", seconds: float | None) -> None:
    """Serve until ^C, or until the time is up; what happens is shown to the end."""
    from lkctl.agents.serve.service import Service
    from lkctl.views.serving import how_to_connect, showing_service

    api = run.api()
    api.list_rooms(["-"])  # does it answer, and does it know us
    with showing_service(run.format, run.console) as show:
        service = Service(plan, api.quiet())
        try:
            with service:
                run.console.talk(how_to_connect(plan, api.url.http, service.url))
                for event in service.events(seconds):
                    run.console.insist_reader()
                    show(event)
        finally:
            for event in service.events(0):
                show(event)


def _read_secret(run: "Invocation", given: str | None) -> str | None:
    """Read the value itself, `@file` or `-`; raise `usage` where two things would come from standard input."""
    from lkctl.errors import LkctlError
    from lkctl.files.content import read_text

    if (given, run.connection.api_secret) == ("-", "-"):
        raise LkctlError("usage", "only one thing can come from standard input", hint="Give the other as @FILE")
    return None if given is None else read_text(given, run.console.stdin)
