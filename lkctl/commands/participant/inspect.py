"""`lkctl participant inspect`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("inspect", cls=ServerCommand, epilog=examples("lkctl participant inspect demo"))
def inspect_participant(ctx: typer.Context, room: RoomName) -> None:
    """Show one participant whole: state, permissions, attributes, tracks."""
    use(ctx)
    raise NotImplementedError(room)
