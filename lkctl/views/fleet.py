"""How the answers of many rooms are shown: each as it comes, and in the end what went wrong."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.render import render_stream
from lkctl.output.view import Listing

if TYPE_CHECKING:
    from lkctl.scenarios.fleet import Tally

T = TypeVar("T")


def show_fleet(
    view: Listing[T], found: Iterable[T | None], tally: "Tally[Any] | None", format_: Format, console: Console
) -> None:
    """Show what is found as it comes, and how far it is on a terminal; raise the error of a room that gave no answer.

    None stands for a room that was asked and is not shown, or for a while in which nothing comes. Without `tally` no
    room was asked.
    """
    render_stream(view, _metered(found, tally, console), format_, console)
    if tally is None:
        return
    for remark in tally.remarks:
        console.talk(remark)
    tally.insist()


def _metered(found: Iterable[T | None], tally: "Tally[Any] | None", console: Console) -> Iterator[T]:
    meter = console.meter() if tally is not None else None
    if tally is None or meter is None:
        yield from (thing for thing in found if thing is not None)
        return
    try:
        for thing in found:
            meter.show(f"{tally.done:,} of {tally.total:,} rooms asked")
            if thing is not None:
                meter.wipe()
                yield thing
    finally:
        meter.wipe()
