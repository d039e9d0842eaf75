"""Work done by several threads, its results in the order in which it was given."""

import threading
from collections.abc import Callable, Generator, Sequence
from typing import Generic, NamedTuple, TypeVar

_WHILE = 0.1  # seconds
_AHEAD = 4  # pieces of work for each thread that may be done before the one whose turn it is

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class _Raised(NamedTuple):
    error: BaseException


class _Queue(Generic[Piece, Result]):
    """What is to be done, and what is done and not yet taken: never more than a window of it."""

    def __init__(self, pieces: Sequence[Piece], window: int) -> None:
        self._pieces = pieces
        self._window = window
        self._begun = self._given = 0
        self._over = False
        self._results: dict[int, Result | _Raised] = {}
        self._changed = threading.Condition()

    def work(self, do: Callable[[Piece], Result]) -> None:
        """Do one piece after another, until there is none or nobody wants them."""
        while (number := self._begin()) is not None:
            result: Result | _Raised
            try:
                result = do(self._pieces[number])
            except BaseException as error:  # noqa: BLE001  (it is raised where the results are)
                result = _Raised(error)
            with self._changed:
                self._results[number] = result
                if number == self._given:
                    self._changed.notify_all()

    def take(self) -> Result | None:
        """Give the next result; None where it does not come for a while. ^C ends the wait for it."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._given in self._results, _WHILE):
                return None
            result = self._results.pop(self._given)
            self._given += 1
            self._changed.notify_all()
        if isinstance(result, _Raised):
            raise result.error
        return result

    def end(self) -> None:
        """Let nothing more be begun."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _begin(self) -> int | None:
        with self._changed:
            while not self._over and self._window <= self._begun - self._given < len(self._pieces) - self._given:
                self._changed.wait()
            if self._over or self._begun == len(self._pieces):
                return None
            self._begun += 1
            return self._begun - 1


def in_order(
    do: Callable[[Piece], Result], pieces: Sequence[Piece], threads: int
) -> Generator[Result | None, None, None]:
    """Give `do(piece)` for each, done by so many threads; what it raises is raised here.

    None stands for a while in which nothing came, so that whoever holds something back can pass it on.

    A result that is slow holds up those after it, and after a while the work on them. When this ends, however it does,
    nothing more is begun; a thread that is in the middle of something is left behind, and holds up nobody.
    """
    queue: _Queue[Piece, Result] = _Queue(pieces, threads * _AHEAD)
    try:
        for _ in range(min(threads, len(pieces))):
            threading.Thread(target=queue.work, args=(do,), daemon=True).start()
        left = len(pieces)
        while left:
            result = queue.take()
            left -= result is not None
            yield result
    finally:
        queue.end()
