"""Rows of CSV or JSONL from a file or from standard input, handed on as they come: nothing is collected."""

import contextlib
import csv
import io
import select
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from lkctl.errors import LkctlError
from lkctl.files.content import decode, reason

_CHUNK = 64 * 1024
_MOST_BYTES = 4 * 1024 * 1024  # of a line; metadata has at most half a MiB
_DELIMITERS = ",;\t"  # Excel writes a semicolon where the comma stands in numbers
_BOM = "\ufeff"
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
        first = next((line for line in lines if line.strip()), None)
        if first is None:
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

    What is no UTF-8 comes as halves of surrogate pairs. `number` of them were given, `complete` have been read.
    """

    def __init__(self, read: Callable[[int], bytes | None], ready: Callable[[], bool], name: str) -> None:
        self._read, self._ready, self._name = read, ready, name
        self.number = self.complete = 0
        self.waits = self._ended = False
        self._given = self._give()

    def __iter__(self) -> Iterator[str]:
        return self._given

    def _give(self) -> Iterator[str]:
        rest = b""
        while chunk := self._chunk():
            lines = (rest + chunk).splitlines(keepends=True)
            rest = b"" if lines[-1].endswith(b"\n") else lines.pop()  # a lone \r at the end may be half of a \r\n
            self.complete += len(lines)
            for line in lines:
                self.number += 1
                yield line.decode("utf-8", "surrogateescape")
            if len(rest) > _MOST_BYTES:
                told = f"{self._name}:{self.number + 1}: the line is longer than {_MOST_BYTES // 1024 // 1024} MiB"
                raise LkctlError("input-too-large", told, hint="Is it CSV, or JSON with one object a line?")
        if rest:
            self.complete = self.number = self.number + 1
            yield rest.decode("utf-8", "surrogateescape")

    def _chunk(self) -> bytes:
        if self._ended:  # to read on would ask a terminal for more
            return b""
        try:
            content = self._read(_CHUNK) or b""
            while content and len(content) < _CHUNK and self._ready():
                more = self._read(_CHUNK - len(content))
                if not more:
                    self._ended = True
                    break
                content += more
            self.waits = not self._ready()
        except OSError as error:
            raise _unreadable(self._name, error) from None
        return content


@contextlib.contextmanager
def open_rows(source: str, stdin: TextIO) -> Iterator[Rows]:
    """Open a file, or standard input for `-`; raise `file-unreadable`, `input-empty`, `input-encoding` and the like."""
    csv.field_size_limit(_MOST_BYTES)
    if source == "-":
        stream = getattr(stdin.buffer, "raw", stdin.buffer)  # what a buffer held, `_ready` would not know of
        yield Rows("standard input", Lines(stream.read, _readiness(stream), "standard input"))
        return
    try:
        file = Path(source).open("rb", buffering=0)  # noqa: SIM115  (the with below closes it)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise _unreadable(source, error if isinstance(error, OSError) else OSError()) from None
    with file:
        yield Rows(source, Lines(file.read, _readiness(file), source))


def _readiness(stream: Any) -> Callable[[], bool]:
    """Tell whether something can be read without waiting."""
    try:
        number = stream.fileno()
    except (OSError, io.UnsupportedOperation):
        return lambda: True
    return lambda: bool(select.select([number], [], [], 0)[0])


def _objects(lines: Lines, first: str) -> Iterator[Record]:
    for line in chain([first], lines):
        text = line.strip()
        yield lines.number, text if text.isascii() else _sound(text, text)


def _cells(lines: Lines, first: str) -> Iterator[Record]:
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    begins = lines.number
    while True:
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
    if "unexpected end" in str(error):
        told = f"a quote is opened and never closed; lines {begins} to {ends} are in it"
        return BadRow("input-malformed", told, 'Close it; a quote inside of quotes is written twice: ""')
    told = "a cell has more than 4 MiB" if "limit" in str(error) else f"it is not CSV: {error}"
    return BadRow("input-malformed", told, 'A quote inside of quotes is written twice: ""')


def _unreadable(name: str, error: OSError) -> LkctlError:
    hint = "Check the path and its permissions"
    return LkctlError("file-unreadable", f"cannot read {name}: {reason(error)}", hint=hint)
