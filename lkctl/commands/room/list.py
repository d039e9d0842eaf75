"""`lkctl room list`."""

from typing import Annotated

import typer

from lkctl.options import Concurrency, Match, MetadataHas, OlderThan, ServerCommand, examples, use

app = typer.Typer()

_FILTERS, _LOOKS = "Which rooms: all of it must fit", "How they are shown"
_ORDERS = ("name", "created", "participants", "age")


def _complete_order(incomplete: str) -> list[str]:
    return [word for name in _ORDERS for word in (name, f"-{name}") if word.startswith(incomplete)]


def _complete_columns(incomplete: str) -> list[str]:
    from lkctl.views.rooms import ROOM_CELLS

    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in ROOM_CELLS if name.startswith(last)]


@app.command(
    "list",
    cls=ServerCommand,
    epilog=examples(
        "lkctl room list",
        "lkctl room list --match 'ci-*' --older-than 1h -o name",
        "lkctl room list --without-agent --metadata-has userId     # rooms that wait for their agent",
        "lkctl room list --agents --sort -participants --columns name,participants,agents,age",
        "lkctl room list --empty -o jsonl --timeout 2m             # thousands of rooms, each as its answer comes",
    ),
)
def list_(
    ctx: typer.Context,
    match: Match = None,
    older_than: OlderThan = None,
    metadata_has: MetadataHas = None,
    empty: Annotated[bool, typer.Option("--empty", rich_help_panel=_FILTERS, help="Nobody in it, no agent")] = False,
    without_agent: Annotated[
        bool, typer.Option("--without-agent", rich_help_panel=_FILTERS, help="No agent is in it")
    ] = False,
    agents: Annotated[
        bool,
        typer.Option("--agents", rich_help_panel=_LOOKS, help="Count participants and agents, by asking each room"),
    ] = False,
    sort: Annotated[
        str,
        typer.Option(
            metavar="|".join(_ORDERS),
            rich_help_panel=_LOOKS,
            autocompletion=_complete_order,
            help="The order; with - before it (-age), the other way round",
        ),
    ] = "name",
    reverse: Annotated[bool, typer.Option("--reverse", rich_help_panel=_LOOKS, help="The other way round")] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,C",
            rich_help_panel=_LOOKS,
            autocompletion=_complete_columns,
            help="Columns of table and tsv: name, sid, participants, agents, publishers, created, age, empty-timeout, "
            "departure-timeout, recording, metadata",
        ),
    ] = None,
    concurrency: Concurrency = 32,
) -> None:
    """List the rooms of the server.

    The server's own count of participants leaves agents out and lags by 5 s; --agents, --empty and --without-agent
    (and the column agents) ask each room who is in it, several at once, and show each as its answer comes. All of it
    ends within --timeout. A room that gives no answer does not hide the others: it is told of in the end, by the exit
    code too.
    """
    from lkctl.scenarios.roomfilter import room_filter
    from lkctl.scenarios.roomlist import RoomList, Wanted
    from lkctl.views.fleet import show_fleet
    from lkctl.views.rooms import read_columns, rooms_view

    run = use(ctx)
    fitting = room_filter(match, older_than, metadata_has)
    chosen = read_columns(columns)
    wanted = Wanted(fitting, sort, reverse, agents or "agents" in chosen, empty, without_agent)
    found = RoomList(run.api(), wanted, concurrency)
    view = rooms_view(chosen, run.now, asked=wanted.asks)
    show_fleet(view, found, found.tally, run.format, run.console)
