"""`lkctl room watch`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.options import SettingsCommand, examples, use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lkctl.invocation import Invocation
    from lkctl.scenarios.changes import Event

app = typer.Typer()

Room = Annotated[str | None, typer.Argument(metavar="[ROOM]", help="Name of the room; all rooms if left out")]
Count = Annotated[
    int | None, typer.Option("--count", metavar="N", min=1, help="End after so many changes; snapshots are none")
]
Interval = Annotated[
    str, typer.Option("--interval", metavar="DURATION", help="Pause between two looks, at least 0.1 s")
]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help="End after this time [default: never]")
]


@app.command(
    "watch",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl room watch demo",
        "lkctl room watch demo | jq --unbuffered -r 'select(.event == \"participant_joined\").participant'",
        "lkctl room watch demo --count 1 --timeout 30s -o name",
        "lkctl room watch                              # all rooms of the server",
    ),
)
def watch_room(
    ctx: typer.Context, room: Room = None, count: Count = None, interval: Interval = "0.5s", timeout: Timeout = None
) -> None:
    """Show what changes in a room, as it happens.

    Lines on a terminal, JSON lines in a pipe; first a snapshot, then an event for every room, participant, track and
    dispatch that comes, goes or changes. It looks twice a second: what lasts shorter may be missed. The room need not
    exist yet. When the server goes away (server_lost) it keeps trying, and tells the differences when it is back
    (server_back). Exit code 0 when --timeout is reached, 6 when --count was not reached by then.
    """
    from lkctl.convention import check_name
    from lkctl.duration import parse_timeout
    from lkctl.scenarios.watching import read_interval, sight, watch

    run = use(ctx)
    pace, seconds = read_interval(interval), None if timeout is None else parse_timeout(timeout)
    api = run.api()
    see = sight(api, None if room is None else check_name(room, "room's name"))
    what = "all rooms" if room is None else f"room {room!r}"
    run.console.talk(f"watching {what} on {api.url.http}; ^C ends it")
    _show(run, watch(see, interval=pace, seconds=seconds), count, rooms=room is None)


def _show(run: "Invocation", looks: "Iterator[tuple[Event, ...]]", count: int | None, *, rooms: bool) -> None:
    """Show events until there are enough or the time is up; raise `wait-expired` when there are not enough."""
    from lkctl.errors import LkctlError
    from lkctl.views.watching import showing_events

    shown = 0
    with showing_events(run.format, run.console, rooms=rooms) as show:
        for events in looks:
            run.console.insist_reader()
            for event in events:
                show(event)
                shown += event.event != "snapshot"
                if shown == count:
                    return
    if count is not None:
        hint = "Give more time with --timeout, or look: lkctl room list"
        raise LkctlError("wait-expired", f"{shown} of {count} changes came in time", hint=hint)
