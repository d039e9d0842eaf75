"""A room seen whole."""

from dataclasses import dataclass
from datetime import UTC, datetime

from lkctl.dispatch import verdict
from lkctl.models import Dispatch, Participant, Room
from lkctl.scenarios.resolution import snapshot_of
from lkctl.server.api import Api
from lkctl.userid import Resolution, resolve


@dataclass(frozen=True, slots=True)
class RoomPicture:
    """A room with all that is in it."""

    room: Room
    participants: tuple[Participant, ...]
    dispatches: tuple[tuple[Dispatch, str], ...]  # with the verdict on each
    resolution: Resolution


def picture_room(api: Api, name: str) -> RoomPicture:
    """See a room whole; raise `room-missing`."""
    room = api.get_room(name)
    participants = tuple(api.list_participants(name))
    now = datetime.now(UTC)
    dispatches = tuple(api.list_dispatches(name))
    judged = tuple((dispatch, verdict(dispatch, participants, now)) for dispatch in dispatches)
    return RoomPicture(room, participants, judged, resolve(snapshot_of(name, room, participants, dispatches)))
