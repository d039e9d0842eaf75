"""`--expect`: is the deployment as the file says that it should be? Each finding tells what was found and wanted."""

import json
from collections.abc import Callable, Iterator, Sequence
from shlex import quote

from lkctl.checks.agent import server_info
from lkctl.checks.result import Check, Finding, NotApplicable, Severity, Unknown
from lkctl.checks.roomsight import Sight, see_room
from lkctl.checks.services import service_refusals
from lkctl.checks.verdict import number_of, settle
from lkctl.checks.world import World
from lkctl.dispatch import agent_names
from lkctl.errors import LkctlError
from lkctl.files.expectfile import Expectations, Wanted
from lkctl.tokens.document import shown

_CODE = "expectation-failed"
_TIMEOUT = 11.0  # seconds
Judge = Callable[[Wanted, Sight], Iterator[Finding]]


def _version(world: World) -> str:
    """`server.version`: the server tells it to a worker that registers, under a random name that nobody calls."""
    wanted = _expected(world)
    if wanted.version is None:
        raise NotApplicable("no version is expected")
    try:
        said = server_info(world).version
    except LkctlError as error:
        raise Unknown(f"the server does not tell its version: {error.message}", hint=error.hint) from None
    number = tuple(int(part) for part in said.removeprefix("v").partition("-")[0].split(".") if part.isdecimal())
    if not number:
        raise Unknown("the server does not tell its version")
    passed = f"found {said}, wanted {wanted.said_version}"
    missed = not all(bound.admits(number) for bound in wanted.version)
    place = wanted.places.get("version", "")
    hint = "Update livekit-server, or the file"
    return settle([Finding(passed, hint, place, Severity.fail)] if missed else [], passed, code=_CODE)


def _services(world: World) -> str:
    """`server.services`: the server has what they need. A pass does not prove that a worker for one runs."""
    wanted = _expected(world)
    if wanted.services is None:
        raise NotApplicable("no service is expected")
    refusals = {name: error for name, error in service_refusals(world).items() if error is not None}
    place = wanted.places.get("services", "")
    findings = [
        Finding(f"{name}: found none, wanted it ({refusals[name].message})", refusals[name].hint, place, Severity.fail)
        for name in wanted.services
        if name in refusals
    ]
    return settle(findings, f"found, as wanted: {', '.join(wanted.services)}", code=_CODE)


def _rooms(world: World) -> str:
    """`rooms.NAME`: the room is open."""
    wanted = _expected(world).rooms
    if not wanted:
        raise NotApplicable("no room is expected")
    findings = [
        Finding(
            f"room {shown(one.name)}: found none, wanted it open",
            f"Make it: lkctl room create {quote(one.name)}; or take it out of the file",
            one.place(),
            Severity.fail,
        )
        for one in wanted
        if see_room(world, one.name).room is None
    ]
    return settle(findings, f"open, as wanted: {', '.join(shown(one.name) for one in wanted)}", code=_CODE)


def _metadata(world: World) -> str:
    """`metadata` of a room: its metadata is a JSON object with these keys."""
    return _each(world, "metadata", lambda one: one.metadata is not None, _metadata_findings)


def _metadata_findings(one: Wanted, sight: Sight) -> Iterator[Finding]:
    keys = _keys_of(sight.room.metadata if sight.room is not None else "")
    missing = [key for key in one.metadata or () if key not in (keys or ())]
    if missing:
        found = "no JSON object" if keys is None else f"the keys {_listed(keys)}" if keys else "no keys"
        said = f"room {shown(one.name)}: found {found}, wanted {_listed(one.metadata or ())}"
        hint = f"Missing: {_listed(missing)}. Set the metadata: lkctl room update {quote(one.name)} --metadata @FILE"
        yield Finding(said, hint, one.place("metadata"), Severity.fail)


def _participants(world: World) -> str:
    """`participants` of a room: so many people are in it; agents and recorders are not counted."""
    return _each(world, "participants", lambda one: (one.least, one.most) != (None, None), _count_findings)


def _count_findings(one: Wanted, sight: Sight) -> Iterator[Finding]:
    found = len(sight.people)
    if (one.least is not None and found < one.least) or (one.most is not None and found > one.most):
        bounds = (("at least", one.least), ("at most", one.most))
        wanted = " and ".join(f"{word} {count}" for word, count in bounds if count is not None)
        said = f"room {shown(one.name)}: found {number_of(found, 'participant')}, wanted {wanted}"
        yield Finding(
            said,
            f"See who is in it: lkctl participant list {quote(one.name)}",
            one.place("participants"),
            Severity.fail,
        )


def _agents(world: World) -> str:
    """`agents` of a room: an agent of each name is in it, ACTIVE."""
    return _each(world, "agents", lambda one: one.agents is not None, _agent_findings)


def _agent_findings(one: Wanted, sight: Sight) -> Iterator[Finding]:
    there = {name for agent in sight.agents if agent.state == "ACTIVE" for name in agent_names(agent)}
    missing = [name for name in one.agents or () if name not in there]
    if missing:
        found = _listed(sorted(there)) if there else "no agent"
        said = f"room {shown(one.name)}: found {found}, wanted {_listed(one.agents or ())}"
        hint = f"Find out why: lkctl diagnose --room {quote(one.name)} --agent {quote(missing[0])}"
        yield Finding(said, hint, one.place("agents"), Severity.fail, ("room.dispatches",))


def _user_ids(world: World) -> str:
    """`user_id` of a room: an agent would use this one (lkctl agent resolve)."""
    return _each(world, "user_id", lambda one: one.user_id is not None, _user_id_findings)


def _user_id_findings(one: Wanted, sight: Sight) -> Iterator[Finding]:
    resolution = sight.resolution()
    if resolution.user_id != one.user_id:
        found = "none" if resolution.user_id is None else f"{shown(resolution.user_id)} from {resolution.source}"
        said = f"room {shown(one.name)}: found the user ID {found}, wanted {shown(one.user_id or '')}"
        yield Finding(said, f"See why: lkctl agent resolve {quote(one.name)}", one.place("user_id"), Severity.fail)


def _each(world: World, key: str, concerned: Callable[[Wanted], bool], judge: Judge) -> str:
    """Judge the rooms of which something is expected; those that are not open, expect.rooms tells of."""
    wanted = [one for one in _expected(world).rooms if concerned(one)]
    if not wanted:
        raise NotApplicable(f"{key}: nothing is expected of any room")
    sights = [(one, see_room(world, one.name)) for one in wanted]
    there = [(one, sight) for one, sight in sights if sight.room is not None]
    if not there:
        raise NotApplicable("no such room is open, see expect.rooms")
    findings = [finding for one, sight in there for finding in judge(one, sight)]
    return settle(findings, f"as wanted in {', '.join(shown(one.name) for one, _ in there)}", code=_CODE)


def _expected(world: World) -> Expectations:
    if world.scope.expect is None:
        raise NotApplicable("nothing is expected, see --expect")
    return world.scope.expect


def _keys_of(metadata: str) -> list[str] | None:
    try:
        value = json.loads(metadata) if metadata else {}
    except (ValueError, RecursionError):
        return None
    return list(value) if isinstance(value, dict) else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")  # noqa: PLR2004


def _check(name: str, title: str, probe: Callable[[World], str]) -> Check[World]:
    return Check(f"expect.{name}", title, probe, ("api.auth",), Severity.fail, _TIMEOUT, "expect")


EXPECTATION_CHECKS: tuple[Check[World], ...] = (
    _check("version", "Server has the version that is expected", _version),
    _check("services", "Services that are expected can be used", _services),
    _check("rooms", "Rooms that are expected are open", _rooms),
    _check("metadata", "Metadata has the keys that are expected", _metadata),
    _check("participants", "As many participants are there as expected", _participants),
    _check("agents", "Agents that are expected are there", _agents),
    _check("user_ids", "User IDs are those that are expected", _user_ids),
)
