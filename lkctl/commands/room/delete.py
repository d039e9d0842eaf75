"""`lkctl room delete`."""

import typer

from lkctl.options import DryRun, RoomName, ServerCommand, Yes, examples, use

app = typer.Typer()


@app.command(
    "delete",
    cls=ServerCommand,
    epilog=examples("lkctl room delete demo", "lkctl room delete demo --yes", "lkctl room delete demo --dry-run"),
)
def delete(ctx: typer.Context, room: RoomName, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Delete a room and put everybody in it out."""
    from lkctl.scenarios.deletion import delete_room
    from lkctl.views.deletion import deleted_view

    run = use(ctx)
    api = run.api()
    run.confirm(f"Delete room {room} on {api.url.http} and put everybody in it out?", yes=yes or dry_run)
    run.show(deleted_view(delete_room(api, room, dry_run=dry_run), dry_run=dry_run))
