"""Watching one room, or all, for as long as is wanted: changes as they happen, also across a restart of the server."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple, TypeVar

from lkctl.duration import parse_duration
from lkctl.errors import LkctlError
from lkctl.scenarios.changes import Event, changes, snapshot
from lkctl.scenarios.look import Look, call_limit, look_at, may_pass, now
from lkctl.scenarios.overview import Looks, look_at_all
from lkctl.server.api import Api

_SHORTEST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0  # seconds between two tries to reach a server that is lost

T = TypeVar("T")
See = Callable[[float | None], Looks]


def sight(api: Api, room: str | None) -> See:
    """Give the function that looks at the room, or at all rooms, with so many seconds left; a look is bounded."""

    def see_one(left: float | None) -> Looks:
        bounded = api.bounded(call_limit(left))
        return {str(room): look_at(bounded, bounded.find_room(str(room)), str(room))}

    def see_all(left: float | None) -> Looks:
        return look_at_all(api.bounded(call_limit(left)))

    return see_all if room is None else see_one


class Lost(NamedTuple):
    """The server does not answer any more."""

    error: LkctlError


class Back(NamedTuple):
    """It answers again, after so many seconds."""

    seconds: float


def watch(see: See, *, interval: float, seconds: float | None) -> Iterator[tuple[Event, ...]]:
    """Give the events of each look, () where nothing happened; at first a snapshot of each room.

    Ends and raises as `looks` does, whose Lost and Back become server_lost and server_back.
    """
    before: Looks | None = None
    for seen in looks(see, interval=interval, seconds=seconds):
        if isinstance(seen, Lost):
            yield (_lost(seen.error),)
        elif isinstance(seen, Back):
            yield (_back(seen.seconds),)
        elif seen is None:
            yield ()
        else:
            after = seen if before is None else _remembering(before, seen)
            yield tuple(_snapshots(after) if before is None else _differences(before, after))
            before = after


def looks(
    see: Callable[[float | None], T], *, interval: float, seconds: float | None
) -> Iterator[T | Lost | Back | None]:
    """Look again and again, `interval` seconds apart; None is a look in vain while the server is lost.

    `see` is told how many seconds are left. Ends when the time is up, also in the middle of a look, which then tells
    nothing. Raises what the first look raises; later a server that does not answer is waited for, one that refuses is
    not.
    """
    end = None if seconds is None else time.monotonic() + seconds
    yield see(_left(end))
    lost_at: float | None = None
    pause = interval
    while (left := _left(end)) is None or left > 0:
        time.sleep(pause if left is None else min(pause, left))
        try:
            seen = see(_left(end))
        except LkctlError as error:
            if not may_pass(error):
                raise
            if error.code == "net-timeout" and _left(end) == 0.0:
                return
            yield Lost(error) if lost_at is None else None
            lost_at = lost_at or time.monotonic()
            pause = min(2 * pause, max(_LONGEST_PAUSE, interval))
            continue
        if lost_at is not None:
            yield Back(time.monotonic() - lost_at)
        lost_at, pause = None, interval
        yield seen


def _snapshots(seen: Looks) -> Iterator[Event]:
    return (snapshot(look) for look in seen.values() if look is not None)


def _left(end: float | None) -> float | None:
    return None if end is None else max(0.0, end - time.monotonic())


def _remembering(before: Looks, after: Looks) -> Looks:
    """Take what could not be seen of a room this time as it was; a new room comes when it is seen."""
    return {
        name: _remembered(before.get(name), look) for name, look in after.items() if look is not None or name in before
    }


def _remembered(before: Look | None, after: Look | None) -> Look | None:
    if after is None:
        return before
    if after.dispatches is not None or before is None or before.room is None or after.room is None:
        return after
    return replace(after, dispatches=before.dispatches) if before.room.sid == after.room.sid else after


def _differences(before: Looks, after: Looks) -> Iterator[Event]:
    """Give the changes of each room; one that nobody sees any more is gone, and one not seen before was there."""
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if old is not None or name not in before:
            yield from changes(old or Look(name, now()), new or Look(name, now()))
        elif new is not None:
            yield snapshot(new)


def _lost(error: LkctlError) -> Event:
    return Event(now(), "server_lost", new={"code": error.code, "message": error.message})


def _back(seconds: float) -> Event:
    return Event(now(), "server_back", new={"lost_s": round(seconds, 3)})


def read_interval(text: str) -> float:
    """Read the pause between two looks; raise `usage` for one that would be a burden."""
    seconds = parse_duration(text, "--interval")
    if seconds < _SHORTEST_PAUSE:
        raise LkctlError("usage", f"--interval is {text}: less than {_SHORTEST_PAUSE} s", hint="Write it like 0.5s")
    return seconds
