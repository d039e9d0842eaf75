"""`lkctl participant forward`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("forward", cls=ServerCommand, epilog=examples("lkctl participant forward demo"))
def forward_participant(ctx: typer.Context, room: RoomName) -> None:
    """Forward a participant to another room, so that it is in both."""
    use(ctx)
    raise NotImplementedError(room)
