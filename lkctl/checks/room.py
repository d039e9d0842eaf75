"""`--room`: is the room open, who is in it, and for how long? Nothing is changed, and nobody joins."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from difflib import get_close_matches
from shlex import quote

from lkctl.checks.result import Check, Finding, Fix, NotApplicable, Problem, Severity
from lkctl.checks.roomagents import await_calls, judge_dispatches
from lkctl.checks.roomcontents import judge_metadata, judge_user_id
from lkctl.checks.roomsight import Sight, api_of, say_people, see_room
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.server.deadline import Deadline
from lkctl.server.refusal import Refused
from lkctl.server.validate import validate
from lkctl.tokens.document import shown
from lkctl.tokens.signer import sign

_PHASE = 3.0  # seconds for one question
_JOINED_BY = 5.0  # seconds; a path for media is found within one, or hardly ever
_SOON = 30.0  # seconds
_MOST_NAMES, _MOST_SHOWN, _NEAR = 5_000, 3, 0.8
_DEPARTED = (
    "a room closes departure_timeout (20 s, unless it says otherwise) after the last one has left, whatever its"
    " empty_timeout is"
)


def _live(world: World) -> str:
    """The room is open; if not, whether joining makes it is tried with a token for a room that nobody has."""
    sight = see_room(world, world.scope.room)
    if sight.room is None:
        raise _closed(world)
    since = "" if sight.room.created_at is None else f" for {say_duration(_age(sight, sight.room.created_at))}"
    return f"room {shown(sight.name)} has been open{since}, with {say_people(sight)} in it"


def _participants(world: World) -> str:
    """Everybody in it is ACTIVE: who stays JOINED has a path for signals, and none for media."""
    sight = _open(world)
    stuck = [one for one in sight.there if _is_stuck(sight, one)]
    active = [one for one in sight.there if one.state == "ACTIVE"]
    passed = "nobody is in it"
    if sight.there:
        passed = f"ACTIVE: {len(active)} of {len(sight.there)}; who is ACTIVE has a path for media"
    if not stuck:
        return passed
    seen = [f"{_said(one)} is {one.state}, joined {_since(sight, one)} ago" for one in stuck[:_MOST_SHOWN]]
    raise _without_media(stuck, active, seen)


def _capacity(world: World) -> str:
    """Another one may join: max_participants against who is listed; agents and recorders take no place."""
    sight = _open(world)
    most = sight.room.max_participants if sight.room is not None else 0
    if not most:
        return "it has no limit of its own (max_participants)"
    if not sight.full:
        return f"places taken: {sight.taken} of {most}; agents and recorders need none"
    told = f"it is full: places taken {sight.taken} of {most} (max_participants); agents and recorders need none"
    if sight.taken > most:
        told += "; those who join at the same moment are not counted against each other"
    hint = "The next join ends with a bare 500, although /rtc/validate says 200; make rooms with more places"
    raise Problem(told, hint=hint)


def _timeouts(world: World) -> str:
    """It stays open: somebody holds it, or it is not about to close. Agents and recorders hold no room open."""
    sight = _open(world)
    room = sight.room
    if room is None or sight.people:
        after = "" if room is None else f"; {room.departure_timeout} s after the last of them it closes"
        held = f"{len(sight.people)} people hold" if len(sight.people) > 1 else "one person holds"
        return settle(_recorders(sight), f"{held} it open{after} (departure_timeout)")
    if sight.there:
        return settle(_recorders(sight), f"only agents are in it: it closes within {room.departure_timeout} s")
    age = _age(sight, room.created_at) if room.created_at is not None else 0.0
    left = max(0.0, room.empty_timeout - age)
    passed = (
        f"nobody is in it: it closes in {say_duration(left)} (empty_timeout), or {room.departure_timeout} s after the"
        " last one left (departure_timeout)"
    )
    if left > _SOON:
        return passed
    raise Problem(passed, hint="Make it with longer timeouts: lkctl room create --empty-timeout --departure-timeout")


def _metadata(world: World) -> str:
    """Metadata of the room and its participants is what agents read: a JSON object, and not large."""
    return judge_metadata(_open(world))


def _user_id(world: World) -> str:
    """Which user ID an agent would use there, and what speaks against it (lkctl agent resolve)."""
    return judge_user_id(_open(world))


def _dispatches(world: World) -> str:
    """Every agent that was called is in it; with --agent, that one was called. The status of a job proves nothing.

    Of a call of the last ten seconds it is waited for what comes of it.
    """
    _open(world)
    return judge_dispatches(await_calls(world), world.scope.agent)


def _closed(world: World) -> Problem:
    name, url = world.scope.room, world.server_url()
    makes, near = _joining_makes_rooms(world), _similar(world, name)
    told = f"there is no room {shown(name)} on {url.http}"
    command = f"lkctl room create {quote(name)}"
    hint, seen = f"Run: {command}", [f"there is a room {shown(one)}" for one in near]
    if makes:
        seen.append("a token for a room that nobody has is accepted: joining makes rooms")
        hint = f"It is made when somebody joins, or by: {command}; {_DEPARTED}"
    elif makes is not None:
        told += ", and joining makes none: auto_create is off"
        seen.append("a token for a room that nobody has is refused: 404 requested room does not exist")
    return Problem(
        told,
        hint=f"Is {shown(near[0])} meant? {hint}" if near else hint,
        code="room-missing",
        evidence=seen,
        explains=("token.server", "endpoint.server") if makes is False else (),
        fix=None if near or not name.isprintable() else Fix(command=command),
    )


def _joining_makes_rooms(world: World) -> bool | None:
    """Try it, without joining: the server validates a token for a random room; None where that tells nothing."""
    pair = world.settings.credentials().pair
    name = f"lkctl-{secrets.token_hex(8)}"
    claims = {"iss": pair.key, "sub": name, "exp": int(time.time()) + 60, "video": {"roomJoin": True, "room": name}}
    try:
        verdict = validate(world.server_url(), sign(claims, pair.secret), Deadline(min(world.patience, _PHASE)))
    except LkctlError:
        return None
    return True if verdict.accepted else False if verdict.code == Refused.room_missing else None


def _similar(world: World, name: str) -> Sequence[str]:
    """Name open rooms that may be meant; best effort."""
    with suppress(LkctlError):
        names = sorted(api_of(world).existing_rooms())[:_MOST_NAMES]
        alike = [one for one in names if one.strip().casefold() == name.strip().casefold()]
        return alike or get_close_matches(name, names, _MOST_SHOWN, _NEAR)
    return ()


def _without_media(stuck: Sequence[Participant], active: Sequence[Participant], seen: Sequence[str]) -> Problem:
    who = ", ".join(map(_said, stuck[:_MOST_SHOWN])) + (" and others" if len(stuck) > _MOST_SHOWN else "")
    told = f"{who} joined, but no path for media came about: still {stuck[0].state}, not ACTIVE"
    ruled_out = ("token, room and signals: the server has them in the room",)
    if active:
        evidence = (*seen, f"ACTIVE beside them: {len(active)}; so the server's media ports can be reached by some")
        hint = "Look at the network of those: a firewall that lets no UDP out; TURN helps. lkctl diagnose --media"
        return Problem(told, hint=hint, evidence=evidence, ruled_out=ruled_out, severity=Severity.warn)
    evidence = (*seen, "nobody in the room is ACTIVE")
    hint = "Find out why: lkctl diagnose --media; mostly UDP ports that are closed, or a node_ip nobody can reach"
    return Problem(told, hint=hint, evidence=evidence, ruled_out=ruled_out, severity=Severity.fail)


def _is_stuck(sight: Sight, one: Participant) -> bool:
    if one.state not in {"JOINING", "JOINED"} or one.joined_at is None:
        return False
    return _age(sight, one.joined_at) > _JOINED_BY


def _recorders(sight: Sight) -> Iterator[Finding]:
    """Find people who are taken for recorders: they neither count nor hold the room open."""
    for one in sight.there:
        if one.permission.recorder and not one.permission.hidden and one.kind == "STANDARD":
            told = f"the token of {_said(one)} carries recorder: who records is not counted, and holds no room open"
            if not sight.people:
                told += "; nobody else is in it, so it closes although somebody is inside"
            hint = "Leave recorder out of tokens for people"
            yield Finding(told, hint, severity=Severity.warn if sight.people else Severity.fail)


def _open(world: World) -> Sight:
    sight = see_room(world, world.scope.room)
    if sight.room is None:
        raise NotApplicable("the room is not open")
    return sight


def _age(sight: Sight, since: datetime) -> float:
    return max(0.0, (sight.now - since).total_seconds())


def _since(sight: Sight, one: Participant) -> str:
    return "an unknown time" if one.joined_at is None else say_duration(_age(sight, one.joined_at))


def _said(one: Participant) -> str:
    return shown(one.identity)


def _check(name: str, title: str, probe: Callable[[World], str], severity: Severity = Severity.warn) -> Check[World]:
    needs = ("api.auth",) if name == "live" else ("room.live",)
    return Check(f"room.{name}", title, probe, needs, severity, 12.0, "room")


ROOM_CHECKS: tuple[Check[World], ...] = (
    _check("live", "Room is open", _live, Severity.fail),
    _check("participants", "Everybody in the room has a path for media", _participants),
    _check("capacity", "Room has a place", _capacity),
    _check("timeouts", "Room stays open", _timeouts),
    _check("metadata", "Metadata in the room can be read", _metadata),
    _check("user_id", "User ID in the room is clear", _user_id),
    _check("dispatches", "Agents that were called are in the room", _dispatches, Severity.fail),
)
