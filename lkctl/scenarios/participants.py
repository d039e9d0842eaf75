"""Who is in a room: found, changed, put out."""

from lkctl.models import Participant
from lkctl.server.api import Api, room_missing


def list_participants(api: Api, room: str) -> list[Participant]:
    """Give who is in a room; raise `room-missing`, which the server does not tell from an empty room."""
    participants = api.list_participants(room)
    if not participants and api.find_room(room) is None:
        raise room_missing(room, api.url)
    return participants
