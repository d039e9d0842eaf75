"""One session: from a user's connection_info until his room, token and agent are gone."""

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lkctl.agents.launch.program import Program
from lkctl.agents.serve import messages
from lkctl.agents.serve.agent import Agent
from lkctl.agents.serve.messages import Fault
from lkctl.models import Participant, Room

if TYPE_CHECKING:
    from lkctl.agents.serve.means import Means

_JOINS_WITHIN = 20.0  # seconds from the dispatch until the agent is seen in the room; measured: 0.3 to 4.3
_MISSES = 2  # looks in a row that do not find the agent any more; the API is ahead of all others


class Session:
    """A user's room, and what belongs to it. `news` holds what to say to the client; a Fault is the last of it.

    `gone` is set once nothing of it is left. `previous` is the user's session before, which must be gone first.
    """

    def __init__(self, means: "Means", user_id: str, origin: str, previous: "Session | None") -> None:
        self.id = secrets.token_hex(4)
        self.user_id = user_id
        self.room: Room | None = None
        self.news: asyncio.Queue[str | Fault] = asyncio.Queue()
        self.gone = asyncio.Event()
        self._means = means
        self._origin = origin
        self._previous = previous
        self._agent: Agent | None = None
        self._over: asyncio.Future[Fault | None] = asyncio.get_running_loop().create_future()
        self._asked_at = 0.0
        self._seen = False
        self._missed = 0

    @property
    def has_agent(self) -> bool:
        """Whether an agent was started for it."""
        return self._agent is not None

    @property
    def fault(self) -> Fault | None:
        """Why it is over; None while it is not, and where the client has gone."""
        return self._over.result() if self._over.done() else None

    def end(self, fault: Fault | None = None) -> None:
        """Let it be over; None: the client has gone. The first reason stands."""
        if not self._over.done():
            self._over.set_result(fault)
            if fault is not None:
                self.news.put_nowait(fault)

    def kill(self) -> None:
        """Kill the agent at once."""
        if self._agent is not None:
            self._agent.kill()

    async def run(self) -> None:
        """Make all that belongs to it, wait until it is over, and remove all."""
        self._tell("session_opened", origin=self._origin)
        try:
            if self._previous is not None:
                await self._previous.gone.wait()
                self._previous = None
            await self._begin()
            await self._over
        except Fault as fault:
            self.end(fault)
        except Exception as error:  # noqa: BLE001  (one session's defect must not end the others)
            self.end(Fault("internal", detail=f"{type(error).__name__}: {error}"))
        finally:
            await self._close()
            self.gone.set()

    def judge(self, sids: Mapping[str, str], people: Mapping[str, Sequence[Participant]]) -> None:
        """Hold it against what the server lists: the SIDs of rooms, and who is in them."""
        if self.room is None or self._over.done():
            return
        if sids.get(self.room.name) != self.room.sid:
            self.end(Fault("room-ended"))
        elif self._agent is not None:
            self._judge_agent(self._agent, people.get(self.room.name))

    def _judge_agent(self, agent: Agent, people: Sequence[Participant] | None) -> None:
        if ailment := agent.ailment():
            self.end(Fault("agent-ended", detail=ailment))
        elif people is None:
            return
        elif (found := agent.find(people)) is not None:
            self._missed = 0
            if not self._seen:
                self._seen = True
                self.news.put_nowait(messages.agent_joined(found.identity))
                self._tell("agent_joined")
        elif self._seen:
            self._missed += 1
            if self._missed == _MISSES:
                self.end(Fault("agent-ended", "the agent has left the room", detail=agent.last_words()))
        elif time.monotonic() > self._asked_at + _JOINS_WITHIN:
            self.end(
                Fault(
                    "agent-failed",
                    "the agent did not come into the room, or left it at once",
                    detail=agent.last_words(),
                )
            )

    async def _begin(self) -> None:
        """Start the agent, make the room that asks for it, and answer; nothing of it if it is over meanwhile."""
        means = self._means
        if means.program is not None:
            async with means.starts:
                await self._start_agent(means.program)
        if self._over.done():
            return
        name = None if self._agent is None else self._agent.name
        self.room = await means.do(means.rooms.create, self.user_id, name)
        self._asked_at = time.monotonic()
        self._tell("room_created")
        ticket = await means.do(means.rooms.mint, self.user_id)
        self.news.put_nowait(
            messages.assigned(
                url=means.target.url.websocket, room=self.room.name, token=ticket.token, identity=self.user_id,
                userId=self.user_id, agentName=name, expiresAt=ticket.expires_at,
            )
        )  # fmt: skip

    async def _start_agent(self, program: Program) -> None:
        means = self._means
        if self._over.done():
            return
        self._agent = agent = await means.do(Agent, program, means.target, self.user_id)
        await means.do(agent.await_registration, self._over.done)
        if not self._over.done():
            self._tell("agent_started", pid=agent.pid)

    async def _close(self) -> None:
        """Remove the agent, then the room: an agent on its way into a deleted room would make it anew (measured)."""
        self.end()
        why = self._over.result()
        if self._agent is not None:
            with suppress(OSError):  # killed while it was being ended
                await self._means.do(self._agent.end)
        if self.room is not None:
            left = await self._means.do(self._means.rooms.delete, self.room)
            if left:
                self._tell("room_left", message=left)
        code = why.code if why is not None else "left"
        message = "the client has gone" if why is None else why.detail or why.message
        self._tell("session_closed", code=code, message=message)

    def _tell(self, event: str, **about: Any) -> None:
        agent = self._agent.name if self._agent is not None else ""
        room = self.room.name if self.room is not None else ""
        self._means.events.tell(event, session=self.id, user_id=self.user_id, room=room, agent=agent, **about)
