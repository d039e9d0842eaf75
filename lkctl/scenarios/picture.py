"""A room seen whole."""

from dataclasses import dataclass

from lkctl.dispatch import Judged
from lkctl.models import Participant, Room
from lkctl.scenarios.dispatches import Scene, look_at_agents
from lkctl.scenarios.headcount import Headcount, headcount
from lkctl.scenarios.resolution import snapshot_of
from lkctl.server.api import Api
from lkctl.userid import Resolution, resolve


@dataclass(frozen=True, slots=True)
class RoomPicture:
    """A room with all that is in it."""

    room: Room
    participants: tuple[Participant, ...]
    counts: Headcount
    dispatches: tuple[Judged, ...]
    job: str  # the metadata of the job that the resolution took into account
    resolution: Resolution


def picture_room(api: Api, name: str) -> RoomPicture:
    """See a room whole; raise `room-missing`, also where it goes while it is looked at.

    The room is asked for again at the end: of one that is gone the server lists no participants, as if it were empty,
    and one of the same name may have come in its place.
    """
    room = api.get_room(name)
    while True:
        scene = look_at_agents(api, name, room.created_at)
        before, room = room, api.get_room(name)
        if room.sid == before.sid:
            return _picture(room, scene)


def _picture(room: Room, scene: Scene) -> RoomPicture:
    snapshot = snapshot_of(room.name, room, scene.participants, scene.dispatches)
    counts = headcount(scene.participants)
    resolution = resolve(snapshot)
    return RoomPicture(room, scene.participants, counts, scene.judged(), snapshot.job.metadata, resolution)
