"""The sessions that there are: who may open one, and how all of them end."""

import asyncio
import time

from lkctl.agents.serve.limits import SESSIONS, Bucket
from lkctl.agents.serve.means import Means
from lkctl.agents.serve.messages import Fault
from lkctl.agents.serve.session import Session
from lkctl.errors import LkctlError

_LOOK_EVERY = 1.0
_MISSES = 2  # looks in a row that get no answer, until the server counts as lost
_CLOSES_WITHIN = 15.0


class Register:
    """All sessions, the latest of each user by his ID. `lost`: the LiveKit server does not answer."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._latest: dict[str, Session] = {}
        self._tasks: dict[asyncio.Task[None], Session] = {}
        self._rate = Bucket(SESSIONS, time.monotonic())
        self._closing = False
        self._missed = 0

    @property
    def lost(self) -> bool:
        """Whether the LiveKit server does not answer."""
        return self._missed >= _MISSES

    @property
    def size(self) -> int:
        """How many users have a session."""
        return len(self._latest)

    def open(self, user_id: str, origin: str) -> Session:
        """Open a session, in place of one that the user has; raise Fault where there is no room for it."""
        if self._closing:
            raise Fault("server-closing")
        previous = self._latest.get(user_id)
        full = previous is None and len(self._latest) >= self._means.plan.most_sessions
        if full or not self._rate.take(time.monotonic()):
            raise Fault("too-many-sessions")
        session = Session(self._means, user_id, origin, previous)
        self._latest[user_id] = session
        if previous is not None:
            previous.end(Fault("replaced"))
        task = asyncio.create_task(session.run())
        self._tasks[task] = session
        task.add_done_callback(self._strike)
        return session

    async def watch(self) -> None:
        """Look after the sessions for ever: their rooms, their agents, and the LiveKit server itself."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            await self._look()

    async def close(self) -> None:
        """End all sessions; kill the agents of those that do not end in time."""
        self._closing = True
        for session in tuple(self._tasks.values()):
            session.end(Fault("server-closing"))
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=_CLOSES_WITHIN)
        self.kill()

    def kill(self) -> None:
        """Kill all agents at once; their sessions then end by themselves."""
        for session in tuple(self._tasks.values()):
            session.kill()

    def _strike(self, task: asyncio.Task[None]) -> None:
        session = self._tasks.pop(task)
        if self._latest.get(session.user_id) is session:
            del self._latest[session.user_id]

    async def _look(self) -> None:
        rooms, do = self._means.rooms, self._means.do
        watched = [one for one in self._tasks.values() if one.room is not None]
        names = [one.room.name for one in watched if one.room is not None]
        attended = [one.room.name for one in watched if one.room is not None and one.has_agent]
        try:
            sids = await do(rooms.sids, names or ["-"])
        except LkctlError as error:
            self._miss(error)
            return
        people = await do(rooms.people, attended)
        back, self._missed = self.lost, 0
        if back:
            self._means.events.tell("livekit_back")
            await do(rooms.delete_left)
        for session in watched:
            session.judge(sids, people)

    def _miss(self, error: LkctlError) -> None:
        self._missed += 1
        if self._missed == _MISSES:
            self._means.events.tell("livekit_lost", code="livekit-lost", message=f"{error.code}: {error.message}")
        if self.lost:
            for session in self._tasks.values():
                session.end(Fault("livekit-lost", detail=f"{error.code}: {error.message}"))
