"""What judged tokens look like: one as a sheet, many as a list that is written as they come."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, TypeVar, cast

from lkctl.errors import LkctlError
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339, to_json
from lkctl.output.render import effective, render
from lkctl.output.view import Column, Listing
from lkctl.secret import printable
from lkctl.tokens.decoding import Decoded
from lkctl.tokens.findings import Finding, Severity
from lkctl.tokens.lines import Line

_BLOCK = 1000  # rows of a table that are laid out together, under a heading of their own

T = TypeVar("T")


class Found(NamedTuple):
    """A finding with the line of its token."""

    line: int
    finding: Finding

    def json(self) -> dict[str, Any]:
        """Give it as `--lint-only -o json` shows it."""
        return {"line": self.line, **self.finding.json()}


def show_decoded(lines: Iterable[Line], missing: str, format_: Format, console: Console) -> None:
    """Write one token as a sheet, many as a list. `missing` says why there is no secret to check with."""
    lines = iter(lines)
    first = list(islice(lines, 2))
    if len(first) == 1 and first[0].decoded is not None:
        from lkctl.views.tokens import show_sheet

        show_sheet(first[0].decoded, missing, format_, console)
    else:
        _stream(chain(first, lines), _LINES, format_, console)


def show_findings(lines: Iterable[Line], format_: Format, console: Console) -> None:
    """Write the findings alone, each with the line of its token; people are told that only of many tokens."""
    lines = iter(lines)
    first = list(islice(lines, 2))
    found = (Found(line.number, finding) for line in chain(first, lines) for finding in _findings(line))
    if effective(format_, console) is Format.table:
        _tell(found, console, many=len(first) > 1)
    else:
        _stream(found, _FINDINGS, format_, console)


def _tell(found: Iterable[Found], console: Console, *, many: bool) -> None:
    """Write findings for people: they are sentences, which a table would cut."""
    from lkctl.views.tokens import remarks

    any_ = False
    for line, finding in found:
        any_ = True
        first, *more = remarks(finding)
        place = f"line {line}: " if many else ""
        console.write("".join(f"{printable(text)}\n" for text in (place + first, *more)))
    if not any_:
        console.talk(_FINDINGS.empty)


def _findings(line: Line) -> Iterable[Finding]:
    if line.decoded is not None:
        return line.decoded.findings
    error = line.error
    return (Finding(error.code, Severity.error, error.message, error.hint),) if error else ()


def _stream(items: Iterator[T], view: Listing[T], format_: Format, console: Console) -> None:
    """Write each thing as it comes; a table in blocks."""
    format_ = effective(format_, console)
    if format_ is Format.json:
        _write_array(items, view.json, console)
    elif format_ is Format.jsonl:
        for item in items:
            console.write(to_json(view.json(item), compact=True, plain=True) + "\n")
    elif format_ is Format.table:
        while block := list(islice(items, _BLOCK)):
            render(view._replace(items=block), format_, console)
    else:
        render(view._replace(items=cast(Sequence[T], items)), format_, console)  # it goes through them once


def _write_array(items: Iterator[T], document: Callable[[T], Any], console: Console) -> None:
    """Write a JSON array as the renderer does, without holding it."""
    mark = "["
    try:
        for item in items:
            text = to_json(document(item), plain=True).replace("\n", "\n  ")
            console.write(f"{mark}\n  {text}")
            mark = ","
    except LkctlError:  # such as a file that cannot be read any further: what was read of it is whole
        if mark == ",":
            console.write("\n]\n")
        raise
    console.write("[]\n" if mark == "[" else "\n]\n")


def _expires(decoded: Decoded | None) -> str:
    return (rfc3339(decoded.moment("exp")) or "") if decoded else ""


def _problem(line: Line) -> str:
    if line.decoded is None:
        return f"{line.error.code} {line.error.message}" if line.error else ""
    worst = next((finding for finding in line.decoded.findings if finding.severity is not Severity.info), None)
    return f"{worst.id} {worst.message}" if worst else ""  # the worst comes first


_LINES: Listing[Line] = Listing(
    items=(),
    columns=(
        Column("LINE", lambda line: str(line.number)),
        Column("VALID", lambda line: "yes" if line.valid else "no"),
        Column("SIGNATURE", lambda line: line.decoded.signature.value if line.decoded else "-"),
        Column("IDENTITY", lambda line: line.decoded.reading.identity if line.decoded else ""),
        Column("ROOM", lambda line: line.decoded.reading.room if line.decoded else ""),
        Column("EXPIRES", lambda line: _expires(line.decoded)),
        Column("PROBLEM", _problem),
    ),
    name=lambda line: line.decoded.reading.identity if line.decoded else "",
    empty="no tokens",
    json=lambda line: line.json(),
)
_FINDINGS: Listing[Found] = Listing(
    items=(),
    columns=(
        Column("LINE", lambda found: str(found.line)),
        Column("ID", lambda found: found.finding.id),
        Column("SEVERITY", lambda found: found.finding.severity.value),
        Column("MESSAGE", lambda found: found.finding.message),
        Column("HINT", lambda found: found.finding.hint),
    ),
    name=lambda found: found.finding.id,
    empty="no findings",
    json=lambda found: found.json(),
)
