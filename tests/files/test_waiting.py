"""Standard input that does not block: that nothing is there yet is not the end."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

import pytest

from lkctl.files.content import read_stdin
from lkctl.files.rows import open_rows
from lkctl.files.textlines import read_lines


def _rows(stdin: TextIO) -> list[Any]:
    with open_rows("-", stdin) as rows:
        return [content for batch in rows.batches() for _, content in batch.records]


READERS = [
    pytest.param(lambda stdin: read_stdin(stdin).decode().split(), id="all at once"),
    pytest.param(lambda stdin: list(read_lines("-", stdin)), id="lines"),
    pytest.param(_rows, id="rows"),
]


@pytest.mark.parametrize("read", READERS)
def test_what_comes_late_is_read(read: Callable[[TextIO], list[Any]]) -> None:
    """As Node leaves the pipe of a child, or a terminal that another program has set so."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)

    def write() -> None:
        with os.fdopen(writer, "wb", buffering=0) as out:
            for text in (b'{"a":1}\n{"b', b'":2}\n', b'{"c":3}\n'):
                time.sleep(0.1)
                out.write(text)

    thread = threading.Thread(target=write)
    thread.start()
    with os.fdopen(reader) as stdin:
        assert read(stdin) == ['{"a":1}', '{"b":2}', '{"c":3}']
    thread.join()
