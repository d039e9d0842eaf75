"""Agents sent to rooms, and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from shlex import quote

from lkctl import convention
from lkctl.dispatch import Judged, agents_of, judge
from lkctl.errors import LkctlError
from lkctl.models import AgentRequest, Dispatch, Participant, RoomRequest
from lkctl.scenarios.look import insisting_room
from lkctl.scenarios.writes import in_doubt
from lkctl.server.api import Api


@dataclass(frozen=True, slots=True)
class Sending:
    """An agent that was asked for: the dispatch as the server has it, and where that differs from the request.

    `agent` is the identity of the agent in the room, "" while none was seen.
    """

    room: str
    judged: Judged
    room_created: bool
    not_applied: tuple[str, ...]
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the API tells of the agents of a room at one time, `now` by the clock of the server."""

    dispatches: tuple[Dispatch, ...]
    participants: tuple[Participant, ...]
    now: datetime
    room_created_at: datetime | None = None

    def judged(self) -> tuple[Judged, ...]:
        """Give the dispatches with their verdicts, in the order of their creation."""
        return judge(self.dispatches, self.participants, self.now, self.room_created_at)

    def agent_of(self, dispatch: Dispatch) -> str:
        """Give the identity of the agent that came of a dispatch; "" for none."""
        agents = agents_of(dispatch, self.dispatches, self.participants, self.now)
        return next((one.identity for one in agents if one.state == "ACTIVE"), "")


def request_agent(agent_name: str | None, metadata: str | None, *, any_agent: bool) -> AgentRequest:
    """Make the request for an agent; raise `usage` where it is not said which one, or `input-too-large`."""
    if (agent_name is None) is not any_agent:
        told = "no agent is named" if agent_name is None else "--any-agent excludes a name"
        hint = "Give AGENT_NAME, or --any-agent for a worker that registers without a name"
        raise LkctlError("usage", told, hint=hint)
    if agent_name is not None and not agent_name.strip():
        raise LkctlError("usage", "the agent name is blank", hint="Give the name that the worker registers")
    convention.size_of(agent_name or "", "agent name")  # of any length and any characters: the server takes it
    return AgentRequest(agent_name or "", convention.check_metadata(metadata or "", "metadata of the dispatch"))


def select_agent(agent_name: str | None, *, any_agent: bool) -> str | None:
    """Give the agent name by which dispatches are chosen, "" for those without one; raise `usage` for both at once."""
    if any_agent and agent_name is not None:
        raise LkctlError("usage", "--any-agent excludes --agent", hint="Give one or the other")
    return "" if any_agent else agent_name


def insist_room(api: Api, room: str, *, create: bool) -> bool:
    """Tell whether the room must be created first; raise `room-missing` unless it may be.

    The server would make it by itself, and send an unnamed agent there as well.
    """
    missing = api.find_room(convention.check_name(room, "room name")) is None
    if missing and not create:
        hint = f"Create it with it: --create-room, or before: lkctl room create {quote(room)}"
        raise LkctlError("room-missing", f"there is no room {room!r} on {api.url.http}", hint=hint)
    return missing


def send_agent(api: Api, room: str, request: AgentRequest, *, create_room: bool) -> Sending:
    """Ask for an agent in a room; raise `room-missing`."""
    missing = insist_room(api, room, create=create_room)
    with in_doubt("the agent may have been dispatched", f"lkctl dispatch list {quote(room)}"):
        dispatch = _open_room(api, room, request) if missing else None
        if dispatch is None:
            dispatch = api.create_dispatch(room, request.agent_name, request.metadata)
    wishes = ("agent_name", "metadata")
    missed = tuple(name for name in wishes if getattr(dispatch, name) != getattr(request, name))
    return Sending(room, judge([dispatch], (), api.now)[0], missing, missed)


def list_dispatches(api: Api, room: str, agent_name: str | None = None) -> tuple[Judged, ...]:
    """Give the dispatches of a room, or those of one agent name ("": of none), judged; raise `room-missing`."""
    created_at = api.get_room(room).created_at  # for a room that is missing, the server needs 3 s
    judged = look_at_agents(api, room, created_at).judged()
    return tuple(one for one in judged if agent_name in {None, one.dispatch.agent_name})


def look_at_agents(api: Api, room: str, created_at: datetime | None = None) -> Scene:
    """Look at the dispatches of a room, and then at who is there; raise `room-missing` where it goes meanwhile."""
    with insisting_room(api, room):
        dispatches = tuple(api.list_dispatches(room))
    return Scene(dispatches, tuple(api.list_participants(room)), api.now, created_at)


def _open_room(api: Api, room: str, request: AgentRequest) -> Dispatch | None:
    """Make a room with this agent alone; None where somebody else made the room just before."""
    api.create_room(RoomRequest(room, agents=(request,)))
    wanted = (request.agent_name, request.metadata)
    return next((one for one in api.list_dispatches(room) if (one.agent_name, one.metadata) == wanted), None)
