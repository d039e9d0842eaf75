"""What the steps of `lkctl smoke` share: a room with metadata, and a participant who stays in it until told to go."""

import os
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from math import ceil

from lkctl.checks.roomsight import api_of
from lkctl.checks.world import Smoke, World
from lkctl.errors import ExitCode, LkctlError
from lkctl.models import AgentRequest, Room, RoomRequest
from lkctl.scenarios.throwaway import ThrowAwayRoom
from lkctl.server.api import Api
from lkctl.server.deadline import Deadline
from lkctl.server.signal import Visit, visiting
from lkctl.settings.url import ServerUrl
from lkctl.tokens.minting import Minted, TokenRequest, mint

STEP = 5.0  # seconds for what one step asks of the server
_CALL = 3.0  # seconds for one call that makes or removes
_FAREWELL = 1.0  # seconds
_SPARE, _LONGEST = 5, 60  # seconds that the room outlasts the run, should it be killed; and at most
_DEPARTED = 3  # seconds; the same, once the participant's connection is gone
_TOKEN = 120  # seconds
_NEVER = {"net-dns", "net-refused"}  # with these the server was never asked
_ELSEWHERE = {"server-unavailable", "server-redis"}  # with these it may have been made all the same, or will be


class Stay:
    """The room of one run, and the participant in it. Whoever opens it has promised the run to end it."""

    def __init__(self, world: World, wish: Smoke) -> None:
        self._world = world
        self._api = api_of(world)
        self.user_id = wish.user_id
        self.metadata = wish.metadata()
        self.room = wish.new_room()
        self.made: bool | None = False  # None: it was asked for, and it is in doubt what came of it
        self.minted: Minted | None = None
        self._kept = ThrowAwayRoom(self._api, self.room, call=_CALL)
        self._guest: _Guest | None = None
        self._door = threading.Lock()
        self._over = False
        self._promise = ExitStack()

    def api(self) -> Api:
        """Give the API for one step: with as much time as the run has left, and no more than a step may take."""
        return self._api.bounded(self.seconds)

    @property
    def seconds(self) -> float:
        """The time for one step."""
        return min(STEP, self._world.left)

    def begin(self) -> Room:
        """Make the room, with the promise that it is removed; raise what the server refuses with."""
        self._promise.enter_context(self._world.leftovers.undone(self._undo))
        self.made = None
        try:
            room = self._kept.make(self._request())
        except LkctlError as error:
            self.made = None if _leaves_doubt(error) else False
            raise
        self.made = True
        return room

    def end(self) -> bool:
        """Let the participant go, and remove the room; say whether it was there. Raise what the server refuses with."""
        self._promise.close()
        if self._kept.was_there and not self.made:  # it was refused, and made all the same
            self.made = None
        return self._kept.was_there

    def mint(self) -> Minted:
        """Make the participant's token, as `lkctl token mint --user-id` does.

        Its roomConfig is for the one case that the room is deleted while we join: then it is made anew, for a moment.
        """
        config = {"emptyTimeout": 10, "departureTimeout": _DEPARTED, "agents": [{"agentName": self.room}]}
        request = TokenRequest(user_id=self.user_id, room=self.room, ttl=_TOKEN, room_config=config)
        pair = self._world.settings.credentials().pair
        self.minted = mint(request, pair, now=time.time(), entropy=os.urandom, force=True)
        return self.minted

    def join(self) -> Visit:
        """Be in the room from now on, on the signal connection alone.

        Raises what `visiting` raises, and `interrupted` once the room is being removed: a join makes it anew.
        """
        minted = self.minted or self.mint()
        deadline = Deadline(self.seconds)
        with self._door:
            if self._over:
                raise LkctlError("interrupted", f"room {self.room} is removed; nobody joins it any more")
            guest = self._guest = _Guest(self._world.server_url(), minted.token, deadline)
        return guest.entered(deadline)

    def close(self) -> None:
        """Hang up."""
        self._api.close()

    def _request(self) -> RoomRequest:
        """Ask for a room that calls nobody: an agent is named, which nobody has, so none comes by itself (measured)."""
        lasting = min(ceil(self._world.timeout) + _SPARE, _LONGEST)
        return RoomRequest(
            self.room, metadata=self._world.scope.room_metadata, empty_timeout=lasting, departure_timeout=_DEPARTED,
            agents=(AgentRequest(self.room),),
        )  # fmt: skip

    def _undo(self) -> None:
        with self._door:
            self._over = True
        gone = self._guest is None or self._guest.leave(_FAREWELL)
        self._kept.settled = gone and self.made is not None
        self._kept.remove()


class _Guest:
    """A participant in a thread of its own, so that it can be told to go at any time, also while it is joining."""

    def __init__(self, url: ServerUrl, token: str, deadline: Deadline) -> None:
        self._visit: Future[Visit] = Future()
        self._told, self._gone = threading.Event(), threading.Event()
        threading.Thread(target=self._stay, args=(url, token, deadline), daemon=True).start()

    def entered(self, deadline: Deadline) -> Visit:
        """Give what joining has shown; raise what it raised."""
        return self._visit.result(deadline.left + _FAREWELL)

    def leave(self, seconds: float) -> bool:
        """Tell it to go, and say whether it is gone after so many seconds at most."""
        self._told.set()
        return self._gone.wait(seconds)

    def _stay(self, url: ServerUrl, token: str, deadline: Deadline) -> None:
        try:
            with visiting(url, token, deadline) as visit:
                self._visit.set_result(visit)
                self._told.wait()
        except BaseException as error:  # noqa: BLE001  (raised to the one who asked)
            if not self._visit.done():
                self._visit.set_exception(error)
        finally:
            self._gone.set()


def _leaves_doubt(error: LkctlError) -> bool:
    """Whether a room may be there although CreateRoom failed."""
    return error.code in _ELSEWHERE or (error.exit_code is ExitCode.UNREACHABLE and error.code not in _NEVER)


def stay_of(world: World) -> Stay:
    """Give the stay of this run."""
    return world.memory.once("smoke.stay", lambda: Stay(world, _wish(world)))


def _wish(world: World) -> Smoke:
    if world.scope.smoke is None:
        raise TypeError("the run was not asked for a smoke test")
    return world.scope.smoke
