"""Who was called to a room, and who came: dispatches, judged by the agents that are there."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from shlex import quote

from lkctl.checks.result import Finding, Fix, Problem, Severity
from lkctl.checks.roomcontents import metadata_findings
from lkctl.checks.roomsight import Sight, see_room, see_room_again
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.dispatch import Judged, agent_names, meaning
from lkctl.tokens.document import shown
from lkctl.tokens.rules.contents import metadata_faults

_UNSEEN = ("agent.seen",)  # what fails, too, where the wanted agent is not in the room
_LONGEST, _PAUSE = 11.0, 0.5  # seconds
_SHARE = 0.75  # of the time of the run
_CALLED = (
    "with a name is called only where it is dispatched: by the API, or by roomConfig of the token that makes a room"
)
_TOO_LATE = "roomConfig in a token counts only when the token makes the room; this one is open already"


def await_calls(world: World) -> Sight:
    """Look at the room until it is clear what came of each call, as far as the time of the run allows."""
    end = time.monotonic() + min(world.timeout * _SHARE, _LONGEST)
    sight = see_room(world, world.scope.room)
    while time.monotonic() < end and any(_is_open(sight, one) for one in sight.dispatches or ()):
        time.sleep(_PAUSE)
        again = see_room_again(world, world.scope.room)
        sight = again if again.room is not None else sight
    return sight


def judge_dispatches(sight: Sight, wanted: str | None) -> str:
    """Say which agents were called and are not there; `wanted` ("" is one without a name) must have been called."""
    if sight.dispatches is None:
        raise Problem(
            f"room {shown(sight.name)} is listed, but the node that has it does not answer",
            hint="The node went down, or its Redis: delete the room and make it anew. lkctl room delete",
            code="server-unavailable",
            evidence=("ListRooms names the room, ListDispatch gets no answer",),
        )
    findings = [*_uncalled(sight, sight.dispatches, wanted), *_calls(sight, sight.dispatches, wanted)]
    findings += (finding for one in sight.dispatches for finding in _job_metadata(one))
    return settle(findings, _passed(sight, sight.dispatches))


def _passed(sight: Sight, dispatches: Sequence[Judged]) -> str:
    agents = ", ".join(shown(one.identity) for one in sight.agents)
    calls = [one for one in dispatches if not one.automatic]
    said = f"{len(calls)} called by name or by hand" if calls else "no agent was called by name"
    return f"{said}; {f'in it: {agents}' if agents else 'no agent is in it'}"


def _calls(sight: Sight, dispatches: Sequence[Judged], wanted: str | None) -> Iterator[Finding]:
    """Find calls that nobody answers, where no agent of that name is there by another call.

    That nobody answers the automatic one is as it should be, where there are no agents without a name.
    """
    for judged in dispatches:
        name = judged.dispatch.agent_name
        unimportant = judged.automatic and judged.verdict in {"nobody", "too-early"} and wanted != ""
        if judged.verdict != "running" and not unimportant and not _is_present(sight, name):
            finding = _unanswered(sight, judged)
            others = wanted not in {None, name} and finding.severity is Severity.fail
            undecided = wanted == name and finding.severity is Severity.info
            severity = Severity.warn if others or undecided else finding.severity
            yield replace(finding, severity=severity, explains=_UNSEEN if wanted == name else ())


def _unanswered(sight: Sight, judged: Judged) -> Finding:
    name = judged.dispatch.agent_name
    whom = f"the agent {shown(name)}" if name else judged.whom
    told = f"{whom} was called to room {shown(sight.name)} and is not there: {meaning(judged)}"
    if judged.verdict == "too-early":
        return Finding(told, "Ask again in some seconds", severity=Severity.info)
    waited_for = bool(sight.people)
    if judged.verdict == "left":
        hint = "Look into the log of the worker; the status of its job (JS_RUNNING) stays as it is. Call another one"
        if not judged.dispatch.metadata:
            hint += (
                ". Its dispatch has no metadata: an agent that parses it (json.loads(ctx.job.metadata)) crashes on that"
            )
        elif any(metadata_faults(judged.dispatch.metadata)):
            told += "; what it was sent as metadata is no JSON object, and json.loads(ctx.job.metadata) may have failed"
        return Finding(told, hint, severity=Severity.fail if waited_for else Severity.info)
    hint = (
        f"A worker that starts later gets no old call. Start it, then: lkctl dispatch create {quote(sight.name)} NAME"
    )
    return Finding(told, hint, severity=Severity.fail)


def _job_metadata(judged: Judged) -> Iterator[Finding]:
    """Judge what the agent is sent along; that there is none is nothing wrong."""
    name, text = judged.dispatch.agent_name, judged.dispatch.metadata
    if text:
        yield from metadata_findings(f"dispatch of {shown(name) if name else 'any agent'}", text)


def _uncalled(sight: Sight, dispatches: Sequence[Judged], wanted: str | None) -> Iterator[Finding]:
    """Find that the wanted agent was never called."""
    called = {one.dispatch.agent_name for one in dispatches}
    if wanted is None or wanted in called or _is_present(sight, wanted):
        return
    who = shown(wanted) if wanted else "a worker without a name"
    near = next((name for name in sorted(called) if name.strip().casefold() == wanted.strip().casefold()), "")
    told = f"nobody has called {who} to room {shown(sight.name)}"
    if near:
        told += f"; {shown(near)} was called, and names must be the same to the letter"
    elif wanted:
        told += f": a worker {_CALLED}"
    else:
        told += ": it is called only to rooms that are made without naming agents"
    command = f"lkctl dispatch create {quote(sight.name)} {quote(wanted) if wanted else '--any-agent'}"
    fix = None if near else Fix(command=command)  # a job for a name that nobody has mends nothing
    yield Finding(told, f"{_TOO_LATE}. Run: {command}", severity=Severity.fail, explains=_UNSEEN, fix=fix)


def _is_open(sight: Sight, judged: Judged) -> bool:
    early = judged.verdict == "too-early" and not judged.automatic
    return early and not _is_present(sight, judged.dispatch.agent_name)


def _is_present(sight: Sight, agent_name: str) -> bool:
    return any(one.state == "ACTIVE" and agent_name in agent_names(one) for one in sight.agents)
