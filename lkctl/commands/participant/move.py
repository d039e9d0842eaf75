"""`lkctl participant move`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("move", cls=ServerCommand, epilog=examples("lkctl participant move demo"))
def move_participant(ctx: typer.Context, room: RoomName) -> None:
    """Move a participant to another room."""
    use(ctx)
    raise NotImplementedError(room)
