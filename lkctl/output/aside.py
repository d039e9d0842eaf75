"""What foreign code in this process prints: no data of ours, so it goes to stderr."""

import sys
import threading
from collections.abc import Iterable
from typing import Any

from lkctl.secret import printable, scrub


class Aside:
    """Stands in for `sys.stdout`: what other threads than the main one print goes to stderr, scrubbed.

    Foreign code runs in threads of its own, and our data goes past this, for the console holds the stream itself. Only
    Python's own printing is turned aside: a child process, or a library in C, still writes to stdout.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what is ours, or say what is not."""
        if _is_ours():
            return int(self._stream.write(text))
        sys.stderr.write(printable(scrub(text), lines=True))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        """Take bytes the same way."""
        return self._stream.buffer if _is_ours() else sys.stderr.buffer

    def __getattr__(self, name: str) -> Any:
        """Be the stream in everything else."""
        return getattr(self._stream, name)


def turn_aside() -> None:
    """From now on, let what foreign code prints go to stderr."""
    if not isinstance(sys.stdout, Aside):
        sys.stdout = Aside(sys.stdout)


def _is_ours() -> bool:
    return threading.current_thread() is threading.main_thread()
