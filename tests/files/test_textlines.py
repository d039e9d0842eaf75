"""Text line by line."""

import io
import itertools
import os
import random
from pathlib import Path
from typing import Any, TextIO

import pytest

from lkctl.errors import LkctlError
from lkctl.files.textlines import cut_lines, read_lines


def stdin(content: bytes) -> TextIO:
    """Make a standard input."""
    return io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)), encoding="utf-8")


def lines(content: bytes, **limits: Any) -> list[str]:
    """Read standard input; an error in the place of a line by its message."""
    read = read_lines("-", stdin(content), **limits)
    return [line.message if isinstance(line, LkctlError) else line for line in read]


CONTENTS = [
    pytest.param(b"a", ["a"], id="no line break"),
    pytest.param(b"a\n", ["a"], id="a line break at the end"),
    pytest.param(b"a\r\n\nb", ["a", "", "b"], id="carriage return and blank line"),
    pytest.param(b"a\rb\r", ["a", "b"], id="an old Mac"),
    pytest.param(b"\n\n" * 40_000 + b"a", [""] * 80_000 + ["a"], id="over chunks"),
    pytest.param(b"x" * 200_000 + b"\n" + b"y" * 70_000, ["x" * 200_000, "y" * 70_000], id="lines over chunks"),
    pytest.param("é\n\u2028\x85".encode(), ["é", "\u2028\x85"], id="line breaks of Unicode are none"),
    pytest.param(b"a\n\xe9t\xe9\nb", ["a", "line 2 of standard input is not UTF-8: byte 0 is 0xe9", "b"], id="Latin-1"),
    pytest.param(b"\xff\xfea\x00", ["line 1 of standard input is UTF-16, not UTF-8"], id="UTF-16"),
]


@pytest.mark.parametrize(("content", "expected"), CONTENTS)
def test_contents(content: bytes, expected: list[str]) -> None:
    """Cut however lines end; a line that is not UTF-8 is told in its place."""
    assert lines(content) == expected


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n"], ids=["nothing", "blanks"])
def test_empty(content: bytes) -> None:
    """Nothing to read is an error."""
    with pytest.raises(LkctlError, match="standard input is empty") as caught:
        lines(content)
    assert caught.value.code == "input-empty"


@pytest.mark.parametrize("size", [100_001, 1_000_000], ids=["by one byte", "over many chunks"])
def test_a_line_that_is_too_large(size: int) -> None:
    """It is told in its place; the lines around it are given."""
    content = b"a\n" + b"x" * size + b"\r\nb\n"
    told = "line 2 of standard input is larger than 0 MiB"
    assert lines(content, most=100_000) == ["a", told, "b"]
    assert lines(content[:-4], most=100_000) == ["a", told]
    assert lines(content, most=size) == ["a", "x" * size, "b"]


def test_lines_are_the_same_however_they_come_in() -> None:
    r"""Also where a chunk ends between \r and \n."""
    chance = random.Random(5)  # noqa: S311
    for _ in range(3000):
        content = bytes(chance.choices(b"ab\r\n", k=chance.randrange(1, 30)))
        cuts = sorted(chance.randrange(len(content) + 1) for _ in range(chance.randrange(6)))
        chunks = [content[a:b] for a, b in itertools.pairwise([0, *cuts, len(content)]) if a < b]
        cut = [line for found in cut_lines(chunks, 100) for line in found]
        assert cut == content.splitlines(keepends=True), chunks
        most = max(map(len, chunks))
        short = [line for found in cut_lines(chunks, most) for line in found]
        assert short == [line if line and len(line.rstrip(b"\r\n")) <= most else None for line in cut], chunks


def test_a_file(tmp_path: Path) -> None:
    """Named with @."""
    (tmp_path / "f").write_text("a\nb")
    assert list(read_lines(f"@{tmp_path / 'f'}", stdin(b""))) == ["a", "b"]


@pytest.mark.parametrize("name", ["nowhere", "."], ids=["missing", "a folder"])
def test_what_cannot_be_read(name: str, tmp_path: Path) -> None:
    """The path and the reason."""
    with pytest.raises(LkctlError, match="cannot read") as caught:
        list(read_lines(f"@{tmp_path / name}", stdin(b"")))
    assert caught.value.code == "file-unreadable"


def test_the_argument_itself() -> None:
    """Its lines; bytes that are no UTF-8 stay as the shell gave them; a lone @ is a text."""
    assert list(read_lines("a\nb\udce9", stdin(b"x"))) == ["a", "b\udce9"]
    assert list(read_lines("@", stdin(b"x"))) == ["@"]


def test_lines_come_as_they_are_written() -> None:
    """A line is given when it is there, and what waits is told each time before."""
    reader, writer = os.pipe()
    waits: list[int] = []
    with os.fdopen(reader) as file, os.fdopen(writer, "wb", buffering=0) as out:
        out.write(b"a\nb")
        read = read_lines("-", file, before_wait=lambda: waits.append(1))
        assert (next(read), len(waits)) == ("a", 1)
        out.write(b"c\n")
        assert (next(read), len(waits)) == ("bc", 2)


def test_a_failure_of_the_one_who_waits_is_his_own() -> None:
    """A closed pipe on the other side is no unreadable file."""

    def fail() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        list(read_lines("-", stdin(b"a"), before_wait=fail))
