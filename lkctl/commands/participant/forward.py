"""`lkctl participant forward`."""

import typer

from lkctl.options import DestinationRoom, DryRun, Identity, RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command(
    "forward",
    cls=ServerCommand,
    epilog=examples(
        "lkctl participant forward demo alice --to stage",
        "lkctl participant forward demo alice --to stage --dry-run -o json",
    ),
)
def forward_participant(
    ctx: typer.Context, room: RoomName, identity: Identity, to: DestinationRoom, dry_run: DryRun = False
) -> None:
    """Forward a participant to another room, so that it is in both.

    Only LiveKit Cloud can; livekit-server 1.13.5 says so at once (server-cloud, exit code 7).
    """
    from lkctl.scenarios.participants import transfer_participant
    from lkctl.views.transfer import transfer_view

    run = use(ctx)
    transfer = transfer_participant(run.api(), room, identity, to, leave=False, dry_run=dry_run)
    run.show(transfer_view(transfer))
