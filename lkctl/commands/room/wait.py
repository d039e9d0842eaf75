"""`lkctl room wait`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("wait", cls=ServerCommand, epilog=examples("lkctl room wait demo"))
def wait_room(ctx: typer.Context, room: RoomName) -> None:
    """Wait until something holds of a room."""
    use(ctx)
    raise NotImplementedError(room)
