"""Rooms created, and compared with what was asked for."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote
from typing import Any

from lkctl import convention
from lkctl.errors import ExitCode, LkctlError
from lkctl.models import AgentRequest, Room, RoomRequest
from lkctl.scenarios.metadata import Whole, Wish, change_metadata, same_room
from lkctl.scenarios.writes import in_doubt, looking_after
from lkctl.server.api import Api
from lkctl.server.recordings import has_recording

_NUMBERS = ("empty_timeout", "departure_timeout", "max_participants")
_UNSEEN = ("egress", "min_playout_delay", "max_playout_delay", "sync_streams")  # no reply of the API holds them
_LISTED_WITHIN, _PAUSE = 2.0, 0.1  # seconds until the dispatches of a new room are listed, at most (0.01: measured)
_UNRECORDED_AFTER = 10.0  # seconds; so long a server with Redis looks for an egress worker, and says yes without one


@dataclass(frozen=True, slots=True)
class Creation:
    """A room as the server made it or has it; fields are named as in the request.

    `changed` was changed in a room that existed, `not_applied` are not as asked for, and of `unconfirmed` the API
    cannot say whether they are.
    """

    room: Room
    created: bool
    request: RoomRequest
    changed: tuple[str, ...] = ()
    not_applied: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()


def plan_room(name: str | None, user_id: str | None, metadata: str | None, wishes: Mapping[str, Any]) -> RoomRequest:
    """Make the request for a room, named by convention after the user ID where no name is given."""
    if name is None and user_id is None:
        raise LkctlError("usage", "the room has no name", hint="Give ROOM, or --user-id to name it by convention")
    name = convention.check_name(name if name is not None else convention.room_of(user_id or ""), "room name")
    request = RoomRequest(name=name, metadata=metadata, **wishes)
    if metadata is not None:
        convention.check_metadata(metadata, "metadata")
    for agent in request.agents or ():
        convention.check_metadata(agent.metadata, f"metadata of the agent {agent.agent_name!r}")
    least, most = request.min_playout_delay, request.max_playout_delay
    if least is not None and most is not None and least > most:
        told = f"--min-playout-delay is {least} ms, over --max-playout-delay with {most} ms"
        raise LkctlError("usage", told, hint="Give a smaller one, or leave one out")
    return request


def create_room(
    api: Api, request: RoomRequest, *, keep: bool = False, update: bool = False, keys: Wish | None = None
) -> Creation:
    """Create a room, and say whether it is new and which wishes the server did not grant.

    A room that exists stays as it is with `keep`; with `update` its metadata is replaced, or changed as `keys` say, and
    the agents that it lacks are dispatched. A server makes a new room with just the metadata and numbers that it is
    asked for (measured; 0 is its default), so where those differ, somebody else made it between our look and our call.
    Who made a room just as asked cannot be told: then `created` is true for both. Raises `changed-meanwhile` where
    somebody else changes it while it is updated.
    """
    before = api.find_room(request.name)
    kept = keep and before is not None
    if request.egress is not None and not kept:
        api.insist_egress()
    room = before if kept and before is not None else _create(api, request, before)
    differing = _differing(room, request)
    if (before is None or before.sid != room.sid) and not any(getattr(request, field) for field in differing):
        with looking_after(f"room {request.name!r} was created"):
            return _judge_new(api.renewed(), room, request, differing)
    wish = keys if update and keys is not None else Whole(request.metadata or "")
    missed = (*_differing(room, request, wish), *_agents(_absent_agents(api, request)))
    changed: tuple[str, ...] = ()
    if update and missed:
        room, changed = _update(api, room, request, missed, wish)
        missed = (*_differing(room, request, wish), *_agents(_absent_agents(api.renewed(), request)))
    return Creation(room, False, request, changed, (*missed, *_unseen(request)))


def _judge_new(api: Api, room: Room, request: RoomRequest, differing: tuple[str, ...]) -> Creation:
    """Tell of a new room; its agents may be listed a little later, and only the recording of a room begins with it."""
    absent = _absent_agents(api, request)
    end = time.monotonic() + _LISTED_WITHIN
    while absent and time.monotonic() < end:
        time.sleep(_PAUSE)
        absent = _absent_agents(api, request)
    begins = "room" in (request.egress or {})
    egress = ("egress",) if begins and not has_recording(api, room.name) else ()
    unconfirmed = tuple(field for field in _unseen(request) if not (begins and field == "egress"))
    missed = (*differing, *_agents(absent), *egress)
    return Creation(room, True, request, (), missed, unconfirmed)


def _create(api: Api, request: RoomRequest, before: Room | None) -> Room:
    """Create it; where that fails, tell whether it is there now: a server that cannot record makes it all the same."""
    begins = api if request.egress is None else api.bounded(api.deadline.left + _UNRECORDED_AFTER, quiet=False)
    try:
        return begins.create_room(request)
    except LkctlError as error:
        made = None
        if error.exit_code is ExitCode.SERVER or error.code == "net-timeout":
            with suppress(LkctlError):  # the first one stands
                made = api.renewed().find_room(request.name)
        if made is None or (before is not None and before.sid == made.sid):
            raise
        hint = f"See what it is: lkctl room inspect {quote(request.name)}"
        told = f"{error.message}; room {request.name!r} is there all the same"
        raise LkctlError(error.code, told, hint=hint) from None


def _differing(room: Room, request: RoomRequest, wish: Wish | None = None) -> tuple[str, ...]:
    """Name the wishes for metadata and numbers that a room does not show."""
    wish = wish or Whole(request.metadata or "")
    metadata = request.metadata is not None and not wish.holds(room.metadata)
    numbers = [name for name in _NUMBERS if getattr(request, name) not in (None, getattr(room, name))]
    return (*(["metadata"] if metadata else []), *numbers)


def _unseen(request: RoomRequest) -> tuple[str, ...]:
    return tuple(field for field in _UNSEEN if getattr(request, field) is not None)


def _agents(absent: Sequence[AgentRequest]) -> tuple[str, ...]:
    return ("agents",) if absent else ()


def _absent_agents(api: Api, request: RoomRequest) -> list[AgentRequest]:
    """Give the agents that the room has no dispatch for, with their metadata; the room must exist."""
    if not request.agents:
        return []
    there = Counter(AgentRequest(one.agent_name, one.metadata) for one in api.list_dispatches(request.name))
    return list((Counter(request.agents) - there).elements())


def _update(
    api: Api, room: Room, request: RoomRequest, missed: tuple[str, ...], wish: Wish
) -> tuple[Room, tuple[str, ...]]:
    """Change what the API can change of a room; two who do so at once may both dispatch an agent."""
    changed: tuple[str, ...] = ()
    if "metadata" in missed:
        change = change_metadata(api, room, wish)
        room, changed = change.room, ("metadata",) if change.changed else ()
    if "agents" in missed:
        api = api.renewed()
        same_room(api, room)  # a dispatch would make a missing room anew
        with in_doubt("agents may have been dispatched", f"lkctl dispatch list {quote(room.name)}"):
            for agent in _absent_agents(api, request):
                api.create_dispatch(room.name, agent.agent_name, agent.metadata)
        changed = (*changed, "agents")
    with looking_after(f"{' and '.join(changed)} changed" if changed else "nothing was changed"):
        return same_room(api.renewed(), room), changed
