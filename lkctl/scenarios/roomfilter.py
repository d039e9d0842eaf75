"""Which rooms are meant: by name, age and metadata."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from lkctl.duration import parse_duration
from lkctl.errors import LkctlError
from lkctl.models import Room

if TYPE_CHECKING:
    from lkctl.scenarios.metadatafield import FieldWish


class RoomFilter(NamedTuple):
    """What a room has to be like; all of it. `older_than` in seconds, `metadata_has` as KEY or KEY=VALUE."""

    match: tuple[str, ...] = ()
    older_than: float | None = None
    metadata_has: tuple[str, ...] = ()

    def fits(self, room: Room, now: float) -> bool:
        """Whether it is such a room; `now` in seconds since the epoch. A room of unknown age is not old."""
        if self.match and not any(fnmatchcase(room.name, glob) for glob in self.match):
            return False
        if self.older_than is not None and not _is_older(room, now - self.older_than):
            return False
        return not self.metadata_has or _has_all(room.metadata, self.metadata_has)


def room_filter(
    match: Sequence[str] | None, older_than: str | None, metadata_has: Sequence[str] | None = None
) -> RoomFilter:
    """Read the options of a filter; raise `usage` for what is no duration and no key."""
    for wanted in metadata_has or ():
        _wish(wanted)
    seconds = None if older_than is None else parse_duration(older_than, "--older-than")
    return RoomFilter(tuple(match or ()), seconds, tuple(metadata_has or ()))


def _is_older(room: Room, moment: float) -> bool:
    return room.created_at is not None and room.created_at.timestamp() < moment


def _has_all(metadata: str, wanted: Sequence[str]) -> bool:
    from lkctl.scenarios.metadatafield import read_fields

    fields = read_fields(metadata)
    return fields is not None and all(_wish(one).fits(fields) for one in wanted)


def _wish(wanted: str) -> "FieldWish":
    from lkctl.scenarios.metadatafield import parse_wish

    try:
        return parse_wish(wanted)
    except ValueError:
        told = f"--metadata-has {wanted!r} names no key"
        hint = """Write it as userId, user.id, userId=VALUE or 'user["a.b"]=VALUE'"""
        raise LkctlError("usage", told, hint=hint) from None
