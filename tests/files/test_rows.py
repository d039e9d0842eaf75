"""Rows of CSV and JSONL: what is too large does not stop the others."""

import io
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.files.rows import BadRow, open_rows

MIB = 1024 * 1024


def read(content: bytes) -> list[tuple[int, Any]]:
    """Read rows; of a bad one its message."""
    with open_rows("-", io.TextIOWrapper(io.BytesIO(content))) as rows:
        records = [record for batch in rows.batches() for record in batch.records]
    return [(number, row.message if isinstance(row, BadRow) else row) for number, row in records]


LONG = b"x" * (5 * MIB)
TOLD = "the line is longer than 4 MiB"
BAD = [
    pytest.param(b"{}\n" + LONG + b"\n{}\n", [(1, "{}"), (2, TOLD), (3, "{}")], id="JSONL"),
    pytest.param(b"{}\n" + LONG, [(1, "{}"), (2, TOLD)], id="JSONL, at the end"),
    pytest.param(b"a\n1\n" + LONG + b"\n2\n", [(2, ["1"]), (3, TOLD), (4, ["2"])], id="CSV"),
    pytest.param(b"a\n1\n" + LONG * 3 + b"\r2\r", [(2, ["1"]), (3, TOLD), (4, ["2"])], id="CSV of an old Mac"),
    pytest.param(b'a\n1\n"' + LONG + b'"\n2\n', [(2, ["1"]), (3, TOLD), (4, ["2"])], id="CSV, in quotes"),
    pytest.param(
        b'a,b\n1,2\n"a\n' + b'b","c\n' * MIB,
        [(2, ["1", "2"]), (3, "the row goes on for more than 4 MiB; nothing behind it is read")],
        id="a row without end",
    ),
    pytest.param(b'a\n"' + b"b\n" * MIB + b'"\n2', [(2, ["b\n" * MIB]), (MIB + 3, ["2"])], id="many lines in one row"),
]


@pytest.mark.parametrize(("content", "expected"), BAD)
def test_bad_rows(content: bytes, expected: list[tuple[int, Any]]) -> None:
    """Each with the line where it begins."""
    assert read(content) == expected


def test_memory_of_a_row_without_end_is_bounded() -> None:
    """Reading ends with it; else the quotes would be taken the wrong way round."""
    source = io.BytesIO(b'a,b\n"a\n' + b'b","c\n' * (4 * MIB))
    with open_rows("-", io.TextIOWrapper(source)) as rows:
        ((number, row),) = [record for batch in rows.batches() for record in batch.records]
        assert (number, type(row)) == (2, BadRow)
        assert source.tell() < 5 * MIB


def test_a_first_line_that_is_too_long() -> None:
    """It may be the header: nothing can be read without it."""
    with pytest.raises(LkctlError, match="standard input:1: the line is longer than 4 MiB") as caught:
        read(LONG + b"\n{}\n")
    assert caught.value.code == "input-too-large"
