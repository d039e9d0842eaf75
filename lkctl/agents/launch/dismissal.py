"""What a launch takes back in the end: agent, dispatch, worker and room, in the order that leaves no ghost.

An agent whose process is killed stays in its room for 20 s, so it is put out of it first; a job that is in flight when
its room is deleted makes the room anew, so the room goes last (both measured on livekit-server 1.13.5).
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shlex import quote
from types import TracebackType
from typing import NamedTuple, Self

from lkctl.agents.launch.childworker import ChildWorker
from lkctl.agents.ownroom import delete_own
from lkctl.dispatch import agent_names
from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.server.api import Api

_STEP = 3.0  # seconds for each step
_HURRIED = 1.0  # seconds, when somebody asks for the second time
_GONE = {"participant-missing", "room-missing", "dispatch-missing"}


class Step(NamedTuple):
    """One thing taken back: what it was, and what happened to it; `left` is the command that removes what stayed."""

    what: str
    fate: str
    left: str = ""


class Dismissal:
    """Takes back what was noted, when the `with` ends in any way; a second ^C or SIGTERM kills at once.

    `name` is the agent name that nobody else has: by it the agent and its dispatch are found. `worker` is to be set
    once it runs, `asked` before an agent is asked for, `identity` when it was seen; before the room is made `mark`, the
    agent name by which it is known as ours (see ownroom.py), and its `sid` when it is.
    """

    def __init__(self, api: Api, room: str, name: str, tell: Callable[[str], None]) -> None:
        self.worker: ChildWorker | None = None
        self.mark = ""
        self.sid = ""
        self.asked = False
        self.identity = ""
        self.steps: list[Step] = []
        self._api, self._room, self._name = api, room, name
        self._tell = tell
        self._seconds = _STEP

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._dismiss()
        except BaseException:
            self._hurry()
            raise
        finally:
            for step in self.steps:
                if step.left:
                    self._tell(f"warning: {step.what} {step.fate}; to remove it: {step.left}")

    @property
    def left(self) -> tuple[Step, ...]:
        """What could not be taken back."""
        return tuple(step for step in self.steps if step.left)

    def _dismiss(self) -> None:
        if self.worker is None and not self.mark:
            return
        if self.asked:
            self._step("agent", self._remove_agents)
            self._step("dispatch", self._delete_dispatches)
        if self.worker is not None:
            self._end_worker(self.worker)
        if self.asked:
            self._step("agent", self._remove_agents)  # it may have been on its way
        if self.mark:
            self._step("room", self._delete_room)

    def _hurry(self) -> None:
        """Do the same at once, and hear no more signals: it takes a few seconds at the most."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self._seconds = _HURRIED
        self.steps.clear()
        if self.worker is not None:
            self.worker.kill()
        self._dismiss()

    def _step(self, what: str, work: Callable[[Api], str]) -> None:
        """Do one step; where it fails, the others follow all the same."""
        try:
            fate = work(self._api.bounded(self._seconds))
        except LkctlError as error:
            if error.code not in _GONE:
                step = Step(what, f"may be left: {error.message}", self._command(what))
                self.steps = [one for one in self.steps if one != step] + [step]
            return
        if fate:
            self.steps.append(Step(what, fate))

    def _command(self, what: str) -> str:
        room = quote(self._room)
        commands = {
            "agent": f"lkctl participant remove {room} {quote(self.identity)} --yes"
            if self.identity
            else f"lkctl participant list {room}",
            "dispatch": f"lkctl dispatch delete {room} --agent {self._name} --yes",
            "room": f"lkctl room delete {room} --yes",
        }
        return commands[what]

    def _remove_agents(self, api: Api) -> str:
        agents = [one for one in api.list_participants(self._room) if is_of(one, self._name)]
        for one in agents:
            self.identity = one.identity
            with _gone_is_fine():
                api.remove_participant(self._room, one.identity)
        return f"{', '.join(one.identity for one in agents)} put out of the room" if agents else ""

    def _delete_dispatches(self, api: Api) -> str:
        if self.mark or api.find_room(self._room) is None:
            return ""  # it goes with the room; and of a room that is gone, the server says so only after 3 s
        found = [one.id for one in api.list_dispatches(self._room) if one.agent_name == self._name]
        for one in found:
            with _gone_is_fine():
                api.delete_dispatch(self._room, one)
        return f"{', '.join(found)} deleted" if found else ""

    def _end_worker(self, worker: ChildWorker) -> None:
        if worker.status is None:
            worker.end()
            self.steps.append(Step("worker", _say_end(worker.status)))
        else:
            worker.kill()  # what it started may live on

    def _delete_room(self, api: Api) -> str:
        return "deleted" if delete_own(api, self._room, self.mark, self.sid) else ""


def is_of(participant: Participant, name: str) -> bool:
    """Whether it is an agent of this name. The server gives the attribute `lk.agent_name` to every agent."""
    return participant.is_agent and participant.is_there and name in agent_names(participant)


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """Take it for done where what is to go is gone already."""
    try:
        yield
    except LkctlError as error:
        if error.code not in _GONE:
            raise


def _say_end(status: int | None) -> str:
    return "killed" if status == -signal.SIGKILL else f"ended (exit status {status})"
