"""The one renderer: a view in, text in the wanted format on the console out."""

from collections.abc import Iterable
from typing import Any

from lkctl.output.columns import align
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import to_json
from lkctl.output.view import Listing, Record
from lkctl.secret import printable


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
    _lines(console, (f"{console.paint(key.ljust(width), 'dim')}  {printable(value)}" for key, value in view.fields))
    for title, listing in view.lists:
        console.write(f"\n{console.paint(title, 'bold')}\n")
        if listing.items:
            _lines(console, _table(listing, console))
        else:
            console.write(listing.empty + "\n")
    if view.remarks:
        _lines(console, ("", *(printable(remark) for remark in view.remarks)))


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.write(line + "\n")
