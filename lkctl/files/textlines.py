"""Text line by line, as it comes: from standard input, a file, or the command line itself."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TextIO

from lkctl.errors import LkctlError
from lkctl.files.content import MOST_BYTES, STDIN, decode, open_file, read_chunk, unbuffered

Wait = Callable[[], object]


def read_lines(
    argument: str, stdin: TextIO, *, before_wait: Wait = lambda: None, most: int = MOST_BYTES
) -> Iterator[str | LkctlError]:
    """Give the lines of `@file`, `-` (standard input) or of the argument itself, without their line breaks.

    In the place of a line that is not UTF-8, or of over `most` bytes, stands the error that says so. Raises
    `file-unreadable` and `input-empty`; there may be any number of lines. `before_wait` is called before more is waited
    for.
    """
    if argument == "-":
        yield from _lines(_chunks(unbuffered(stdin), STDIN, before_wait), STDIN, most)
    elif argument.startswith("@") and len(argument) > 1:
        with open_file(argument[1:]) as file:
            yield from _lines(_chunks(file, argument[1:], before_wait), argument[1:], most)
    else:
        yield from argument.split("\n")


def cut_lines(chunks: Iterable[bytes], most: int) -> Iterator[list[bytes | None]]:
    r"""Give the lines that are whole after a chunk, with their ends: \n, \r\n or \r; None is one of over `most` bytes.

    A line is put together once, however many chunks it spans, and one that is too long is not kept. No chunk has over
    `most` bytes.
    """
    begun: list[bytes] = []  # the line that is not whole yet
    size, lost = 0, False
    for chunk in chunks:
        begun.append(chunk)
        size += len(chunk)
        if b"\n" in chunk or b"\r" in chunk or begun[0].endswith(b"\r"):
            lines = b"".join(begun).splitlines(keepends=True)
            # a lone \r at the end may be half of a \r\n
            begun = [] if chunk.endswith(b"\n") else [lines.pop()]
            if lines:
                yield [None if lost else _bounded(lines[0], most), *lines[1:]]
                lost = False
            size = sum(map(len, begun))
        elif size > most:
            begun, lost = [], True
    if size:
        yield [None if lost else _bounded(b"".join(begun), most)]


def _bounded(line: bytes, most: int) -> bytes | None:
    return line if len(line.rstrip(b"\r\n")) <= most else None


def _chunks(stream: Any, name: str, before_wait: Wait) -> Iterator[bytes]:
    before_wait()
    while chunk := read_chunk(stream, name):
        yield chunk
        before_wait()


def _lines(chunks: Iterable[bytes], name: str, most: int) -> Iterator[str | LkctlError]:
    blank = True
    for number, line in enumerate(chain.from_iterable(cut_lines(chunks, most)), 1):
        blank = blank and line is not None and not line.strip()
        yield _decoded(line, f"line {number} of {name}", most)
    if blank:
        raise LkctlError("input-empty", f"{name} is empty", hint="Give it something to read")


def _decoded(line: bytes | None, name: str, most: int) -> str | LkctlError:
    if line is None:
        return LkctlError("input-too-large", f"{name} is larger than {most // 1024 // 1024} MiB", hint="Give less")
    try:
        return line.rstrip(b"\r\n").decode()
    except UnicodeDecodeError:
        return _not_utf8(line, name)


def _not_utf8(line: bytes, name: str) -> LkctlError:
    try:
        decode(line, name)
    except LkctlError as error:
        return error
    raise AssertionError(name)  # it was not UTF-8 a moment ago
