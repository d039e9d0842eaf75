"""The sign of life for waits."""

import threading
from types import TracebackType
from typing import TextIO

from lkctl.secret import printable, scrub

_PATIENCE = 0.3  # seconds before a wait is worth a word


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
