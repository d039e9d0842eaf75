"""`lkctl participant list`."""

from typing import Annotated

import typer

from lkctl.options import RoomName, ServerCommand, examples, use

app = typer.Typer()


def _kinds(incomplete: str) -> list[str]:
    """Complete kinds of participants."""
    from lkctl.tokens.claims import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


@app.command(
    "list",
    cls=ServerCommand,
    epilog=examples(
        "lkctl participant list demo",
        "lkctl participant list demo --kind agent -o json",
        "lkctl participant list demo --attribute plan=pro -o name",
    ),
)
def list_(
    ctx: typer.Context,
    room: RoomName,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", autocompletion=_kinds, help="Only this kind, such as agent or sip (repeatable)"),
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY[=VALUE]", help="Only who has this attribute (repeatable, all must fit)"),
    ] = None,
) -> None:
    """List who is in a room, agents and hidden participants too, in the order of joining.

    Who crashed is listed until the server misses it, about 20 s.
    """
    from lkctl.scenarios.participants import list_participants, participant_filter
    from lkctl.views.participants import participants_view

    run = use(ctx)
    wanted = participant_filter(kind, attribute)
    run.show(participants_view(list_participants(run.api(), room, wanted), filtered=any(wanted)))
