"""Rooms: created and compared with what was asked for, seen whole, deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from lkctl import convention
from lkctl.dispatch import verdict
from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Room, RoomRequest
from lkctl.scenarios.resolution import snapshot_of
from lkctl.server.api import Api, room_missing
from lkctl.userid import Resolution, resolve


@dataclass(frozen=True, slots=True)
class Creation:
    """A room as the server made it; `not_applied` names the fields where it differs from what was asked for."""

    room: Room
    created: bool
    not_applied: tuple[str, ...]
    request: RoomRequest


@dataclass(frozen=True, slots=True)
class RoomPicture:
    """A room with all that is in it."""

    room: Room
    participants: tuple[Participant, ...]
    dispatches: tuple[tuple[Dispatch, str], ...]  # with the verdict on each
    resolution: Resolution


def plan_room(
    name: str | None, user_id: str | None, metadata: str | None, limits: Mapping[str, int | None]
) -> RoomRequest:
    """Make the request for a room, named by convention after the user ID where no name is given."""
    if name is None and user_id is None:
        raise LkctlError("usage", "the room has no name", hint="Give ROOM, or --user-id to name it by convention")
    name = convention.check_name(name if name is not None else convention.room_of(user_id or ""), "room name")
    if metadata is not None:
        convention.check_metadata(metadata, "metadata")
    return RoomRequest(name=name, metadata=metadata, **limits)


def create_room(api: Api, request: RoomRequest) -> Creation:
    """Create a room, and say whether it is new and which wishes the server did not grant."""
    before = api.find_room(request.name)
    room = api.create_room(request)
    wishes = [field.name for field in fields(request) if getattr(request, field.name) is not None]
    missed = tuple(name for name in wishes if getattr(room, name) != getattr(request, name))
    return Creation(room, before is None or before.sid != room.sid, missed, request)


def picture_room(api: Api, name: str) -> RoomPicture:
    """See a room whole; raise `room-missing`."""
    room = api.get_room(name)
    participants = tuple(api.list_participants(name))
    now = datetime.now(UTC)
    dispatches = tuple(api.list_dispatches(name))
    judged = tuple((dispatch, verdict(dispatch, participants, now)) for dispatch in dispatches)
    return RoomPicture(room, participants, judged, resolve(snapshot_of(name, room, participants, dispatches)))


def list_participants(api: Api, room: str) -> list[Participant]:
    """Give who is in a room; raise `room-missing`, which the server does not tell from an empty room."""
    participants = api.list_participants(room)
    if not participants and api.find_room(room) is None:
        raise room_missing(room, api.url)
    return participants


def delete_room(api: Api, name: str, *, dry_run: bool) -> Room:
    """Delete a room and give what it was; raise `room-missing`."""
    room = api.get_room(name)
    if not dry_run:
        api.delete_room(name)
    return room
