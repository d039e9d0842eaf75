"""One look at all rooms of a server."""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import TypeVar

from lkctl.dispatch import judge
from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Room
from lkctl.scenarios.look import DISPATCHES_LIMIT, Look, may_pass, now
from lkctl.scenarios.patience import Caller
from lkctl.server.api import Api

_AT_ONCE = 16  # rooms that are asked at the same time

T = TypeVar("T")
Answers = Mapping[str, T | LkctlError]
Looks = Mapping[str, Look | None]


def look_at_all(api: Api) -> Looks:
    """Look at all rooms within the time of `api`; None stands for one that is there and gave no answer.

    Raises what the list of rooms raises; the error of a room where none gave an answer, or where it does not pass.
    """
    rooms = {room.name: room for room in api.list_rooms()}
    people = _ask(api, Api.list_participants_of, tuple(rooms))
    _insist_answer(people)
    gone = _gone(api, [name for name, found in people.items() if not found])
    seen = [name for name, found in people.items() if isinstance(found, list) and name not in gone]
    dispatches = _ask(api, Api.list_dispatches_of, seen, DISPATCHES_LIMIT)
    return {
        name: _look(api, room, people.get(name), dispatches.get(name))
        for name, room in rooms.items()
        if name not in gone
    }


def _ask(
    api: Api,
    ask: Callable[[Api, Sequence[str]], Sequence[T | LkctlError]],
    names: Sequence[str],
    limit: float = inf,
) -> Answers[T]:
    """Ask rooms until the time is up, `limit` seconds for each portion of them."""
    answers: dict[str, T | LkctlError] = {}
    for start in range(0, len(names), _AT_ONCE):
        if start and api.deadline.over:
            break
        portion = names[start : start + _AT_ONCE]
        bounded = api.bounded(min(limit, api.deadline.left))
        answers |= zip(portion, Caller(bounded, _AT_ONCE)(ask, portion), strict=True)
    return answers


def _insist_answer(people: Answers[list[Participant]]) -> None:
    errors = [found for found in people.values() if isinstance(found, LkctlError)]
    final = [error for error in errors if not may_pass(error)]
    if final or (errors and len(errors) == len(people)):
        raise (final or errors)[0]


def _gone(api: Api, doubtful: Sequence[str]) -> set[str]:
    """Tell which rooms went meanwhile: they look empty, and each would cost 3 s when asked for its dispatches."""
    if not doubtful:
        return set()
    try:
        return set(doubtful) - api.existing_rooms()
    except LkctlError as error:
        if may_pass(error):
            return set()
        raise


def _look(
    api: Api, room: Room, people: list[Participant] | LkctlError | None, dispatches: list[Dispatch] | LkctlError | None
) -> Look | None:
    if not isinstance(people, list):
        return None
    judged = judge(dispatches, people, api.now, room.created_at) if isinstance(dispatches, list) else None
    return Look(room.name, now(), room, tuple(people), judged)
