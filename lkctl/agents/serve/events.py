"""What happens in the service, told to the operator as it happens."""

import queue
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from lkctl.agents.serve.limits import REMARKS, Bucket

_MOST = 10_000  # events that nobody has read yet; what does not fit is dropped, and counted


class Event(NamedTuple):
    """One thing that happened; empty is what it has nothing to do with.

    EVENT is listening, session_opened, agent_started, room_created, agent_joined, session_closed, room_left, refused,
    livekit_lost, livekit_back or stopped. `code` is one of messages.FAULTS; `left` where the client has gone by itself;
    `origin-refused` or `too-many-connections` where it did not get as far as a WebSocket. `pid` is the process of an
    agent that was started. `unseen` counts those before it that were not told of.
    """

    at: datetime
    event: str
    session: str = ""
    user_id: str = ""
    room: str = ""
    agent: str = ""
    origin: str = ""
    code: str = ""
    message: str = ""
    pid: int | None = None
    unseen: int = 0


class Events:
    """Hands events from the service's thread to whoever shows them. Telling never waits."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Event | BaseException | None] = queue.Queue(_MOST)
        self._remarks = Bucket(REMARKS, time.monotonic())
        self._unseen = 0

    def tell(self, event: str, **about: Any) -> None:
        """Tell of something that happened; of refusals only so many in a time: anybody can cause them."""
        if event == "refused" and not self._remarks.take(time.monotonic()):
            self._unseen += 1
            return
        try:
            self._queue.put_nowait(Event(datetime.now(UTC), event, **about, unseen=self._unseen))
            self._unseen = 0
        except queue.Full:
            self._unseen += 1

    def end(self, error: BaseException | None = None) -> None:
        """Tell that there will be no more, maybe because of an error."""
        while True:
            try:
                self._queue.put_nowait(error)
            except queue.Full:
                self._queue.get_nowait()
            else:
                return

    def read(self, seconds: float | None = None) -> Iterator[Event]:
        """Give events as they come until the end, or until the time is up; raise what the service failed with."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            try:
                told = self._queue.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
            except queue.Empty:
                return
            if told is None:
                return
            if isinstance(told, BaseException):
                raise told
            yield told
