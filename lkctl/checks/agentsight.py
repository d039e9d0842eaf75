"""Agents in live rooms: where those of a name are, and what is not known where none is."""

from collections.abc import Sequence
from shlex import quote
from typing import NamedTuple

from lkctl.checks.result import Finding, Severity, Unknown
from lkctl.checks.roomsight import api_of
from lkctl.checks.verdict import number_of, settle
from lkctl.checks.world import World
from lkctl.dispatch import agent_names, judge
from lkctl.models import Participant, Room
from lkctl.scenarios.fleet import say_rooms
from lkctl.scenarios.sightings import listed
from lkctl.server.api import Api
from lkctl.tokens.document import shown

_MOST_ROOMS, _AT_ONCE = 64, 16  # that are looked into


class _Seen(NamedTuple):
    """What is in the rooms: agents of the name, the names of all agents, and calls of the name that nobody took."""

    agents: list[tuple[Room, Participant]]
    names: set[str]
    untaken: list[Finding]


def judge_sightings(world: World) -> str:
    """Agents of that name are in live rooms (64 rooms at most). Where none is, it is not known whether one would come.

    That fails, unless --probe finds it out: else an agent that never comes would pass. Told are calls that nobody took.
    """
    wanted, api = world.scope.agent or "", api_of(world)
    rooms = api.list_rooms()
    seen = _look_into(api, rooms[:_MOST_ROOMS], wanted)
    said = _say(seen, len(rooms), wanted)
    if any(agent.state == "ACTIVE" for _, agent in seen.agents):
        return settle(seen.untaken, f"{said}; this proves neither that it hears nor that it speaks")
    if world.scope.probe:
        return settle(seen.untaken, f"{said}; probe.agent tells whether one comes")
    raise _unknown(wanted, said, seen.untaken)


def _say(seen: _Seen, rooms: int, wanted: str) -> str:
    if not rooms:
        return f"there is no room, and so no agent {say_name(wanted)} in one"
    which = say_rooms(rooms) if rooms <= _MOST_ROOMS else f"{_MOST_ROOMS} of {say_rooms(rooms)}"
    said = f"in {which} there {_count([_sighting(*one) for one in seen.agents], say_name(wanted))}"
    others = sorted(seen.names - {wanted})
    return f"{said}; other agents there: {listed([say_name(name) for name in others])}" if others else said


def _unknown(wanted: str, said: str, calls: Sequence[Finding]) -> Unknown:
    """Say that nothing is known of it, and how to find it out: the first and the last line of the report."""
    who = f"--agent {quote(wanted)}" if wanted else "--any-agent"
    hint = (
        f"Start a job in a throw-away room: lkctl diagnose {who} --probe; or look into one where it should be: --room"
    )
    return Unknown(
        f"{said}: whether it works is not known; --probe finds out",
        hint=f"{hint} NAME",
        evidence=[call.message for call in calls],
    )


def _look_into(api: Api, rooms: Sequence[Room], wanted: str) -> _Seen:
    found = _Seen([], set(), [])
    for start in range(0, len(rooms), _AT_ONCE):
        portion = rooms[start : start + _AT_ONCE]
        asked = [room.name for room in portion]
        people, sent = api.list_participants_of(asked), api.list_dispatches_of(asked)
        for room, there, dispatches in zip(portion, people, sent, strict=True):
            agents = [one for one in there if one.is_agent and one.is_there] if isinstance(there, list) else []
            found.names.update(name for one in agents for name in agent_names(one))
            found.agents.extend((room, one) for one in agents if wanted in agent_names(one))
            if isinstance(there, list) and isinstance(dispatches, list):
                judged = judge(dispatches, there, api.now, room.created_at)
                calls = (one for one in judged if _is_untaken(one.verdict, one.dispatch.agent_name, wanted))
                found.untaken.extend(_untaken(room, wanted) for _ in calls)
    return found


def _is_untaken(verdict: str, name: str, wanted: str) -> bool:
    return verdict == "nobody" and name == wanted and bool(wanted)


def _untaken(room: Room, wanted: str) -> Finding:
    said = f"{shown(wanted)} was called to room {shown(room.name)}, and no worker took it"
    hint = "A worker that starts later gets no old call: dispatch it again when one runs (lkctl dispatch create)"
    return Finding(said, hint, severity=Severity.info)


def _sighting(room: Room, agent: Participant) -> str:
    state = agent.attributes.get("lk.agent.state", "")
    return f"{shown(room.name)} ({agent.state}{f', {state[:20]}' if state else ''})"


def _count(seen: Sequence[str], name: str) -> str:
    if not seen:
        return f"is no agent {name}"
    return f"{'is' if len(seen) == 1 else 'are'} {number_of(len(seen), 'agent')} {name}: {listed(seen)}"


def say_name(name: str | None) -> str:
    """Say what an agent is called."""
    return "of unknown name" if name is None else shown(name) if name else "without a name"
