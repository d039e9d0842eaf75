"""`lkctl room update`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("update", cls=ServerCommand, epilog=examples("lkctl room update demo"))
def update_room(ctx: typer.Context, room: RoomName) -> None:
    """Change a room's metadata, never over somebody else's change."""
    use(ctx)
    raise NotImplementedError(room)
