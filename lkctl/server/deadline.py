"""A point in time by which work is over, whatever it is stuck in."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
NO_TIME = 0.01  # seconds that are left when none are: sockets take 0 for `do not block`


class Deadline:
    """A monotonic point in time."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never below NO_TIME."""
        return max(NO_TIME, self._end - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._end

    def bound(self, work: Callable[[], T]) -> T:
        """Do work in a thread that is left behind when the time is up; raise TimeoutError then.

        Also what cannot be cancelled (`getaddrinfo`, a body that comes drop by drop) ends for the caller in time, and
        ^C is answered at once.
        """
        done = threading.Event()
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(work())
            except BaseException as error:  # noqa: BLE001  (handed to the caller)
                errors.append(error)
            done.set()

        threading.Thread(target=run, daemon=True).start()
        if not done.wait(self.left):
            raise TimeoutError
        if errors:
            raise errors[0]
        return results[0]


def side_by_side(works: Sequence[Callable[[], T]]) -> list[T]:
    """Do works at the same time, each of which ends by itself; give the results in order, or raise the first error."""
    results: list[list[T]] = [[] for _ in works]
    errors: list[BaseException] = []

    def run(work: Callable[[], T], result: list[T]) -> None:
        try:
            result.append(work())
        except BaseException as error:  # noqa: BLE001  (handed to the caller)
            errors.append(error)

    started = zip(works[1:], results[1:], strict=True)
    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in started]
    for thread in threads:
        thread.start()
    for work in works[:1]:  # one of them needs no thread
        run(work, results[0])
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [result[0] for result in results]
