"""Rooms created, and compared with what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lkctl import convention
from lkctl.errors import LkctlError
from lkctl.models import Room, RoomRequest
from lkctl.server.api import Api


@dataclass(frozen=True, slots=True)
class Creation:
    """A room as the server made it; `not_applied` names the fields where it differs from what was asked for."""

    room: Room
    created: bool
    not_applied: tuple[str, ...]
    request: RoomRequest


def plan_room(name: str | None, user_id: str | None, metadata: str | None, limits: Mapping[str, Any]) -> RoomRequest:
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
