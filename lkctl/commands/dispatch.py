"""`lkctl dispatch …`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("create", cls=ServerCommand, epilog=examples("lkctl dispatch create demo"))
def create_dispatch(ctx: typer.Context, room: RoomName) -> None:
    """Ask for an agent, and with --wait see it come."""
    use(ctx)
    raise NotImplementedError(room)


@app.command("list", cls=ServerCommand, epilog=examples("lkctl dispatch list demo"))
def list_dispatch(ctx: typer.Context, room: RoomName) -> None:
    """List the dispatches of a room, each with a verdict."""
    use(ctx)
    raise NotImplementedError(room)


@app.command("delete", cls=ServerCommand, epilog=examples("lkctl dispatch delete demo"))
def delete_dispatch(ctx: typer.Context, room: RoomName) -> None:
    """Delete a dispatch, which ends its agent."""
    use(ctx)
    raise NotImplementedError(room)
