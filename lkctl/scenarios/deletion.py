"""Rooms deleted: those that are named, or those that fit; each with what became of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.models import Room
from lkctl.scenarios.fates import Fate, Result, carry_out
from lkctl.scenarios.headcount import headcount
from lkctl.scenarios.roomfilter import RoomFilter
from lkctl.server.api import Api, room_missing


class RoomKey(NamedTuple):
    """What tells a room from others, also from one that had its name before."""

    name: str
    sid: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rooms are to go: those of `names`, or of all, that fit the filter and, with `empty`, hold nobody."""

    names: tuple[str, ...]
    filter: RoomFilter
    empty: bool = False
    if_exists: bool = False

    def fits(self, api: Api, room: Room) -> bool:
        """Whether a room, just looked at, is to go; agents count as people in it, other than in `num_participants`."""
        return self._is_such(api, room) and not (self.empty and headcount(api.list_participants(room.name)).total)

    def absent(self, api: Api, name: str) -> Fate[RoomKey]:
        """Tell of a room that is not there: an error where it was named, unless that is fine."""
        fine = self.if_exists or name not in self.names
        return Fate(RoomKey(name, None), Result.missing, None if fine else room_missing(name, api.url))

    def kept(self, api: Api, room: Room) -> Fate[RoomKey]:
        """Tell of a room that stays: an error where it was named."""
        why = "somebody is in it" if self.empty and self._is_such(api, room) else "it does not fit the filters"
        told = f"room {room.name!r} was kept: {why}"
        error = LkctlError("expectation-failed", told, hint="Leave the filters out to delete it all the same")
        return Fate(RoomKey(room.name, room.sid), Result.kept, error if room.name in self.names else None)

    def _is_such(self, api: Api, room: Room) -> bool:
        return self.filter.fits(room, api.now.timestamp())  # the server's clock: it says when the room was made


def plan_deletion(api: Api, wanted: Wanted) -> list[Fate[RoomKey]]:
    """Find the rooms that are to go, in the order of the names, or by name; each look has its own time limit.

    Raises `usage` where nothing says which rooms are meant.
    """
    names = tuple(dict.fromkeys(wanted.names))
    if not names and not wanted.empty and wanted.filter == RoomFilter():
        raise LkctlError("usage", "no room is named", hint="Give ROOM, or filters: --match 'ci-*' --older-than 1h")
    rooms = {room.name: room for room in api.list_rooms(names)}
    if not names:
        fitting = [room for room in rooms.values() if wanted.fits(api.renewed(), room)]
        return [Fate(RoomKey(room.name, room.sid), Result.planned) for room in fitting]
    return [_judge(api.renewed(), wanted, name, rooms.get(name)) for name in names]


def delete_rooms(api: Api, wanted: Wanted, plan: Iterable[Fate[RoomKey]]) -> Iterator[Fate[RoomKey]]:
    """Delete what is planned, and tell of each room (`carry_out`).

    Each is looked at once more just before: made anew, it may be another room.
    """
    return carry_out(api, plan, partial(_delete, wanted))


def _judge(api: Api, wanted: Wanted, name: str, room: Room | None) -> Fate[RoomKey]:
    if room is None:
        return wanted.absent(api, name)
    return Fate(RoomKey(name, room.sid), Result.planned) if wanted.fits(api, room) else wanted.kept(api, room)


def _delete(wanted: Wanted, api: Api, key: RoomKey) -> Fate[RoomKey]:
    now = _judge(api, wanted, key.name, api.find_room(key.name))
    if now.result is not Result.planned:
        return now
    try:
        api.delete_room(key.name)
    except LkctlError as error:
        if error.code == "room-missing":
            return wanted.absent(api, key.name)
        raise
    _insist_gone(api, now.thing)
    return Fate(now.thing, Result.deleted)


def _insist_gone(api: Api, deleted: RoomKey) -> None:
    room = api.find_room(deleted.name)
    if room is not None and room.sid == deleted.sid:
        told = f"{api.url.http} says that it deleted room {deleted.name!r}, and still lists it"
        raise LkctlError("server-error", told, hint="Look again: lkctl room list")
