"""`lkctl participant remove`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("remove", cls=ServerCommand, epilog=examples("lkctl participant remove demo"))
def remove_participant(ctx: typer.Context, room: RoomName) -> None:
    """Put a participant out of a room."""
    use(ctx)
    raise NotImplementedError(room)
