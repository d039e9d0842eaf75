"""`lkctl participant list`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command(
    "list", cls=ServerCommand, epilog=examples("lkctl participant list demo", "lkctl participant list demo -o json")
)
def list_(ctx: typer.Context, room: RoomName) -> None:
    """List who is in a room, agents and hidden participants too, in the order of joining."""
    from lkctl.scenarios.participants import list_participants
    from lkctl.views.participants import participants_view

    run = use(ctx)
    run.show(participants_view(list_participants(run.api(), room)))
