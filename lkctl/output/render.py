"""The one renderer: a view in, text in the wanted format on the console out."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from lkctl.output.columns import align
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import to_json
from lkctl.output.stream import streaming
from lkctl.output.view import Listing, Record
from lkctl.secret import printable

T = TypeVar("T")
_PACE = 0.05  # seconds
_LONGEST_FIELD = 2000  # characters: about a terminal full


def effective(format_: Format, console: Console) -> Format:
    """What `auto` means here: a table on a terminal, tab-separated values in a pipe."""
    if format_ is Format.auto:
        return Format.table if console.out_tty else Format.tsv
    return format_


def render(view: Listing[Any] | Record, format_: Format, console: Console) -> None:
    """Write a view to stdout."""
    format_ = effective(format_, console)
    write = _write_listing if isinstance(view, Listing) else _write_record
    write(view, format_, console)  # type: ignore[arg-type]  # the choice above fits the view


def render_stream(view: Listing[T], items: Iterable[T], format_: Format, console: Console) -> None:
    """Write the items of a listing as they come; as a table when all are there, for its columns."""
    shown = effective(format_, console)
    if shown is Format.table:
        render(view._replace(items=tuple(items)), shown, console)
        return
    spellings: dict[Format, Callable[[T, Console], str]] = {
        Format.json: lambda item, _: "  " + to_json(view.json(item)).replace("\n", "\n  "),
        Format.jsonl: lambda item, _: to_json(view.json(item), compact=True) + "\n",
        Format.name: lambda item, _: printable(view.name(item)) + "\n",
        Format.tsv: lambda item, _: "\t".join(printable(column.cell(item)) for column in view.columns) + "\n",
    }
    with streaming(shown, console, spellings, pace=_PACE) as show:
        for item in items:
            show(item)


def _write_listing(view: Listing[Any], format_: Format, console: Console) -> None:
    if format_ is Format.json:
        console.write(to_json([view.json(item) for item in view.items]) + "\n")
    elif format_ is Format.jsonl:
        _lines(console, (to_json(view.json(item), compact=True) for item in view.items))
    elif format_ is Format.name:
        _lines(console, (printable(view.name(item)) for item in view.items))
    elif format_ is Format.tsv:
        _lines(console, ("\t".join(printable(c.cell(item)) for c in view.columns) for item in view.items))
    elif view.items:
        _lines(console, _table(view, console))
    else:
        console.talk(view.empty)


def _table(view: Listing[Any], console: Console) -> Iterable[str]:
    rows = [[column.title for column in view.columns], *([c.cell(item) for c in view.columns] for item in view.items)]
    lines = align(rows, console.width if console.out_tty else None, wrap=view.prose)
    return [console.paint(lines[0], "bold"), *lines[1:]]


def _write_record(view: Record, format_: Format, console: Console) -> None:
    if format_ in {Format.json, Format.jsonl}:
        console.write(to_json(view.json, compact=format_ is Format.jsonl) + "\n")
    elif format_ is Format.name:
        console.write(printable(view.name) + "\n")
    elif format_ is Format.tsv:
        _lines(console, (f"{printable(key)}\t{printable(value)}" for key, value in view.fields))
        for title, listing in view.lists:
            rows = ([printable(column.cell(item)) for column in listing.columns] for item in listing.items)
            _lines(console, ("\t".join([title.lower(), *row]) for row in rows))
        for remark in view.remarks:
            console.talk(printable(remark))
    else:
        _write_sheet(view, console)


def _write_sheet(view: Record, console: Console) -> None:
    """Write a record for people: heading, fields, lists with their titles, remarks."""
    if view.heading:
        console.write(console.paint(printable(view.heading), "bold") + "\n")
    width = max((len(key) for key, _ in view.fields), default=0)
    _lines(console, (f"{console.paint(key.ljust(width), 'dim')}  {_in_short(value)}" for key, value in view.fields))
    for title, listing in view.lists:
        console.write(f"\n{console.paint(title, 'bold')}\n")
        if listing.items:
            _lines(console, _table(listing, console))
        else:
            console.write(listing.empty + "\n")
    if view.remarks:
        _lines(console, ("", *(printable(remark) for remark in view.remarks)))


def _in_short(value: str) -> str:
    shown = printable(value)
    if len(shown) <= _LONGEST_FIELD:
        return shown
    return f"{shown[:_LONGEST_FIELD]}… ({len(value):,} characters; -o json writes them all)"


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.write(line + "\n")
