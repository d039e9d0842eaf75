"""Rooms deleted."""

from lkctl.models import Room
from lkctl.server.api import Api


def delete_room(api: Api, name: str, *, dry_run: bool) -> Room:
    """Delete a room and give what it was; raise `room-missing`."""
    room = api.get_room(name)
    if not dry_run:
        api.delete_room(name)
    return room
