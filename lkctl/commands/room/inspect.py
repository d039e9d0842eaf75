"""`lkctl room inspect`."""

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command(
    "inspect",
    cls=ServerCommand,
    epilog=examples(
        "lkctl room inspect demo",
        "lkctl room inspect demo -o json > s.json && lkctl agent resolve --snapshot s.json",
        "lkctl room inspect demo -o name >/dev/null || echo 'no such room'",
    ),
)
def inspect(ctx: typer.Context, room: RoomName) -> None:
    """Show a room whole: participants, tracks, dispatches with a verdict, and the user ID an agent would use.

    Participants are counted here, agents too; the server's own number leaves agents out and is up to 5 s late. Exit 3
    when the room does not exist. What `-o json` gives is a snapshot for `lkctl agent resolve`.
    """
    from lkctl.scenarios.picture import picture_room
    from lkctl.views.picture import picture_view

    run = use(ctx)
    run.show(picture_view(picture_room(run.api(), room)))
