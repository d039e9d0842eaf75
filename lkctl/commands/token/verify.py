"""`lkctl token verify`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.commands.token.given import (
    FailOn,
    FailOnOption,
    Ignore,
    Judging,
    RequireKey,
    Scan,
    ServerVersion,
    given_text,
    judging_from,
)
from lkctl.duration import parse_duration
from lkctl.errors import ExitCode
from lkctl.invocation import Invocation
from lkctl.options import ServerCommand, examples, use

if TYPE_CHECKING:
    from lkctl.scenarios.verification import Judge, Server
    from lkctl.server.validate import Verdict
    from lkctl.tokens.decoding import Decoded
    from lkctl.tokens.expectations import Wishes

app = typer.Typer()

_EXPECTED = "Expectations"


@app.command(
    "verify",
    cls=ServerCommand,
    epilog=examples(
        "lkctl token verify @token.txt --require roomJoin --require room=demo",
        "lkctl token verify @token.txt --room demo --user-id user_1704067200000_abc123 --min-ttl 5m",
        "lkctl token verify @token.txt --require 'canPublishSources~microphone' --require '!roomAdmin'",
        "lkctl token verify @token.txt --require attributes.plan=pro --require metadata.user.role=host",
        "lkctl token mint --user-id new | lkctl token verify --server",
        "lkctl token verify @token.txt --server --url wss://livekit.example.com     # no secret needed",
    ),
)
def verify_token(
    ctx: typer.Context,
    token: Annotated[
        str | None, typer.Argument(metavar="[TOKEN|@FILE|-]", help="The token [default: standard input]")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR",
            rich_help_panel=_EXPECTED,
            help="NAME, !NAME, NAME=VALUE, NAME!=VALUE or NAME~VALUE (holds), of a grant, a claim, attributes.KEY or"
            " metadata.PATH (repeatable)",
        ),
    ] = None,
    room: Annotated[
        str | None, typer.Option(metavar="ROOM", rich_help_panel=_EXPECTED, help="It may join this room")
    ] = None,
    identity: Annotated[
        str | None, typer.Option(metavar="TEXT", rich_help_panel=_EXPECTED, help="It is for this identity")
    ] = None,
    user_id: Annotated[
        str | None,
        typer.Option(metavar="ID", rich_help_panel=_EXPECTED, help="An agent reads this user ID from its metadata"),
    ] = None,
    agent: Annotated[
        str | None, typer.Option(metavar="NAME", rich_help_panel=_EXPECTED, help="Its roomConfig dispatches this agent")
    ] = None,
    min_ttl: Annotated[
        str | None,
        typer.Option(metavar="DURATION", rich_help_panel=_EXPECTED, help="At least this much lifetime is left: 5m"),
    ] = None,
    server: Annotated[
        bool, typer.Option("--server", rich_help_panel=_EXPECTED, help="The server accepts it; nothing is joined")
    ] = False,
    ignore: Ignore = None,
    fail_on: FailOnOption = FailOn.error,
    server_version: ServerVersion = None,
    require_key: RequireKey = None,
    scan: Scan = None,
) -> None:
    """Check a token against what it must be, and against a real server.

    Its signature must be proven: by the configured secret; without one, by the server's accepting it. Exit code 1: an
    expectation is not met, the server refuses it, or it has an error; 2: no JWT at all; 5: no answer from the server.
    What --server does not prove: that a join succeeds, in a full room for example, or without a path for media.
    """
    from lkctl.scenarios.verification import verify
    from lkctl.tokens.demands import parse_demand
    from lkctl.tokens.expectations import Wishes
    from lkctl.views.verified import show_verified

    run, least = use(ctx), None if min_ttl is None else parse_duration(min_ttl, "--min-ttl")
    demands = list(map(parse_demand, require or ()))
    bare = _one_token(given_text(token, run))
    judging = judging_from(
        run, ignore=ignore, fail_on=fail_on, server_version=server_version, require_key=require_key, scan=scan
    )
    demands += (parse_demand(f"metadata.{key}") for key in require_key or ())
    wishes = Wishes(tuple(demands), least, user_id, identity, room, agent)
    result = verify(
        _judge(bare, judging, wishes, run.now), wishes, judging.missing, _server(bare, judging, run) if server else None
    )
    show_verified(result, judging.fail_on, run.format, run.console)
    raise typer.Exit(ExitCode.OK if result.good(judging.fail_on) else ExitCode.FAILED)


def _one_token(text: str) -> str:
    from lkctl.tokens.lines import one_token

    return one_token(text)


def _judge(token: str, judging: Judging, wishes: "Wishes", now: float) -> "Judge":
    wished = judging.facts._replace(room=wishes.room or "", agent=wishes.agent or "")

    def judge(*, ahead: float = 0.0, strict_key: bool = True, room_live: bool | None = None) -> "Decoded":
        facts = wished._replace(strict_key=strict_key, room_live=room_live)
        return judging._replace(facts=facts).decode(token, now + ahead)

    return judge


def _server(token: str, judging: Judging, run: Invocation) -> "Server":
    """Give the ways to ask the configured server; all of it ends within --timeout."""
    from lkctl.scenarios.verification import Server
    from lkctl.server.deadline import Deadline
    from lkctl.server.validate import is_sendable, validate

    url = judging.settings.url()
    deadline = Deadline(run.timeout)

    def ask() -> "Verdict | None":
        if not is_sendable(token):
            return None
        with run.console.progress(f"waiting for {url.http}"):
            return validate(url, token, deadline, run.console.complain if run.debug else None)

    def is_open(room: str) -> bool:
        return run._replace(timeout=deadline.left).api(judging.settings).find_room(room) is not None

    return Server(ask, None if judging.pair is None else is_open)
