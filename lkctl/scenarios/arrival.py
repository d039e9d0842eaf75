"""Waiting until it is clear what became of dispatches, also while the server does not answer for a time."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from shlex import quote
from typing import Generic, NamedTuple, TypeVar

from lkctl.dispatch import Judged
from lkctl.errors import ExitCode, LkctlError
from lkctl.scenarios.dispatches import Sending, list_dispatches, look_at_agents
from lkctl.scenarios.look import call_limit, may_pass
from lkctl.server.api import Api, dispatch_missing
from lkctl.server.deadline import Deadline
from lkctl.tokens.document import shown

_PACE = 0.2  # seconds between two looks
_MOST_NAMED = 5

T = TypeVar("T")


class _Ending(NamedTuple, Generic[T]):
    """What was seen last; the error of the very last look; whether the server did not answer for a time."""

    seen: T
    error: LkctlError | None = None
    was_lost: bool = False


def await_agent(api: Api, sending: Sending, seconds: float) -> tuple[Sending, LkctlError | None]:
    """Wait until the agent is in the room; give what was seen last of its dispatch, and the error where it is not.

    The error is `wait-expired`, also where the server does not answer any more; `expectation-failed` where a worker
    refused for good; `room-missing` or `dispatch-missing` where it is gone meanwhile; or what the server refuses with.
    """

    def look(api: Api) -> Sending:
        return _look_for(api, sending)

    end = _look_until(api, sending, look, lambda seen: seen.judged.verdict in {"running", "refused"}, Deadline(seconds))
    if end.error is not None:
        return end.seen, _broken_off(end, end.error, seconds)
    return end.seen, None if end.seen.judged.verdict == "running" else _unanswered(end.seen, seconds)


def await_verdicts(
    api: Api, room: str, agent_name: str | None, seconds: float
) -> tuple[tuple[Judged, ...], LkctlError | None]:
    """List dispatches as `list_dispatches`, once no verdict that counts is too-early; give the error if any is bad.

    The error is `expectation-failed` unless there is one that counts, and each has its agent in the room, or
    `wait-expired` where the time is up too early. The automatic dispatch counts only where it is asked for, by "".
    Raises what the first look raises, and what the server refuses with later.
    """
    deadline = Deadline(seconds)
    first = list_dispatches(api.bounded(call_limit(seconds)), room, agent_name)

    def settled(seen: Sequence[Judged]) -> bool:
        return all(one.verdict != "too-early" for one in _counting(seen, agent_name))

    def look(api: Api) -> tuple[Judged, ...]:
        return list_dispatches(api, room, agent_name)

    end = _Ending(first) if settled(first) else _look_until(api, first, look, settled, deadline)
    if end.error is not None and not may_pass(end.error):
        raise end.error
    return end.seen, _failure(end, room, agent_name, seconds)


def say_what_stays(sending: Sending) -> str:
    """Say how to get rid of a dispatch that no agent answered."""
    made = sending.judged.dispatch.id
    return f"The dispatch stays; to delete it: lkctl dispatch delete {quote(sending.room)} {made}"


def _look_until(
    api: Api, seen: T, look: Callable[[Api], T], settled: Callable[[T], bool], deadline: Deadline
) -> _Ending[T]:
    """Look until it is settled, the time is up, or the server refuses; one that does not answer is asked again."""
    was_lost = False
    while True:
        over, error = deadline.over, None  # before the look, so that the last one is made when the time is up
        try:
            seen = look(api.bounded(call_limit(deadline.left)))
        except LkctlError as failure:
            error = failure
            was_lost = was_lost or may_pass(failure)
        if over or (settled(seen) if error is None else not may_pass(error)):
            return _Ending(seen, error, was_lost)
        time.sleep(min(_PACE, deadline.left))


def _look_for(api: Api, sending: Sending) -> Sending:
    """Look what became of a dispatch; raise `dispatch-missing` or `room-missing`."""
    room, wanted = sending.room, sending.judged.dispatch.id
    scene = look_at_agents(api, room)
    found = next((one for one in scene.judged() if one.dispatch.id == wanted), None)
    if found is None:
        raise dispatch_missing(room, wanted)
    return replace(sending, judged=found, agent=scene.agent_of(found.dispatch))


def _counting(judged: Sequence[Judged], agent_name: str | None) -> list[Judged]:
    return [one for one in judged if agent_name == "" or not one.automatic]


def _failure(end: _Ending[tuple[Judged, ...]], room: str, agent_name: str | None, seconds: float) -> LkctlError | None:
    counting = _counting(end.seen, agent_name)
    bad = [one for one in counting if one.verdict not in {"running", "too-early"}]
    early = [one for one in counting if one.verdict == "too-early"]
    if not counting:
        return _nothing_sent(room, agent_name, automatic=bool(end.seen))
    if bad:
        told = f"{_share(bad, counting)} in room {room!r} {'is' if len(bad) == 1 else 'are'} not running: {_list(bad)}"
        return LkctlError("expectation-failed", told, hint=_next_step(bad[0], room))
    if not early:
        return None
    which = f"{_share(early, counting)} in room {room!r}: {_list(early)}"
    if end.error is not None:
        return _lost(which, end.error, room, seconds)
    told, hint = (
        f"after {seconds:g} s it is too early to say of {which}",
        "An agent may take 10 s: give more time with --timeout",
    )
    return LkctlError("wait-expired", told, hint=hint)


def _nothing_sent(room: str, agent_name: str | None, *, automatic: bool) -> LkctlError:
    """Say that there is no dispatch that counts."""
    who = "no agent" if agent_name is None else f"no agent {shown(agent_name)}" if agent_name else "no unnamed agent"
    but = "; the server's automatic dispatch does not count" if automatic else ""
    also = ". To require the automatic one: --any-agent" if automatic else ""
    hint = (
        f"Run: lkctl dispatch create {quote(room)} {'--any-agent' if agent_name == '' else 'AGENT_NAME'} --wait{also}"
    )
    return LkctlError("expectation-failed", f"{who} was dispatched to room {room!r}{but}", hint=hint)


def _next_step(bad: Judged, room: str) -> str:
    name = "AGENT_NAME" if bad.dispatch.agent_name else "--any-agent"
    worker = "of exactly that name" if bad.dispatch.agent_name else "without a name"
    first = f"Start a worker {worker}" if bad.verdict == "nobody" else "Look into the worker's log"
    return f"{first}, then send an agent again: lkctl dispatch create {quote(room)} {name} --wait"


def _share(some: Sequence[Judged], every: Sequence[Judged]) -> str:
    return f"{len(some)} of {len(every)} dispatches"


def _list(judged: Sequence[Judged]) -> str:
    """Name dispatches in a sentence."""
    said = [f"{one.dispatch.id} ({_name(one)}, {one.verdict})" for one in judged]
    more = len(said) - _MOST_NAMED
    return ", ".join(said[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _name(one: Judged) -> str:
    return shown(one.dispatch.agent_name) if one.dispatch.agent_name else one.whom


def _broken_off(end: _Ending[Sending], error: LkctlError, seconds: float) -> LkctlError:
    """Say that a dispatch was made, although now the server does not answer, or says no."""
    made, room = end.seen.judged, end.seen.room
    if may_pass(error):
        return _lost(f"dispatch {made.dispatch.id} in room {room!r}, last seen {made.verdict}", error, room, seconds)
    told = f"dispatch {made.dispatch.id} was made; {'then the server was lost, and ' if end.was_lost else ''}now "
    gone = error.exit_code is ExitCode.NOT_FOUND
    hint = error.hint if gone else f"{error.hint}. {say_what_stays(end.seen)}"
    return LkctlError(error.code, told + error.message, hint=hint)


def _lost(awaited: str, error: LkctlError, room: str, seconds: float) -> LkctlError:
    told = f"the server was lost: after {seconds:g} s it still does not answer ({error.code}: {error.message})"
    forgets = "A server that restarts has forgotten its rooms, unless it has Redis"
    return LkctlError(
        "wait-expired",
        f"{told}; awaited was {awaited}",
        hint=f"{forgets}. When it is back: lkctl dispatch list {quote(room)}",
    )


def _unanswered(seen: Sending, seconds: float) -> LkctlError:
    """Say why no agent came, and what is left."""
    dispatch, room = seen.judged.dispatch, seen.room
    which = f"dispatch {dispatch.id} in room {room!r}"
    name = f"as exactly {shown(dispatch.agent_name)}" if dispatch.agent_name else "without a name"
    told, hint = {
        "refused": (f"a worker refused {which} for good", "Look into its log"),
        "left": (
            f"a worker took {which}, but after {seconds:g} s its agent is not there: it crashed, left or never came",
            "Look into the worker's log",
        ),
        "nobody": (
            f"no worker took {which} within {seconds:g} s",
            f"Is a worker registered {name}? Case counts, and one that registers later gets nothing",
        ),
        "too-early": (
            f"within {seconds:g} s no agent came of {which}; it is too early to say why",
            "Give more time with --timeout",
        ),
    }[seen.judged.verdict]
    code = "expectation-failed" if seen.judged.verdict == "refused" else "wait-expired"
    return LkctlError(code, told, hint=f"{hint}. {say_what_stays(seen)}")
