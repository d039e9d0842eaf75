"""How a wait looks to people: while it lasts, and when it is over."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lkctl.output.columns import fit
from lkctl.output.console import Console
from lkctl.output.view import Column, Listing, Record
from lkctl.scenarios.conditions import Finding
from lkctl.scenarios.waiting import Outcome
from lkctl.secret import printable


def outcome_view(outcome: Outcome) -> Record:
    """Show what holds, and what was seen of it."""
    document = {
        "room": outcome.room,
        "waited_s": outcome.waited_s,
        "conditions": [one._asdict() for one in outcome.conditions],
    }
    columns: tuple[Column[Finding], ...] = (
        Column("CONDITION", lambda one: one.condition),
        Column("HOLDS", lambda one: "yes" if one.held else "no"),
        Column("SEEN", lambda one: one.seen),
    )
    listing = Listing(outcome.conditions, columns, lambda one: one.condition, "no conditions", prose=True)
    fields = (("room", outcome.room), ("waited", f"{outcome.waited_s:g} s"))
    return Record(document, fields, outcome.room, lists=(("Conditions", listing),))


@contextmanager
def showing_progress(console: Console) -> Iterator[Callable[[str], None]]:
    """Give the function that is told what is awaited; a terminal shows it, and it is wiped away in the end."""
    meter = console.meter()
    if meter is None:
        yield lambda _: None
        return
    width = console.width - 1

    def tell(text: str) -> None:
        meter.show(fit(printable(text), width))

    try:
        yield tell
    finally:
        meter.wipe()
