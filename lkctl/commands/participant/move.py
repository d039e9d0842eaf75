"""`lkctl participant move`."""

import typer

from lkctl.options import DestinationRoom, DryRun, Identity, RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command(
    "move",
    cls=ServerCommand,
    epilog=examples(
        "lkctl participant move demo alice --to stage",
        "lkctl participant move demo alice --to stage --dry-run -o json",
    ),
)
def move_participant(
    ctx: typer.Context, room: RoomName, identity: Identity, to: DestinationRoom, dry_run: DryRun = False
) -> None:
    """Move a participant to another room.

    Only LiveKit Cloud can; livekit-server 1.13.5 says so at once (server-cloud, exit code 7).
    """
    from lkctl.scenarios.participants import transfer_participant
    from lkctl.views.transfer import transfer_view

    run = use(ctx)
    transfer = transfer_participant(run.api(), room, identity, to, leave=True, dry_run=dry_run)
    run.show(transfer_view(transfer))
