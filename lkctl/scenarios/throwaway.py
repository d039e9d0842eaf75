"""A room that lkctl makes for a trial, and removes together with what came into it, whatever happens."""

import threading
import time
from contextlib import suppress
from shlex import quote

from lkctl.errors import LkctlError
from lkctl.models import Room, RoomRequest
from lkctl.server.api import Api

_PACE = 0.2  # seconds between two looks
_LOOKS = 5  # whether it is back, after it was deleted
_CALL = 2.0  # seconds for one call
_MADE = 1.5  # seconds to wait for the answer to the call that makes it
_ARRIVAL = 4.0  # seconds from its making within which most agents join; a cold process takes 3.3 (measured)
_LONGEST_WAIT = 2.0  # seconds; ^C waits for it


class ThrowAwayRoom:
    """A room under a random name. The server itself closes it by `empty_timeout`, should lkctl be killed.

    `settled`: no agent is on its way. One that joins after the room was deleted makes it anew, and so does, 15 s later,
    one that was about to connect when it was deleted (both measured); so as long as one may be, it is waited for.
    `was_there`: removing it, we found it. `call`: seconds for one call.
    """

    def __init__(self, api: Api, name: str, *, call: float = _CALL) -> None:
        self._api = api
        self.name = name
        self.settled = False
        self.was_there = False
        self._call = call
        self._asked_at: float | None = None
        self._answered = threading.Event()
        self._lock = threading.Lock()
        self._over = False

    def make(self, request: RoomRequest) -> Room:
        """Make it, and give what the server made of it.

        Raises what the server refuses with, or `interrupted` where it is removed already.
        """
        with self._lock:
            self._insist_not_over()
            self._asked_at = time.monotonic()
        try:
            return self._api.bounded(self._call).create_room(request)
        finally:
            self._answered.set()

    def call(self, agent_name: str) -> None:
        """Have another agent called into it; raise `interrupted` once it is being removed: a call makes a room anew."""
        with self._lock:
            self._insist_not_over()
            self._asked_at = time.monotonic()
            self._api.bounded(self._call).create_dispatch(self.name, agent_name)

    def remove(self) -> None:
        """Remove it, also from another thread than the one that made it; raise what the server refuses with."""
        with self._lock:
            self._over = True
        if self._asked_at is None:
            return
        try:
            self._remove(self._asked_at + _ARRIVAL)
        except LkctlError as error:
            told = f"{error.message}; the room {self.name} may be left, and closes by itself within a minute"
            raise LkctlError(error.code, told, hint=f"Remove it: lkctl room delete {quote(self.name)}") from None

    def _insist_not_over(self) -> None:
        if self._over:
            raise LkctlError("interrupted", f"room {self.name} is removed; nothing is made in it any more")

    def _remove(self, arrived_by: float) -> None:
        self._answered.wait(_MADE)
        if not self.settled:
            self._await_agent(min(_LONGEST_WAIT, arrived_by - time.monotonic()))
        self._delete()
        for _ in range(0 if self.settled else _LOOKS):
            time.sleep(_PACE)
            self._delete()

    def _delete(self) -> None:
        api = self._api.bounded(self._call)
        try:
            api.delete_room(self.name)
            self.was_there = True
        except LkctlError as error:
            if error.code != "room-missing":
                raise

    def _await_agent(self, seconds: float) -> None:
        """End the jobs that the server knows of, and let one that it does not know yet arrive."""
        end, seen = time.monotonic() + seconds, False
        with suppress(LkctlError):
            api = self._api.bounded(self._call)
            for dispatch in api.list_dispatches(self.name):
                api.delete_dispatch(self.name, dispatch.id)
            while time.monotonic() < end:
                agents = [one for one in self._api.bounded(self._call).list_participants(self.name) if one.is_agent]
                if any(one.state == "ACTIVE" for one in agents) or (seen and not agents):
                    return
                seen = bool(agents)
                time.sleep(_PACE)
