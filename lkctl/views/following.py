"""How a room that is followed looks: the first result, then a line for each change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lkctl.agents.following import Change, Happening
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339, to_json
from lkctl.output.render import effective
from lkctl.output.stream import streaming
from lkctl.scenarios.watching import Back, Lost
from lkctl.secret import printable
from lkctl.userid import Resolution, resolution_json
from lkctl.views.resolution import answer, codes, show_resolution


@contextmanager
def showing_changes(
    format_: Format, console: Console, *, via: str, room: str, explain: bool | None
) -> Iterator[Callable[[Happening], None]]:
    """Give the function that shows what happens: JSON lines also for json, and people get the first one explained."""
    form = effective(format_, console)
    shown = Format.jsonl if form is Format.json else Format.table if explain else form
    known: set[str] = set()

    def as_line(change: Change, console: Console) -> str:
        new = [one for one in change.resolution.warnings if one.code not in known]
        known.clear()
        known.update(one.code for one in change.resolution.warnings)
        remarks = [f"    {one.code}: {printable(one.message)}\n" for one in new]
        return f"{change.at.astimezone():%H:%M:%S}  {_said(change.resolution, console)}\n{''.join(remarks)}"

    spellings: dict[Format, Callable[[Change, Console], str]] = {
        Format.table: as_line,
        Format.tsv: lambda change, _: _as_values(change.resolution, room),
        Format.name: lambda change, _: printable(change.resolution.user_id or "") + "\n",
        Format.jsonl: lambda change, _: _as_document(change, via, room),
    }
    first = True
    with streaming(shown, console, spellings) as write:

        def show(happening: Happening) -> None:
            nonlocal first
            if isinstance(happening, (Lost, Back)):
                console.talk(_say_outage(happening))
            elif happening is not None:
                if first and shown is Format.table and explain is not False:
                    as_line(happening, console)  # what is explained is known
                    show_resolution(happening.resolution, shown, console, via=via, room=room, explain=True)
                    console.write("\n")
                    console.flush()
                else:
                    write(happening)
                first = False
                for remark in happening.remarks:
                    console.talk(f"note: {remark}")

        yield show


def _as_document(change: Change, via: str, room: str) -> str:
    return to_json({"at": rfc3339(change.at), **resolution_json(change.resolution, via, room)}, compact=True) + "\n"


def _as_values(resolution: Resolution, room: str) -> str:
    cells = (room, resolution.user_id or "", resolution.source or "", resolution.participant or "", codes(resolution))
    return "\t".join(map(printable, cells)) + "\n"


def _said(resolution: Resolution, console: Console) -> str:
    warned = codes(resolution)
    return f"{answer(resolution, console)}{console.paint(f'  {warned}', 'yellow') if warned else ''}"


def _say_outage(event: Lost | Back) -> str:
    if isinstance(event, Back):
        return f"the server is back, after {event.seconds:.1f} s"
    return f"the server is lost ({event.error.code}: {event.error.message}); trying again"
