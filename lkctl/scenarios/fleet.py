"""A question asked of many rooms: several at once, the answers in the order of the rooms, as they come.

One that fails does not hide the others. Never are the participants of more rooms held than are asked at once.
"""

import time
from collections.abc import Callable, Generator, Sequence
from typing import Generic, NamedTuple, TypeVar

from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Room
from lkctl.scenarios.patience import Caller
from lkctl.scenarios.threads import in_order
from lkctl.server.api import Api

_SHOWN = 5  # names in a remark
_PACE = 0.2  # seconds between two look-ups of rooms that seem empty
_FRESH = 1.0  # seconds for which a list of rooms is as good as a new one
_PORTION = 16  # rooms that one thread asks at the same time, at most
_UNANSWERED = "server-unavailable"  # what it says after 3 s when asked for the dispatches of an absent room
_DEAR = 7  # times as long as for one of all rooms the server needs for one that is named

T = TypeVar("T")


class Reply(NamedTuple, Generic[T]):
    """What became of the question to a room: an answer, or an error, or neither where the room is gone."""

    room: Room
    answer: T | None = None
    error: LkctlError | None = None
    may_be_gone: bool = False

    @property
    def gone(self) -> bool:
        """Whether the room disappeared before it was asked."""
        return self.answer is None and self.error is None


Question = Callable[[Room, Sequence[Participant], Sequence[Dispatch]], T]


class Fleet(Generic[T]):
    """Asks one question of many rooms, of each by its participants; all within the time limit of `api`.

    With `dispatches`, each room is asked for those, too.
    """

    def __init__(self, api: Api, question: Question[T], at_once: int, *, dispatches: bool = False) -> None:
        self._api = api.quiet()
        self._question = question
        self._at_once = at_once
        self._dispatches = dispatches
        self._call = Caller(self._api, at_once)
        self._in_vain = 0  # failures since the last answer
        self._lost: LkctlError | None = None

    def ask(self, rooms: Sequence[Room], listed_at: float) -> Generator[Reply[T] | None, None, None]:
        """Give the replies in the order of the rooms, which were listed at `listed_at` (time.monotonic()).

        Of an absent room the server says the same as of an empty one. So those that seem empty are looked up again, as
        soon as the list is older than a second: what comes after one is held back for as long. None stands for a while
        in which nothing comes. Once the server is lost, the others are not asked any more.
        """
        size = min(_PORTION, self._at_once)
        portions = [rooms[start : start + size] for start in range(0, len(rooms), size)]
        replies = in_order(self._ask, portions, self._at_once // size)
        held: list[Reply[T]] = []
        due = old = listed_at + _FRESH
        try:
            for portion in replies:
                held += portion or ()
                known = next((at for at, reply in enumerate(held) if reply.may_be_gone), len(held))
                yield from held[:known]
                held = held[known:]
                if held and time.monotonic() >= due:
                    due = time.monotonic() + _PACE
                    yield from self._without_gone(held, len(rooms))
                    held = []
                elif portion is None:
                    yield None
            yield from held if time.monotonic() < old else self._without_gone(held, len(rooms))
        except BaseException:
            self._api.close()  # ends what other threads wait for
            raise
        finally:
            replies.close()

    def _ask(self, rooms: Sequence[Room]) -> list[Reply[T]]:
        if self._lost is not None:
            return [Reply(room, error=self._lost) for room in rooms]
        people = self._call(Api.list_participants_of, [room.name for room in rooms])
        sent = self._ask_dispatches(
            [room.name for room, one in zip(rooms, people, strict=True) if isinstance(one, list)]
        )
        return [self._reply(room, one, sent.get(room.name, ())) for room, one in zip(rooms, people, strict=True)]

    def _ask_dispatches(self, names: Sequence[str]) -> dict[str, Sequence[Dispatch] | LkctlError]:
        return dict(zip(names, self._call(Api.list_dispatches_of, names), strict=True)) if self._dispatches else {}

    def _reply(
        self, room: Room, people: Sequence[Participant] | LkctlError, dispatches: Sequence[Dispatch] | LkctlError
    ) -> Reply[T]:
        if isinstance(people, LkctlError):
            return self._failed(room, people)
        if isinstance(dispatches, LkctlError):
            return self._failed(room, dispatches)
        self._in_vain = 0
        return Reply(room, self._question(room, people, dispatches), may_be_gone=not people)

    def _failed(self, room: Room, error: LkctlError) -> Reply[T]:
        self._in_vain += 1
        if self._in_vain > self._at_once or self._api.deadline.over:
            self._lost = error
        return Reply(room, error=error, may_be_gone=error.code == _UNANSWERED)

    def _without_gone(self, replies: Sequence[Reply[T]], total: int) -> Sequence[Reply[T]]:
        """Take from rooms that are gone what they answered; `total` is how many rooms there are about."""
        doubtful = [reply.room.name for reply in replies if reply.may_be_gone]
        names = doubtful if len(doubtful) * _DEAR < total else []
        try:
            there = self._api.existing_rooms(names) if doubtful else set()
        except LkctlError as error:
            return [reply._replace(answer=None, error=error) if reply.may_be_gone else reply for reply in replies]
        gone = set(doubtful) - there
        return [Reply(reply.room) if reply.room.name in gone else reply for reply in replies]


class Tally(Generic[T]):
    """Counts what became of a question to many rooms."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.gone: list[str] = []
        self.failed: list[str] = []
        self._first: LkctlError | None = None

    def count(self, reply: Reply[T]) -> Reply[T]:
        """Take note of a reply, and give it back."""
        self.done += 1
        if reply.gone:
            self.gone.append(reply.room.name)
        if reply.error is not None:
            self.failed.append(reply.room.name)
            self._first = self._first or reply.error
        return reply

    @property
    def remarks(self) -> list[str]:
        """Say what is no failure, and should be known."""
        if not self.gone:
            return []
        return [f"{say_rooms(len(self.gone))} disappeared meanwhile and are left out: {_some(self.gone)}"]

    def insist(self) -> None:
        """Raise the first error of a room, if there is one, with what it means for the whole."""
        if self._first is not None:
            told = f"{len(self.failed)} of {say_rooms(self.total)} gave no answer: {_some(self.failed)}"
            raise LkctlError(self._first.code, f"{told}. The first: {self._first.message}", hint=self._first.hint)


def say_rooms(count: int) -> str:
    """Say how many rooms."""
    return "1 room" if count == 1 else f"{count:,} rooms"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"
