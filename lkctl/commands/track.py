"""`lkctl track …`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command("list", cls=ServerCommand, epilog=examples("lkctl track list demo"))
def list_track(ctx: typer.Context, room: RoomName) -> None:
    """List the tracks of a room, with what the server knows of each."""
    use(ctx)
    raise NotImplementedError(room)


@app.command("mute", cls=ServerCommand, epilog=examples("lkctl track mute demo"))
def mute_track(ctx: typer.Context, room: RoomName) -> None:
    """Mute tracks of a participant."""
    use(ctx)
    raise NotImplementedError(room)


@app.command("unmute", cls=ServerCommand, epilog=examples("lkctl track unmute demo"))
def unmute_track(ctx: typer.Context, room: RoomName) -> None:
    """Unmute tracks of a participant, where the server allows it."""
    use(ctx)
    raise NotImplementedError(room)
