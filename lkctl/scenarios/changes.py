"""What changed in a room between two looks: pure, so that it can be told in tables.

Events that LiveKit's webhooks know bear their names (room_started, participant_joined …), the others those of LiveKit's
client SDKs (room_metadata_changed, track_muted …), or names made alike.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from lkctl.dispatch import Judged
from lkctl.models import Participant, Track
from lkctl.scenarios.look import Look

_FIELDS = ("name", "metadata", "attributes", "permission", "state")  # of a participant

Thing = TypeVar("Thing")
Publication = tuple[Participant, Track]


class Event(NamedTuple):
    """Something that happened, seen `at` a time of this machine's clock.

    `sid` is that of what it happened to: room, participant or track, or the ID of a dispatch. `old` and `new` are what
    it was and is: the whole thing, or the value of the field that the event names.
    """

    at: datetime
    event: str
    room: str = ""
    participant: str = ""
    kind: str = ""
    sid: str = ""
    old: Any = None
    new: Any = None


def snapshot(look: Look) -> Event:
    """Tell what is there at the start."""
    sid = "" if look.room is None else look.room.sid
    return Event(look.at, "snapshot", look.name, sid=sid, new=look)


def changes(before: Look, after: Look) -> Iterator[Event]:
    """Give what happened between two looks at one room: what ended, from the inside out, then what began.

    A participant is known by its SID: who joins again under the same identity has left and joined.
    """
    left, joined, stayed = _compare(_people(before), _people(after))
    ended, published, kept = _compare(_tracks(before), _tracks(after))
    deleted, dispatched, known = _compare(_dispatches(before), _dispatches(after))
    yield from (_on_track(after, "track_unpublished", old, None) for old in ended)
    yield from (_on_person(after, "participant_left", one, one, None) for one in left)
    yield from (_on_dispatch(after, "dispatch_deleted", old, None) for old in deleted)
    yield from _room_changes(before, after)
    yield from (_on_dispatch(after, "dispatch_created", None, new) for new in dispatched)
    yield from (_on_dispatch(after, "dispatch_verdict_changed", o, n) for o, n in known if o.verdict != n.verdict)
    yield from (_on_person(after, "participant_joined", one, None, one) for one in joined)
    for old, new in stayed:
        yield from _field_changes(after, old, new)
    yield from (_on_track(after, "track_published", None, new) for new in published)
    for was, now in kept:
        if was[1].muted != now[1].muted:
            yield _on_track(after, "track_muted" if now[1].muted else "track_unmuted", was, now)


def _compare(
    before: Mapping[str, Thing], after: Mapping[str, Thing]
) -> tuple[list[Thing], list[Thing], list[tuple[Thing, Thing]]]:
    """Give what is there no more, what is new, and what stayed, as it was and is."""
    gone = [thing for key, thing in before.items() if key not in after]
    new = [thing for key, thing in after.items() if key not in before]
    return gone, new, [(before[key], thing) for key, thing in after.items() if key in before]


def _people(look: Look) -> dict[str, Participant]:
    return {f"{one.sid} {one.identity}": one for one in look.participants}


def _tracks(look: Look) -> dict[str, Publication]:
    return {f"{one.sid} {track.sid}": (one, track) for one in look.participants for track in one.tracks}


def _dispatches(look: Look) -> dict[str, Judged]:
    return {judged.dispatch.id: judged for judged in look.dispatches or ()}


def _room_changes(before: Look, after: Look) -> Iterator[Event]:
    old, new = before.room, after.room
    same = old is not None and new is not None and old.sid == new.sid
    if old is not None and not same:
        yield Event(after.at, "room_finished", after.name, sid=old.sid, old=old)
    if new is not None and not same:
        yield Event(after.at, "room_started", after.name, sid=new.sid, new=new)
    if old is not None and new is not None and same and old.metadata != new.metadata:
        yield Event(
            after.at, "room_metadata_changed", after.name, sid=new.sid, old=old.metadata, new=new.metadata
        )  # fmt: skip


def _field_changes(look: Look, old: Participant, new: Participant) -> Iterator[Event]:
    for field in _FIELDS:
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            yield _on_person(look, f"participant_{field}_changed", new, was, now)


def _on_person(look: Look, event: str, one: Participant, old: Any, new: Any) -> Event:
    return Event(look.at, event, look.name, one.identity, one.kind, one.sid, old, new)


def _on_track(look: Look, event: str, old: Publication | None, new: Publication | None) -> Event:
    was, now = (None if one is None else one[1] for one in (old, new))
    publisher, track = new or old or (Participant(), Track())
    return Event(look.at, event, look.name, publisher.identity, publisher.kind, track.sid, was, now)


def _on_dispatch(look: Look, event: str, old: Judged | None, new: Judged | None) -> Event:
    judged = new or old
    sid = judged.dispatch.id if judged is not None else ""
    return Event(look.at, event, look.name, sid=sid, old=old, new=new)
