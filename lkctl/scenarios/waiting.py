"""Waiting until something holds of a room."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote

from lkctl.errors import LkctlError
from lkctl.scenarios.conditions import Condition, Finding, Needs, judge, wants_dispatches
from lkctl.scenarios.look import call_limit, look_at, may_pass, with_dispatches
from lkctl.server.api import Api

_QUICK, _STEADY = 0.1, 0.5  # seconds between two looks, at first and later
_QUICK_TIME = 2.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a wait ended: what was seen of each condition at the last look."""

    room: str
    waited_s: float
    conditions: tuple[Finding, ...]

    @property
    def unmet(self) -> tuple[Finding, ...]:
        """What did not hold."""
        return tuple(one for one in self.conditions if not one.held)


def wait_for(
    api: Api, room: str, conditions: Sequence[Condition], seconds: float, tell: Callable[[str], None]
) -> Outcome:
    """Wait until all conditions hold in one look at the room, or the time is up; `tell` is told what is missing.

    Raises what the first look raises; later a server that does not answer is waited for, one that refuses is not.
    """
    started = time.monotonic()
    findings: tuple[Finding, ...] = ()
    while True:
        left = started + seconds - time.monotonic()
        try:
            bounded = api.bounded(call_limit(left), quiet=bool(findings))  # `tell` speaks from the second look on
            findings = _look(bounded, room, conditions)
        except LkctlError as error:
            if not findings or not may_pass(error):
                raise
            findings = tuple(_undecided(one, error) for one in findings)
        waited = time.monotonic() - started
        outcome = Outcome(room, round(waited, 3), findings)
        if not outcome.unmet or waited >= seconds:
            return outcome
        tell(f"waiting for room {room}, {waited:.0f} s: {'; '.join(map(_say, outcome.unmet))}")
        time.sleep(min(_QUICK if waited < _QUICK_TIME else _STEADY, seconds - waited))


def insist_held(outcome: Outcome) -> None:
    """Raise `wait-expired` with what did not hold, and what was seen instead."""
    unmet = outcome.unmet
    if not unmet:
        return
    told = f"after {outcome.waited_s:.1f} s this did not hold of room {outcome.room!r}:"
    said = [_say(one) for one in unmet]
    message = f"{told} {said[0]}" if len(said) == 1 else "\n  ".join([told, *said])
    raise LkctlError("wait-expired", message, hint=_next_step(outcome))


def _look(api: Api, room: str, conditions: Sequence[Condition]) -> tuple[Finding, ...]:
    people = any(one.needs >= Needs.people for one in conditions)
    look = look_at(api, api.find_room(room), room, people=people, dispatches=False)
    if any(wants_dispatches(one, look) for one in conditions):
        look = with_dispatches(api, look)
    return tuple(judge(one, look) for one in conditions)


def _undecided(before: Finding, error: LkctlError) -> Finding:
    """What cannot be seen does not hold."""
    return before._replace(held=False, seen=f"the server does not answer any more ({error.code}: {error.message})")


def _say(finding: Finding) -> str:
    return f"{finding.condition}: {finding.seen}"


def _next_step(outcome: Outcome) -> str:
    room = quote(outcome.room)
    if any("does not exist" in one.seen for one in outcome.unmet):
        return f"Is the name right? Run: lkctl room list. To make it: lkctl room create {room}"
    if any(one.condition.startswith("agent") for one in outcome.unmet):
        return f"What became of its dispatch? Run: lkctl dispatch list {room}"
    return f"Give more time with --timeout, or look: lkctl room inspect {room}"
