"""The phases of a launch: registered, called, in the room, heard; each one waited for, none longer than is left."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

from lkctl.agents.launch.childworker import ChildWorker
from lkctl.agents.launch.dismissal import Dismissal
from lkctl.agents.launch.lookout import Lookout
from lkctl.agents.launch.order import Launched, Order
from lkctl.agents.launch.symptoms import Symptom
from lkctl.agents.ownroom import made_by_us
from lkctl.agents.worker import SOURCE
from lkctl.dispatch import judge
from lkctl.errors import LkctlError
from lkctl.models import AgentRequest, Dispatch, Participant, RoomRequest
from lkctl.scenarios.resolution import snapshot_of
from lkctl.server.api import Api
from lkctl.server.deadline import Deadline
from lkctl.userid import Job, Snapshot, resolve
from lkctl.userid.readiness import Patience, user_present

_WHILE = 5.0  # seconds between two looks at the server while the worker starts
_LOOK = 0.1  # seconds between two looks at the room
_PUBLISHED_WITHIN, _GLANCE = 1.0, 0.02  # seconds until attributes are listed (0.01: measured), and between two looks
_CALL_AGAIN, _CALLS = 2.0, 3  # seconds without a job until the worker is called again (0.2 as a rule: measured)
_NO_JOB = _CALL_AGAIN * _CALLS
_OUTLIVES = 5  # seconds that a room of ours may be empty for, longer than the launch can last
_DEPARTURE = 7  # seconds that it stays when a visitor has left


class Stage(NamedTuple):
    """Where a launch speaks: remarks, and what is awaited."""

    talk: Callable[[str], None]
    progress: Callable[[str], AbstractContextManager[None]]


class Phases:
    """The phases of one launch; what they see is noted in `story`, what they make in `dismissal`."""

    def __init__(self, api: Api, order: Order, story: Launched, dismissal: Dismissal, stage: Stage) -> None:
        self._api, self._order, self._story = api, order, story
        self._dismissal, self._stage = dismissal, stage
        self._began = time.monotonic()
        self._clock = Deadline(order.seconds)
        self.lookout = Lookout(api, order.room, story.agent_name, self._clock)
        self._calls = 1

    @property
    def left(self) -> float:
        """Seconds left of the whole."""
        return self._clock.left

    def note(self, what: str) -> float:
        """Note how long it took until something was reached."""
        seconds = round(time.monotonic() - self._began, 3)
        self._story.timing[what] = seconds
        return seconds

    def await_registered(self, worker: ChildWorker) -> None:
        """Wait until the worker has registered, under its own name and with our server."""
        name, url = self._story.agent_name, self._api.target.url.websocket
        with self._stage.progress("waiting for the worker to register"):
            while not worker.until(lambda: worker.log.registered is not None, min(_WHILE, self._clock.left)):
                if self._clock.over:
                    told = f"the worker did not register within {self._order.seconds:g} s"
                    raise worker.failure(Symptom("agent-unregistered", told))
                self.lookout.look()  # a server that has fallen silent is told of in time
        if worker.log.url and urlsplit(worker.log.url).netloc != urlsplit(url).netloc:
            told = f"the worker registered with {worker.log.url}, not with {url}"
            raise worker.failure(Symptom("agent-elsewhere", told))
        if worker.log.registered != name:
            told = f"the worker registered as {worker.log.registered!r}, not as {name!r}"
            raise worker.failure(Symptom("agent-name", told))
        self._stage.talk(f"worker {name} registered after {self.note('registered_s'):.1f} s")

    def call_agent(self) -> None:
        """Ask for the agent, under the name that nobody else has."""
        order, name = self._order, self._story.agent_name
        self._dismissal.asked = True
        if self._story.room_created and not self._dismissal.mark:
            agents, lasting = (AgentRequest(name, order.metadata),), int(self._clock.left) + _OUTLIVES
            request = RoomRequest(order.room, empty_timeout=lasting, departure_timeout=_DEPARTURE, agents=agents)
            if self.make_room(request, name):
                return
            self._story.room_created = False
            self._stage.talk(f"somebody else made room {order.room} just before: it stays")
        api = self.lookout.api
        self.lookout.sid = api.get_room(order.room).sid  # a dispatch would make it anew, with an unnamed agent
        api.create_dispatch(order.room, name, order.metadata)

    def make_room(self, request: RoomRequest, mark: str) -> bool:
        """Make a room that calls an agent of the unique name `mark`; say whether we, and nobody else, have made it."""
        self._dismissal.mark = mark
        room = self.lookout.api.create_room(request)
        if not made_by_us(self.lookout.api, room, mark):
            self._dismissal.mark = ""
            return False
        self._dismissal.sid = self.lookout.sid = room.sid
        return True

    def await_agent(self, worker: ChildWorker) -> Participant:
        """Wait until the agent is in the room, by its attribute there."""
        late = Deadline(_NO_JOB)
        with self._stage.progress("waiting for the agent to join the room"):
            while (agent := self.lookout.look()[1]) is None or agent.state != "ACTIVE":
                worker.insist_well()
                self._insist_job(worker)
                if not worker.log.requested:
                    self._call_again(_NO_JOB - late.left)
                if self._clock.over or (late.over and (not worker.log.requested or self._is_refused())):
                    raise worker.failure(self._absence(worker))
                time.sleep(_LOOK)
        self._story.identity = self._dismissal.identity = agent.identity
        self._stage.talk(f"agent {agent.identity} is in room {self._order.room} after {self.note('joined_s'):.1f} s")
        return agent

    def await_result(self, worker: ChildWorker, patience: Patience) -> None:
        """Wait until the bundled agent tells its result, and look at what the API would have told."""
        log = worker.log
        awaited = "the agent's result" if patience.fixed == 0 else "the agent, which waits for its user"
        with self._stage.progress(f"waiting for {awaited}"):
            while not worker.until(lambda: log.result is not None, min(1.0, self._clock.left)):
                if self._clock.over:
                    told = f"the agent told no result within {self._order.seconds:g} s"
                    raise worker.failure(Symptom("agent-silent", told))
                self.insist_agent(worker)
        self.note("result_s")
        result = dict(log.result or {})
        self._story.expired = bool(result.pop("expired", False))
        self._story.result = result
        self._predict()
        self._read_back()

    def insist_agent(self, worker: ChildWorker) -> tuple[tuple[Participant, ...], Participant | None]:
        """Look at the room; raise `agent-left` where the agent is not in it any more."""
        people, agent = self.lookout.look()
        if agent is None and people is not None:
            worker.next_words()
            raise self._left(worker, f"agent {self._story.identity} left the room")
        self._note_user(people or ())
        return people or (), agent

    def _insist_job(self, worker: ChildWorker) -> None:
        """Raise `agent-left` where the job is over before its agent was seen: it came and went, or never came."""
        if worker.log.over and self.lookout.look()[1] is None:
            worker.next_words()
            raise self._left(worker, "the agent's job ended before the agent was seen in the room")

    def _left(self, worker: ChildWorker, told: str) -> LkctlError:
        why = f" ({worker.log.over})" if worker.log.over else ""
        return worker.failure(Symptom("agent-left", told + why))

    def await_user(self, worker: ChildWorker, patience: Patience) -> bool:
        """Wait for the first user as the patience says; say whether somebody is there."""
        began = time.monotonic()
        seconds = patience.limit if patience.fixed is None else patience.fixed
        with self._stage.progress("waiting for a user"):
            while True:
                self.insist_agent(worker)
                waited = time.monotonic() - began >= min(seconds, self._clock.left)
                if waited or (self._story.user_came and patience.fixed is None):
                    return bool(self._story.user_came)
                worker.until(lambda: False, _LOOK)

    def _note_user(self, people: Sequence[Participant]) -> None:
        """Note whether a user has been seen in the room until now."""
        if not self._story.user_came:
            self._story.user_came = user_present(snapshot_of(self._order.room, None, people))

    def _read_back(self) -> None:
        """See the result in the agent's attributes, where everybody in the room sees it."""
        source = self._story.source
        end = time.monotonic() + _PUBLISHED_WITHIN
        while source is not None and not self._story.published and time.monotonic() < end:
            _, agent = self.lookout.look()
            self._story.published = agent is not None and agent.attributes.get(SOURCE) == source
            time.sleep(0 if self._story.published else _GLANCE)

    def _call_again(self, waited: float) -> None:
        """Ask once more where no job came.

        A worker that the server has not told itself of yet gets none, for good: the names of workers are cached, and
        what wipes the cache may come after the worker has heard that it is registered (pkg/agent/client.go of 1.13.5).
        """
        if waited < _CALL_AGAIN * self._calls or self._calls == _CALLS:
            return
        self._calls += 1
        self._stage.talk(f"no job came to the worker within {_CALL_AGAIN:g} s; asking again")
        for one in self._dispatches():
            self.lookout.api.delete_dispatch(self._order.room, one.id)
        self.lookout.api.create_dispatch(self._order.room, self._story.agent_name, self._order.metadata)

    def _dispatches(self) -> list[Dispatch]:
        """Give our dispatches."""
        found = self.lookout.api.list_dispatches(self._order.room)
        return [one for one in found if one.agent_name == self._story.agent_name]

    def _is_refused(self) -> bool:
        """Whether the job was rejected: the one thing that a dispatch tells of it, after 5 s."""
        return any(one.verdict == "refused" for one in judge(self._dispatches(), (), self._api.now))

    def _absence(self, worker: ChildWorker) -> Symptom:
        if worker.log.requested and not self._clock.over:
            return Symptom("agent-rejected", "the worker's request function rejected the job")
        if worker.log.requested:
            return Symptom("agent-absent", "the worker got its job, and no agent came to the room")
        why = ": it calls itself full" if worker.log.full else ""
        return Symptom("agent-absent", f"the worker got no job{why}, and no agent came to the room")

    def snapshot(self) -> Snapshot:
        """Give what the API shows now, with what the agent was given."""
        room = self.lookout.api.find_room(self._order.room)
        people, _ = self.lookout.look()
        self._note_user(people or ())
        seen: Snapshot = snapshot_of(self._order.room, room, people or ())
        job = Job(metadata=self._order.metadata)
        return replace(seen, env=self._order.env, job=job, local_identity=self._story.identity)

    def _predict(self) -> None:
        """Ask the API as `agent resolve` does."""
        self._story.prediction = resolve(self.snapshot(), self._order.policy)
