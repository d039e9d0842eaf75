"""What has come to a listener and is not yet taken from it: bounded, whoever sends and however much."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

MOST_WAITING = 256  # deliveries
SMALL = 16 * 1024  # bytes; LiveKit's events have 1 or 2 KiB
MOST_LARGE = 8 * 1024 * 1024  # bytes, of all bodies that are larger than SMALL

Item = TypeVar("Item")


class Place(Generic[Item]):
    """The room that one delivery takes: as much as its body has by now."""

    def __init__(self, backlog: "Backlog[Item]") -> None:
        self._backlog = backlog
        self._size = 0

    def grow(self, size: int) -> None:
        """Take room for a body that has `size` bytes by now; raise `queue.Full` where there is none."""
        self._backlog.resize(self._size, size)
        self._size = size

    def keep(self, item: Item) -> None:
        """Let the item wait in this place; raise `queue.Full` where too many wait."""
        self._backlog.put(item, self._size)
        self._size = 0  # it is the item's now

    def leave(self) -> None:
        """Give the room back, unless an item waits in it."""
        self.grow(0)


class Backlog(Generic[Item]):
    """Deliveries from their first byte on, until they are taken; for use from several threads.

    At most MOST_WAITING wait. Bodies above SMALL bytes share MOST_LARGE bytes, those that are under way or being judged
    included; smaller ones always find room, so that the large ones of strangers do not keep LiveKit's own out.
    """

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[tuple[Item | BaseException, int]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._large = 0  # bytes

    @contextmanager
    def place(self) -> Iterator[Place[Item]]:
        """Give a place for one delivery; where nothing is kept in it, its room is given back in the end."""
        place = Place(self)
        try:
            yield place
        finally:
            place.leave()

    def resize(self, old: int, new: int) -> None:
        """Take or give back room for a body that had `old` bytes, and has `new`; raise `queue.Full`."""
        more = _cost(new) - _cost(old)
        with self._lock:
            if more > 0 and self._large + more > MOST_LARGE:
                raise queue.Full
            self._large += more

    def put(self, item: Item, size: int) -> None:
        """Let an item wait that has the room of `size` bytes; raise `queue.Full`."""
        with self._lock:
            if self._waiting == MOST_WAITING:
                raise queue.Full
            self._waiting += 1
            self._items.put((item, size))

    def fail(self, error: BaseException) -> None:
        """Have `take` raise the error, after what came before it."""
        self._items.put((error, 0))

    def take(self, timeout: float | None) -> Item:
        """Wait for the next item; raise `queue.Empty` when the time (seconds) is up."""
        item, size = self._items.get(timeout=timeout)
        if isinstance(item, BaseException):
            raise item
        with self._lock:
            self._waiting -= 1
        self.resize(size, 0)
        return item


def _cost(size: int) -> int:
    return size if size > SMALL else 0
