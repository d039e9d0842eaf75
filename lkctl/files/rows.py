"""Rows of CSV or JSONL from a file or from standard input, handed on as they come: nothing is collected."""

import contextlib
import csv
import io
import re
import select
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple, TextIO

from lkctl.errors import LkctlError
from lkctl.files.content import CHUNK, STDIN, decode, open_file, read_chunk, unbuffered
from lkctl.files.textlines import cut_lines

_MOST_BYTES = 4 * 1024 * 1024  # of a row; metadata has at most half a MiB
_TOO_LARGE = "the line is longer than 4 MiB"
_ENDLESS = "the row goes on for more than 4 MiB; nothing behind it is read"
_ONE_A_LINE = "Is it CSV, or JSON with one object a line?"
_DELIMITERS = ",;\t"  # Excel writes a semicolon where the comma stands in numbers
_BOM = "\ufeff"
_NOTHING = re.compile(_BOM + r'?("?sep=."?)?\s*')  # before the header: blanks, and the delimiter as Excel announces it
_UTF16 = ("\udcff\udcfe", "\udcfe\udcff")  # its byte order marks, which no UTF-8 has


class BadRow(NamedTuple):
    """Why a row cannot be read; unlike an error it can be sent to another process."""

    code: str
    message: str
    hint: str


Record = tuple[int, str | list[str] | BadRow]  # the line where it begins, and an object or cells


class Batch(NamedTuple):
    """Rows that came together. `waits`: the next ones are not there yet."""

    records: list[Record]
    waits: bool


class Rows:
    """The rows of one input. `header` holds the names of the columns; None means that each row is a JSON object."""

    def __init__(self, name: str, lines: "Lines") -> None:
        self.name = name
        self._lines = lines
        first = next((line for line in lines if line is None or _NOTHING.fullmatch(line) is None), "")
        if first is None:
            raise LkctlError("input-too-large", f"{name}:{lines.number}: {_TOO_LARGE}", hint=_ONE_A_LINE)
        if not first:
            raise LkctlError("input-empty", f"{name} is empty", hint="Give it a row for each token")
        if first.startswith(_UTF16):
            decode(first.encode("utf-8", "surrogateescape"), name)  # which says so
        first = first.removeprefix(_BOM)
        if first.lstrip().startswith("["):
            hint = f"jq -c '.[]' {name} writes them so" if name.endswith("json") else "jq -c '.[]' writes them so"
            raise LkctlError("input-malformed", f"{name} is a JSON list; one object a line is read", hint=hint)
        self.header: list[str] | None = None
        if first.lstrip().startswith("{"):
            self._records = _objects(lines, first)
        else:
            self._records = _cells(lines, first)
            self.header = self._head()

    @property
    def line(self) -> int:
        """The number of the line that was read last."""
        return self._lines.number

    def batches(self) -> Iterator[Batch]:
        """Give the rows, those together that came together."""
        records: list[Record] = []
        for record in self._records:
            if record[1]:
                records.append(record)
            if records and self._lines.number == self._lines.complete:
                yield Batch(records, self._lines.waits)
                records = []
        if records:
            yield Batch(records, waits=True)

    def _head(self) -> list[str]:
        number, cells = next(self._records)
        if isinstance(cells, BadRow):
            raise LkctlError(cells.code, f"{self.name}:{number}: {cells.message}", hint=cells.hint)
        return [cell.strip() for cell in cells]


class Lines:
    """The lines of a stream, however they end, without waiting for more than the next one.

    What is no UTF-8 comes as halves of surrogate pairs. `number` of them were given, `complete` have been read; None is
    one of over 4 MiB. `waits`: nothing more is there yet.
    """

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name, self._ready = stream, name, _readiness(stream)
        self.number = self.complete = 0
        self.waits = False
        self._given = self._give()

    def __iter__(self) -> Iterator[str | None]:
        return self._given

    def _give(self) -> Iterator[str | None]:
        for lines in cut_lines(self._chunks(), _MOST_BYTES):
            self.complete += len(lines)
            for line in lines:
                self.number += 1
                yield None if line is None else line.decode("utf-8", "surrogateescape")

    def _chunks(self) -> Iterator[bytes]:
        """Read as much as is there; at the end no more is asked for: a terminal would wait for it."""
        chunk = more = read_chunk(self._stream, self._name)
        while more:
            while more and len(chunk) < CHUNK and self._ready():
                more = read_chunk(self._stream, self._name, CHUNK - len(chunk))
                chunk += more
            self.waits = not self._ready()
            yield chunk
            if more:
                chunk = more = read_chunk(self._stream, self._name)


class _RecordLines:
    """Lines for a CSV reader, which asks for as many as a row has; raises csv.Error where they are too much."""

    def __init__(self, lines: Iterable[str | None]) -> None:
        self._lines = iter(lines)
        self._size = 0
        self.ended = False  # because of a row without end: what is behind it is in the same quotes, or it is not

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        if line is None:
            raise csv.Error(_TOO_LARGE)
        self._size += len(line)
        if self._size > _MOST_BYTES:
            self.ended = True
            raise csv.Error(_ENDLESS)
        return line

    def begin_row(self) -> None:
        """Count from here."""
        self._size = 0


@contextlib.contextmanager
def open_rows(source: str, stdin: TextIO) -> Iterator[Rows]:
    """Open a file, or standard input for `-`; raise `file-unreadable`, `input-empty`, `input-encoding` and the like."""
    csv.field_size_limit(_MOST_BYTES)
    if source == "-":
        yield Rows(STDIN, Lines(unbuffered(stdin), STDIN))
        return
    with open_file(source) as file:
        yield Rows(source, Lines(file, source))


def _readiness(stream: Any) -> Callable[[], bool]:
    """Tell whether something can be read without waiting."""
    try:
        number = stream.fileno()
    except (OSError, io.UnsupportedOperation):
        return lambda: True
    return lambda: bool(select.select([number], [], [], 0)[0])


def _objects(lines: Lines, first: str) -> Iterator[Record]:
    for line in chain([first], lines):
        if line is None:
            yield lines.number, BadRow("input-too-large", _TOO_LARGE, _ONE_A_LINE)
        else:
            text = line.strip()
            yield lines.number, text if text.isascii() else _sound(text, text)


def _cells(lines: Lines, first: str) -> Iterator[Record]:
    fed = _RecordLines(chain([first], lines))
    reader = csv.reader(fed, delimiter=max(_DELIMITERS, key=first.count), strict=True)
    begins = lines.number
    while not fed.ended:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield begins, _no_csv(error, begins, lines.number)
        else:
            text = "".join(cells)
            yield begins, cells if text.isascii() else _sound(text, cells)
        begins = lines.number + 1
        fed.begin_row()


def _sound(text: str, content: Any) -> Any:
    """Let a row pass that is whole Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        broken = text[error.start].encode("utf-8", "surrogateescape")
        hint = "Save it as UTF-8; in Excel: CSV UTF-8"
        return BadRow("input-encoding", f"the row is not UTF-8: it holds the byte 0x{broken.hex()}", hint)
    return content


def _no_csv(error: csv.Error, begins: int, ends: int) -> BadRow:
    said, hint = str(error), 'A quote inside of quotes is written twice: ""'
    if said == _TOO_LARGE:
        return BadRow("input-too-large", said, _ONE_A_LINE)
    if said == _ENDLESS:
        return BadRow("input-too-large", said, f"Is a quote never closed? {hint}")
    if "unexpected end" in said:
        told = f"a quote is opened and never closed; lines {begins} to {ends} are in it"
        return BadRow("input-malformed", told, 'Close it; a quote inside of quotes is written twice: ""')
    return BadRow("input-malformed", f"it is not CSV: {said}", hint)
