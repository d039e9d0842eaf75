"""What a run makes on the server, and removes again whatever happens: a failure, ^C, a check whose time is up."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from lkctl.errors import LkctlError

Undo = Callable[[], object]
_PATIENCE = 8.0  # seconds for all of it; a room that an agent may still join takes the longest


class Leftovers:
    """What is still to be undone. A check says so before it makes something; the run sees to it at its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owed: list[Undo] = []
        self._running: list[threading.Event] = []
        self._over = False

    @contextmanager
    def undone(self, undo: Undo) -> Iterator[None]:
        """Do what is in the block, then `undo`, once, also where the block fails or is never left.

        `undo` must bear that there is nothing to undo, and must have a deadline of its own.
        """
        with self._lock:
            if self._over:
                raise LkctlError("interrupted", "the run is over; nothing more is made")
            self._owed.append(undo)
        try:
            yield
        finally:
            done = self._take(undo)
            if done is not None:
                try:
                    undo()
                finally:
                    done.set()

    def clear(self) -> None:
        """Undo what nobody has undone yet, all at the same time; nothing new can be made from now on.

        What is being undone at this moment is waited for, and through a second ^C, too; a third one ends it.
        """
        end = time.monotonic() + _PATIENCE
        try:
            self._undo_all(end)
        except BaseException:
            self._undo_all(end)
            raise

    def _undo_all(self, end: float) -> None:
        with self._lock:
            self._over = True
            owed = list(self._owed)
        for undo in owed:
            done = self._take(undo)
            if done is not None:
                threading.Thread(target=_attempt, args=(undo, done), daemon=True).start()
        for done in self._running:  # no Thread.join: of Python 3.11, interrupted, it takes the thread for ended
            done.wait(max(0.0, end - time.monotonic()))

    def _take(self, undo: Undo) -> threading.Event | None:
        """Take it off the list, if it is still there; give what says that it is done."""
        with self._lock:
            if undo not in self._owed:
                return None
            self._owed.remove(undo)
            self._running.append(threading.Event())
            return self._running[-1]


def _attempt(undo: Undo, done: threading.Event) -> None:
    try:
        with suppress(Exception):  # the run is over; nobody can be told more than that it failed already
            undo()
    finally:
        done.set()
