"""The sign of life for waits."""

import contextlib
import threading
import time
from types import TracebackType
from typing import TextIO

from lkctl.secret import printable, scrub

_PATIENCE = 0.3  # seconds before a wait is worth a word
_PACE = 0.1  # seconds between two counts


class Spinner:
    """A spinner on a terminal that appears after 0.3 s, names what is awaited, and wipes itself away."""

    def __init__(self, stream: TextIO, awaited: str) -> None:
        self._stream = stream
        self._awaited = printable(scrub(awaited))
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join(1.0)

    def _show(self) -> None:
        if self._done.wait(_PATIENCE):
            return
        from rich.console import Console
        from rich.text import Text

        with Console(file=self._stream).status(Text(self._awaited)):
            self._done.wait()


class Meter:
    """A count on a terminal that appears after 0.3 s and wipes itself away. It shows what it is told, as it is told."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._due = time.monotonic() + _PATIENCE
        self._shown = False

    def show(self, text: str) -> None:
        """Show a text, not more often than an eye can follow."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _PACE
            self._write(f"\r\x1b[2K{printable(scrub(text))}")
            self._shown = True

    def wipe(self) -> None:
        """Leave the line empty, for something else to be written."""
        if self._shown:
            self._write("\r\x1b[2K")
            self._shown = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody can be told
            self._stream.write(text)
            self._stream.flush()
