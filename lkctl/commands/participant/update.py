"""`lkctl participant update`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("update", cls=ServerCommand, epilog=examples("lkctl participant update demo"))
def update_participant(ctx: typer.Context, room: RoomName) -> None:
    """Change a participant's metadata, name, attributes or permissions."""
    use(ctx)
    raise NotImplementedError(room)
