"""A room followed, from outside or inside: which user ID an agent would use, at first and after each change."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.scenarios.look import call_limit, now
from lkctl.scenarios.resolution import Agent, Demands, Sight, from_api, insist, unmet
from lkctl.scenarios.watching import Back, Lost, looks
from lkctl.server.api import Api
from lkctl.server.deadline import Deadline
from lkctl.userid import Resolution
from lkctl.userid.readiness import Attention

if TYPE_CHECKING:
    from lkctl.agents.presence import Presence

_WHILE = 0.5  # seconds after which it is told that nothing happened

Seen = Sight | Lost | Back | None


class Change(NamedTuple):
    """What an agent would use from now on, seen `at` a time of this machine's clock."""

    at: datetime
    resolution: Resolution
    remarks: tuple[str, ...] = ()


Happening = Change | Lost | Back | None


def see_from_outside(
    api: Api, room: str, *, require_room: bool, interval: float, seconds: float | None
) -> Iterator[Seen]:
    """Look through the API every `interval` seconds, also across a restart of the server; see `looks`."""
    if require_room:
        api.get_room(room)

    def see(left: float | None) -> Sight:
        return from_api(api.bounded(call_limit(left)), room, require_room=False)

    return looks(see, interval=interval, seconds=seconds)


def see_from_inside(presence: "Presence", seconds: float | None) -> Iterator[Seen]:
    """Give what is seen in the room, at once and after every change, until the time is up."""
    yield Sight(presence.first)
    yield from see_changes(presence, seconds)


def see_changes(presence: "Presence", seconds: float | None) -> Iterator[Seen]:
    """Give what is seen in the room after every change, until the time is up; None: a while in which there is none."""
    deadline = None if seconds is None else Deadline(seconds)
    while deadline is None or not deadline.over:
        seen = presence.next(_WHILE if deadline is None else min(_WHILE, deadline.left))
        yield None if seen is None else Sight(seen)


def follow(
    seen: Iterable[Seen], agent: Agent, attention: Attention, last: Resolution | None = None
) -> Iterator[Happening]:
    """Give what an agent would use, whenever it is another than the `last`; None where it is not."""
    for sight in seen:
        if not isinstance(sight, Sight):
            yield sight
            continue
        resolution = attention.see(agent.look(sight.snapshot), time.monotonic())
        changed = last is None or _gist(resolution) != _gist(last)
        last = resolution
        yield Change(now(), resolution, sight.remarks) if changed else None


def insisting(happenings: Iterable[Happening], demands: Demands) -> Iterator[Happening]:
    """Pass on what happens; raise `expectation-failed` where a demand that was met is met no more, or never was.

    A demand may be met later than at first; what holds in the end counts.
    """
    met = False
    failure: LkctlError | None = None
    last: Resolution | None = None
    for happening in happenings:
        yield happening
        if not isinstance(happening, Change):
            continue
        last = happening.resolution
        failure = unmet(last, demands)
        if failure is not None and met and demands.any:
            raise failure
        met = met or failure is None
    if last is not None:
        insist(last, demands)


def _gist(resolution: Resolution) -> Any:
    """Give what makes one result differ from another; messages may count seconds."""
    warnings = {(one.code, one.source, one.participant) for one in resolution.warnings}
    return resolution.user_id, resolution.source, resolution.participant, resolution.trusted, warnings
