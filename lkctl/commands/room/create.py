"""`lkctl room create`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lkctl.duration import parse_duration
from lkctl.errors import LkctlError
from lkctl.options import DryRun, Metadata, ServerCommand, UserId, examples, use, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lkctl.invocation import Invocation
    from lkctl.models import AgentRequest, RoomRequest
    from lkctl.scenarios.metadata import Wish

app = typer.Typer()

MOST = 2**32 - 1  # the server counts in 32 bits
_EXISTING, _MEDIA = "A room that exists", "Media"


def _milliseconds(text: str) -> int:
    """Read a delay: 200 and 200ms are milliseconds, 1s is a duration."""
    bare = text.strip().lower().removesuffix("ms")
    found = int(bare) if bare.isdecimal() else round(parse_duration(text, "the delay") * 1000)
    if found > MOST:
        raise LkctlError("usage", f"the delay {text} is longer than the server counts", hint="Write it like 200ms")
    return found


@app.command(
    "create",
    cls=ServerCommand,
    epilog=examples(
        "lkctl room create demo --max-participants 10",
        """lkctl room create demo --metadata '{"userId": "user_1704067200000_abc123"}'""",
        "lkctl room create demo --metadata @room.json --metadata-set plan=pro --metadata-set seats=5",
        "lkctl room create --user-id user_1704067200000_abc123      # room mcp-chrome-user-user_…, and metadata",
        'lkctl room create demo --agent helper --agent \'scribe={"lang":"en"}\'',
        "lkctl room create demo --egress @egress.json --min-playout-delay 200ms --sync-streams",
        "lkctl room create demo --metadata @room.json --if-not-exists -o json",
        "lkctl room create demo --metadata @room.json --agent helper --update-existing",
    ),
)
def create(
    ctx: typer.Context,
    room: Annotated[
        str | None, typer.Argument(metavar="[ROOM]", help="Name; by convention from --user-id if left out")
    ] = None,
    user_id: UserId = None,
    metadata: Metadata = None,
    metadata_set: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Set a key of it; VALUE is JSON if it can be, else text (repeatable)"),
    ] = None,
    max_participants: Annotated[
        int | None, typer.Option(metavar="N", min=0, max=MOST, help="Most participants, agents not counted")
    ] = None,
    empty_timeout: Annotated[
        int | None,
        typer.Option(metavar="DURATION", parser=whole_seconds, help="Close a room nobody joined after this time"),
    ] = None,
    departure_timeout: Annotated[
        int | None,
        typer.Option(metavar="DURATION", parser=whole_seconds, help="Close the room this long after the last one left"),
    ] = None,
    agent: Annotated[
        list[str] | None, typer.Option(metavar="NAME[=METADATA]", help="Dispatch this agent (repeatable)")
    ] = None,
    egress: Annotated[
        str | None,
        typer.Option(metavar="JSON|@FILE|-", rich_help_panel=_MEDIA, help="Record it: RoomEgress as LiveKit has it"),
    ] = None,
    min_playout_delay: Annotated[
        int | None,
        typer.Option(metavar="DELAY", parser=_milliseconds, rich_help_panel=_MEDIA, help="For viewers: 200ms, 1s"),
    ] = None,
    max_playout_delay: Annotated[
        int | None,
        typer.Option(metavar="DELAY", parser=_milliseconds, rich_help_panel=_MEDIA, help="For viewers: 200ms, 1s"),
    ] = None,
    sync_streams: Annotated[
        bool, typer.Option("--sync-streams", rich_help_panel=_MEDIA, help="Keep sound and picture together")
    ] = False,
    if_not_exists: Annotated[
        bool,
        typer.Option("--if-not-exists", rich_help_panel=_EXISTING, help="Leave it as it is, and exit 0 whatever it is"),
    ] = False,
    update_existing: Annotated[
        bool,
        typer.Option(
            "--update-existing",
            rich_help_panel=_EXISTING,
            help="Replace its metadata, or without --metadata set the keys that are named; dispatch missing agents",
        ),
    ] = False,
    dry_run: DryRun = False,
) -> int:
    """Create a room, and report which of your wishes the server applied.

    LiveKit answers a creation of a room that exists with the old room, unchanged, as if nothing were wrong; lkctl
    compares, names what was not applied, and exits 1. What the API never shows is named as unconfirmed.
    """
    from lkctl.scenarios.creation import create_room
    from lkctl.views.creation import creation_view, planned_view

    run = use(ctx)
    wishes = {
        "max_participants": max_participants,
        "empty_timeout": empty_timeout,
        "departure_timeout": departure_timeout,
        "min_playout_delay": min_playout_delay,
        "max_playout_delay": max_playout_delay,
        "sync_streams": sync_streams or None,
        "agents": _read_agents(agent),
        "egress": _read_egress(run, egress, metadata),
    }
    _insist_one(if_not_exists=if_not_exists, update_existing=update_existing)
    request = _plan(run, room, wishes, user_id=user_id, metadata=metadata, metadata_set=metadata_set)
    if dry_run:
        run.show(planned_view(request))
        return 0
    keys = None if metadata is not None else _keys(request)
    creation = create_room(run.api(), request, keep=if_not_exists, update=update_existing, keys=keys)
    run.show(creation_view(creation))
    return 1 if creation.not_applied and (creation.created or not if_not_exists) else 0


def _plan(
    run: "Invocation",
    room: str | None,
    wishes: "Mapping[str, Any]",
    *,
    user_id: str | None,
    metadata: str | None,
    metadata_set: list[str] | None,
) -> "RoomRequest":
    """Put the metadata together, and all into one request."""
    from lkctl.scenarios.assignments import compose_metadata, read_assignments
    from lkctl.scenarios.creation import plan_room

    user, put = run.user_id(user_id), read_assignments(metadata_set, "--metadata-set")
    return plan_room(room, user, compose_metadata(run.metadata(metadata), put, user), wishes)


def _keys(request: "RoomRequest") -> "Wish | None":
    """Say how the metadata of a room that exists is to change where only keys of it are named: the others stay."""
    if request.metadata is None:
        return None
    from lkctl.scenarios.metadata import Edit
    from lkctl.tokens.document import read_strictly

    return Edit(read_strictly(request.metadata, "metadata"))


def _insist_one(*, if_not_exists: bool, update_existing: bool) -> None:
    if if_not_exists and update_existing:
        hint = "The one leaves a room that exists as it is, the other changes it"
        raise LkctlError("usage", "--if-not-exists excludes --update-existing", hint=hint)


def _read_agents(words: list[str] | None) -> "tuple[AgentRequest, ...] | None":
    """Read NAME[=METADATA] as `token mint --agent` does."""
    if not words:
        return None
    from lkctl.models import AgentRequest
    from lkctl.tokens.roomrequest import make_room_config

    agents = make_room_config({}, None, words)["agents"]
    return tuple(AgentRequest(agent["agentName"], agent.get("metadata", "")) for agent in agents)


def _read_egress(run: "Invocation", argument: str | None, metadata: str | None) -> "Mapping[str, Any] | None":
    if argument is None:
        return None
    if argument == metadata == "-":
        raise LkctlError("usage", "metadata and egress cannot both come from standard input", hint="Give one as @FILE")
    from lkctl.files.content import read_text
    from lkctl.scenarios.egress import read_egress

    return read_egress(read_text(argument, run.console.stdin))
