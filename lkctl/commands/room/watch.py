"""`lkctl room watch`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("watch", cls=ServerCommand, epilog=examples("lkctl room watch demo"))
def watch_room(ctx: typer.Context, room: RoomName) -> None:
    """Show what changes in a room, as it happens."""
    use(ctx)
    raise NotImplementedError(room)
