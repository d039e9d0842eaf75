"""One look at a room: what the API tells of it at one time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from lkctl.dispatch import Judged, judge
from lkctl.errors import ExitCode, LkctlError
from lkctl.models import Participant, Room
from lkctl.server.api import Api, room_missing

_LONGEST_CALL = 10.0  # seconds
_SHORTEST_CALL = 1.0  # also the last look, when the time is up, gets this long
DISPATCHES_LIMIT = 2.0  # seconds; of a room that is gone, or whose node is, the server says so after 3 s
_UNANSWERED = {"server-unavailable", "net-timeout"}
_PASSING = {ExitCode.UNREACHABLE, ExitCode.SERVER}


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a room, `at` a time of this machine's clock; `room` is None where it did not exist.

    `dispatches` is None where nobody asked, or nobody answered.
    """

    name: str
    at: datetime
    room: Room | None = None
    participants: tuple[Participant, ...] = ()
    dispatches: tuple[Judged, ...] | None = None


def look_at(api: Api, room: Room | None, name: str, *, people: bool = True, dispatches: bool = True) -> Look:
    """Look at a room that is (or is not) there, for what is wanted.

    Of a room that went meanwhile the server lists no participants, as if it were empty: so it is looked up again.
    """
    participants = tuple(api.list_participants(name)) if people and room is not None else ()
    if room is None or (people and not participants and api.find_room(name) is None):
        return Look(name, now())
    look = Look(name, now(), room, participants)
    return with_dispatches(api, look) if dispatches else look


def with_dispatches(api: Api, look: Look) -> Look:
    """Look at the dispatches of a room, too; they stay unknown where its node does not answer in time."""
    try:
        with insisting_room(api, look.name):
            found = api.bounded(min(DISPATCHES_LIMIT, api.deadline.left)).list_dispatches(look.name)
    except LkctlError as error:
        if error.code == "room-missing":
            return Look(look.name, now())
        if error.code in _UNANSWERED:
            return look
        raise
    born = None if look.room is None else look.room.created_at
    return replace(look, dispatches=judge(found, look.participants, api.now, born))


@contextmanager
def insisting_room(api: Api, room: str) -> Iterator[None]:
    """Raise `room-missing` where no node answers because the room is gone: the server has no word of its own for it."""
    try:
        yield
    except LkctlError as error:
        if error.code == "server-unavailable" and api.renewed().find_room(room) is None:
            raise room_missing(room, api.url) from None
        raise


def may_pass(error: LkctlError) -> bool:
    """Whether a server that was fine may be so again: it does not answer, or is in trouble."""
    return error.exit_code in _PASSING


def call_limit(left: float | None) -> float:
    """Give the time limit for one look, when so much is left of the whole (None: no limit)."""
    return _LONGEST_CALL if left is None else min(_LONGEST_CALL, max(_SHORTEST_CALL, left))


def now() -> datetime:
    """Give the time by this machine's clock."""
    return datetime.now(UTC)
