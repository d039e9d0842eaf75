"""`lkctl room create`."""

from typing import Annotated

import typer

from lkctl.options import DryRun, Metadata, ServerCommand, UserId, examples, use, whole_seconds

app = typer.Typer()

MOST = 2**32 - 1  # the server counts in 32 bits


@app.command(
    "create",
    cls=ServerCommand,
    epilog=examples(
        "lkctl room create demo --max-participants 10",
        """lkctl room create demo --metadata '{"userId": "user_1704067200000_abc123"}'""",
        "lkctl room create --user-id user_1704067200000_abc123      # room mcp-chrome-user-user_…, and metadata",
        "lkctl room create demo --metadata @room.json --if-not-exists -o json",
    ),
)
def create(
    ctx: typer.Context,
    room: Annotated[
        str | None, typer.Argument(metavar="[ROOM]", help="Name; by convention from --user-id if left out")
    ] = None,
    user_id: UserId = None,
    metadata: Metadata = None,
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
    if_not_exists: Annotated[
        bool, typer.Option("--if-not-exists", help="Exit 0 also when it existed with other settings")
    ] = False,
    dry_run: DryRun = False,
) -> int:
    """Create a room, and report which of your wishes the server applied.

    LiveKit answers a creation of a room that exists with the old room, unchanged, as if nothing were wrong; lkctl
    compares, names what was not applied, and exits 1.
    """
    from lkctl.scenarios.creation import create_room, plan_room
    from lkctl.server.api import room_body
    from lkctl.views.creation import creation_view, planned_view

    run = use(ctx)
    limits = {
        "max_participants": max_participants,
        "empty_timeout": empty_timeout,
        "departure_timeout": departure_timeout,
    }
    user = run.user_id(user_id)
    request = plan_room(room, user, run.metadata(metadata, user), limits)
    if dry_run:
        run.show(planned_view(request.name, room_body(request)))
        return 0
    creation = create_room(run.api(), request)
    run.show(creation_view(creation))
    return 1 if creation.not_applied and not if_not_exists else 0
