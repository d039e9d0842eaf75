"""A real job in a throw-away room: made, watched until it is clear what came of it, and removed."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

from lkctl.dispatch import agent_names
from lkctl.errors import LkctlError
from lkctl.models import AgentRequest, Dispatch, Participant, RoomRequest
from lkctl.scenarios.dispatches import Scene, look_at_agents
from lkctl.scenarios.throwaway import ThrowAwayRoom
from lkctl.server.api import Api
from lkctl.server.deadline import Deadline
from lkctl.server.pulse import has_pulse

_PACE = 0.1  # seconds between two looks: one that crashes is there for a moment only
_STAY = 1.5  # seconds that an agent must stay, to count as come
_LATEST_JOIN = 20.0  # seconds that an agent of a job that was taken may take
_LATEST_MEDIA = 10.0  # seconds that it may take from joining to its media connection
_GHOST = 25.0  # seconds after which the server has missed a process that died: 21 (measured)
_LOOK = 3.0  # seconds for one look
_OTHERS = 3.0  # seconds for workers of other names to take a job

Undone = Callable[[Callable[[], object]], AbstractContextManager[None]]


class Fate(StrEnum):
    """What came of a job."""

    came = "came"  # its agent is in the room, ACTIVE, and stays
    nobody = "nobody"  # no worker took it within 6 s
    refused = "refused"  # a worker refused it for good
    absent = "absent"  # a worker took it, and no agent came
    left = "left"  # an agent came, and left
    stuck = "stuck"  # an agent came, and its media connection does not come up
    dead = "dead"  # an agent came, and its process died
    unclear = "unclear"  # the time was up too early


_ON_ITS_WAY = {Fate.unclear, Fate.absent, Fate.stuck}  # an agent may still join


@dataclass(frozen=True, slots=True)
class Trial:
    """What was seen of a job. `seconds`: until its agent was there, or until it was clear that none is.

    `stayed`: seconds for which it was seen; `pulse`: whether its process answers, None where that cannot be asked.
    `others`: names under which workers took the job instead, "" for one without; None where it was not tried.
    """

    room: str
    fate: Fate
    seconds: float
    stayed: float = 0.0
    worker_id: str = ""
    pulse: bool | None = None
    others: tuple[str, ...] | None = None


@dataclass(slots=True)
class _Watch:
    """One trial while it is under way: what was seen until now."""

    api: Api
    room: ThrowAwayRoom
    name: str
    deadline: Deadline
    started: float
    came_at: float | None = None
    active_at: float | None = None
    silent_at: float | None = None
    pulse: bool | None = None
    worker_id: str = ""

    @property
    def spent(self) -> float:
        return time.monotonic() - self.started

    def ended(self, fate: Fate) -> Trial:
        """Make what was seen the end of it."""
        self.room.settled = fate not in _ON_ITS_WAY
        there = self.active_at if self.active_at is not None else self.came_at
        waited = self.spent if there is None or fate is Fate.stuck else there
        stayed = 0.0 if there is None else self.spent - there
        return Trial(self.room.name, fate, waited, stayed, self.worker_id, self.pulse)


def try_job(
    api: Api,
    request: AgentRequest,
    undone: Undone,
    seconds: float,
    *,
    others: Iterable[str] = (),
    metadata: str | None = None,
    while_there: Callable[[Trial], None] = lambda _: None,
) -> Trial:
    """Have an agent called into a new room, and tell what came of it; the room is removed, whatever happens.

    `undone` sees to it (checks.leftovers). Where nobody takes the job, it is offered under the names `others`, too.
    `metadata` is that of the room.
    `while_there` is called when the fate is known and the room still there. Raises what the server refuses with.
    """
    room = ThrowAwayRoom(api, f"lkctl-probe-{secrets.token_hex(8)}")
    with undone(room.remove):
        started = time.monotonic()
        agents = (request,) if request.agent_name or request.metadata else None  # None: the server's automatic one
        room.make(RoomRequest(room.name, metadata, empty_timeout=ceil(seconds) + 10, agents=agents))
        trial = _watch(_Watch(api, room, request.agent_name, Deadline(seconds), started))
        while_there(trial)
        if trial.fate is Fate.nobody and others:
            trial = replace(trial, others=tuple(_takers(api, room, others)))
        return trial


def _watch(watch: _Watch) -> Trial:
    while True:
        over = watch.deadline.over  # before the look, so that the last one is made when the time is up
        fate = _judge(watch, _look(watch))
        if fate is not None:
            return watch.ended(fate)
        if over:
            return watch.ended(Fate.dead if watch.silent_at is not None else Fate.unclear)
        time.sleep(_PACE)


def _look(watch: _Watch) -> Scene | None:
    """Look at the room; None where it is gone, which an agent may do to it."""
    try:
        return look_at_agents(watch.api.bounded(_LOOK), watch.room.name)
    except LkctlError as error:
        if error.code == "room-missing" and watch.came_at is not None:
            return None
        raise


def _judge(watch: _Watch, scene: Scene | None) -> Fate | None:
    """Tell the fate from a look; None while it is too early."""
    agents = [] if scene is None else [one for one in scene.participants if one.is_agent and one.is_there]
    dispatch = None if scene is None else _dispatch(scene, watch.name)
    jobs = dispatch.jobs if dispatch is not None else ()
    watch.worker_id = next((job.worker_id for job in jobs if job.worker_id), watch.worker_id)
    if agents:
        return _judge_agent(watch, agents[0])
    if watch.came_at is not None:
        return Fate.dead if watch.silent_at is not None else Fate.left
    if any(job.participant_identity for job in jobs):
        return Fate.absent if watch.spent >= _LATEST_JOIN else None
    verdicts = {judged.dispatch.id: judged.verdict for judged in scene.judged()} if scene is not None else {}
    verdict = verdicts.get(dispatch.id, "") if dispatch is not None else "nobody"
    return {"nobody": Fate.nobody, "refused": Fate.refused}.get(verdict)


def _judge_agent(watch: _Watch, agent: Participant) -> Fate | None:
    """Tell the fate of an agent that is in the room."""
    watch.came_at = watch.spent if watch.came_at is None else watch.came_at
    if agent.state != "ACTIVE":
        return Fate.stuck if watch.spent - watch.came_at >= _LATEST_MEDIA else None
    watch.room.settled = True  # its job has arrived: to delete the room ends it
    watch.active_at = watch.spent if watch.active_at is None else watch.active_at
    if watch.spent - watch.active_at < _STAY:
        return None
    if watch.silent_at is None:
        watch.pulse = has_pulse(watch.api.bounded(_LOOK), watch.room.name, agent.identity)
        watch.silent_at = watch.spent if watch.pulse is False else None
    if watch.silent_at is None:
        return Fate.came
    return Fate.came if watch.spent - watch.silent_at >= _GHOST else None  # it lives, and its SDK knows no RPC


def _dispatch(scene: Scene, name: str) -> Dispatch | None:
    return next((one for one in scene.dispatches if one.agent_name == name), None)


def _takers(api: Api, room: ThrowAwayRoom, names: Iterable[str]) -> Iterator[str]:
    """Offer the job under other names, too; give those under which it was taken, in order."""
    asked = list(dict.fromkeys(names))
    room.settled = False
    for name in asked:
        room.call(name)
    quick, late, taken = Deadline(_OTHERS), Deadline(_LATEST_MEDIA), set[str]()
    while not (quick if not taken else late).over and not room.settled:
        time.sleep(_PACE)
        scene = look_at_agents(api.bounded(_LOOK), room.name)
        agents = [one for one in scene.participants if one.is_agent]
        taken |= {one.agent_name for one in scene.dispatches if any(job.participant_identity for job in one.jobs)}
        taken |= {name for agent in agents for name in agent_names(agent)}
        room.settled = 0 < len(taken) <= sum(agent.state == "ACTIVE" for agent in agents)
    yield from (name for name in asked if name in taken)
