"""`lkctl participant inspect`."""

import typer

from lkctl.options import Identity, RoomName, ServerCommand, examples, use

app = typer.Typer()


@app.command(
    "inspect",
    cls=ServerCommand,
    epilog=examples(
        "lkctl participant inspect demo alice",
        "lkctl participant inspect demo alice -o json | jq .permission",
        "lkctl participant inspect demo alice -o name >/dev/null || echo 'not there'",
    ),
)
def inspect_participant(ctx: typer.Context, room: RoomName, identity: Identity) -> None:
    """Show one participant whole: state, permissions, attributes, tracks.

    The user ID is the one that an agent would take from this participant's metadata.
    """
    from lkctl.output.format import Format
    from lkctl.output.render import effective
    from lkctl.scenarios.participants import own_user_id
    from lkctl.views.participantsheet import participant_view

    run = use(ctx)
    api = run.api()
    one = api.get_participant(room, identity)
    people = effective(run.format, run.console) is Format.table
    run.show(participant_view(room, one, own_user_id(room, one), api.now, people=people))
