"""Things shown one by one as they come, so that a reader of the pipe has each at once."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

from lkctl.output.console import Console
from lkctl.output.format import Format

T = TypeVar("T")


class _Writer:
    """Writes to stdout, and hands it on to the reader at once, or within `pace` seconds, whatever comes next."""

    def __init__(self, console: Console, pace: float) -> None:
        self._console = console
        self._pace = pace
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def write(self, text: str) -> None:
        """Write, and see that it is handed on."""
        with self._lock:
            self._console.write(text)
            if not self._pace:
                self._console.flush()
            elif self._timer is None:
                self._timer = threading.Timer(self._pace, self._hand_on)
                self._timer.daemon = True
                self._timer.start()

    def end(self) -> None:
        """Let no thread of its own touch stdout any more."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._pace = 0.0

    def _hand_on(self) -> None:
        with self._lock, suppress(OSError, ValueError):  # who writes next learns of it
            self._timer = None
            if self._pace:
                self._console.flush()


@contextmanager
def streaming(
    format_: Format,
    console: Console,
    spellings: Mapping[Format, Callable[[T, Console], str]],
    *,
    pace: float = 0.0,
) -> Iterator[Callable[[T], None]]:
    """Give the function that writes a thing as it comes, as `spellings` has it for the (effective) format.

    With json all of them are one array: closed also after a failure, and none at all where that came before the first.
    Where they come by thousands, a `pace` of some seconds between two handings over to the reader saves time.
    """
    spell = spellings[format_]
    array = format_ is Format.json
    writer = _Writer(console, pace)
    begun = False

    def show(thing: T) -> None:
        nonlocal begun
        text = spell(thing, console)
        if array:
            text = (",\n" if begun else "[\n") + text
        begun = True
        writer.write(text)

    try:
        yield show
    except BaseException:
        if array and begun:
            writer.write("\n]\n")
        raise
    else:
        if array:
            writer.write("\n]\n" if begun else "[]\n")
    finally:
        writer.end()
