"""Text line by line, as it comes: from standard input, a file, or the command line itself."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from lkctl.errors import LkctlError
from lkctl.files.content import MOST_BYTES, decode, reason

_CHUNK = 64 * 1024

Wait = Callable[[], object]


def read_lines(
    argument: str, stdin: TextIO, *, before_wait: Wait = lambda: None, most: int = MOST_BYTES
) -> Iterator[str | LkctlError]:
    """Give the lines of `@file`, `-` (standard input) or of the argument itself, without their line breaks.

    In the place of a line that is not UTF-8 stands the error that says so. Raises `file-unreadable`, `input-empty`, and
    `input-too-large` for a line of over `most` bytes; there may be any number of lines. `before_wait` is called before
    more is waited for.
    """
    if argument == "-":
        yield from _decoded(_split(_chunks(stdin.buffer, "standard input", before_wait), most), "standard input")
    elif argument.startswith("@") and len(argument) > 1:
        with _opened(argument[1:]) as file:
            yield from _decoded(_split(_chunks(file, argument[1:], before_wait), most), argument[1:])
    else:
        yield from argument.split("\n")


def _opened(path: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise _unreadable(path, error) from None


def _chunks(file: Any, name: str, before_wait: Wait) -> Iterator[bytes]:
    while True:
        before_wait()
        try:
            chunk = file.read1(_CHUNK)
        except OSError as error:
            raise _unreadable(name, error) from None
        if not chunk:
            return
        yield chunk


def _split(chunks: Iterator[bytes], most: int) -> Iterator[bytes]:
    """Cut at line breaks; a line is put together once, however many chunks it spans."""
    pieces: list[bytes] = []
    size = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        pieces.append(first)
        size += len(first)
        if size > most:
            raise LkctlError("input-too-large", f"a line is larger than {most // 1024 // 1024} MiB", hint="Give less")
        if others:
            yield b"".join(pieces)
            yield from others[:-1]
            pieces, size = [others[-1]], len(others[-1])
    yield b"".join(pieces)


def _decoded(lines: Iterator[bytes], name: str) -> Iterator[str | LkctlError]:
    blank = True
    for number, line in enumerate(lines, 1):
        blank = blank and not line.strip()
        try:
            yield line.decode()
        except UnicodeDecodeError:
            yield _not_utf8(line, f"line {number} of {name}")
    if blank:
        raise LkctlError("input-empty", f"{name} is empty", hint="Give it something to read")


def _not_utf8(line: bytes, name: str) -> LkctlError:
    try:
        decode(line, name)
    except LkctlError as error:
        return error
    raise AssertionError(name)  # it was not UTF-8 a moment ago


def _unreadable(name: str, error: OSError) -> LkctlError:
    hint = "Check the path and its permissions"
    return LkctlError("file-unreadable", f"cannot read {name}: {reason(error)}", hint=hint)
