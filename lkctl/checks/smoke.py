"""`lkctl smoke`: the way of a user ID, gone once and for real, from CreateRoom to the room that is gone again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import wraps
from shlex import quote

from lkctl.checks.result import Check, Finding, NotApplicable, Problem, Severity
from lkctl.checks.smokestay import Stay, stay_of
from lkctl.checks.tokencase import SEVERITIES
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.scenarios.resolution import from_api
from lkctl.server.api import Api
from lkctl.server.deadline import Deadline
from lkctl.server.validate import validate
from lkctl.tokens.decoding import decode
from lkctl.tokens.document import read_document, shown
from lkctl.tokens.findings import Facts
from lkctl.userid import Resolution, resolve

_LONGEST = 9.0  # seconds, for the engine
_LISTED, _PACE = 2.0, 0.05  # seconds until who joined is listed, or what was deleted is not; and between two looks


def _create(world: World) -> str:
    """CreateRoom: a room with a random name, with metadata, and for nobody's agent.

    Should lkctl be killed, the server closes it by itself within a minute.
    """
    stay = stay_of(world)
    stay.begin()
    return f"room {shown(stay.room)} is made, with metadata: {', '.join(stay.metadata)}"


def _metadata(world: World) -> str:
    """ListRooms: the metadata of the room is what was sent, field by field: userId, createdBy, timestamp."""
    stay = stay_of(world)
    room = stay.api().find_room(stay.room)
    if room is None:
        from lkctl.checks.smokecause import missing

        raise missing(stay.room, "ListRooms does not have the room that CreateRoom has just made")
    found = list(differences(stay.metadata, room.metadata))
    if found:
        hint = "What stands between lkctl and the server changes CreateRoom or ListRooms: a gateway, a wrapper?"
        said = f"the room's metadata is not what was sent: {'; '.join(found)}"
        seen = (f"sent: {world.scope.room_metadata}", f"found: {shown(room.metadata)}")
        raise Problem(said, hint=hint, code="expectation-failed", evidence=seen, explains=("smoke.resolve",))
    return f"{', '.join(stay.metadata)} are as they were sent"


def differences(sent: object, text: str) -> Iterator[str]:
    """Say in which fields the metadata found is another than that sent."""
    try:
        found, _ = read_document(text)
    except ValueError as error:
        yield "it is empty" if not text else f"it is not JSON: {error}"
        return
    if not isinstance(found, dict) or not isinstance(sent, dict):
        yield "it is no JSON object"
        return
    for name, value in sent.items():
        if name not in found:
            yield f"{name} is missing"
        elif found[name] != value or type(found[name]) is not type(value):
            yield f"{name} is {shown(str(found[name]))} instead of {shown(str(value))}"
    more = [shown(name) for name in found if name not in sent]
    if more:
        yield f"nobody sent {', '.join(more[:3])}"


def _token(world: World) -> str:
    """A token for that room is minted as `lkctl token mint --user-id` does, and read again: no rule objects."""
    stay = stay_of(world)
    minted = stay.mint()
    facts = Facts(host=world.server_url().host, room=stay.room, strict_key=True)
    decoded = decode(minted.token, world.settings.credentials().pair, now=time.time(), facts=facts)
    if (decoded.reading.identity, decoded.reading.room, decoded.user_id) != (stay.user_id, stay.room, stay.user_id):
        raise Problem(
            "the token that was minted is not for this user and room", hint="Report this as a defect of lkctl"
        )
    said = f"for {shown(stay.user_id)} in this room, with {{userId}} in its metadata; signature {decoded.signature}"
    found = (Finding(f"{one.message} ({one.id})", one.hint, "", SEVERITIES[one.severity]) for one in decoded.findings)
    return settle(found, said)


def _validate(world: World) -> str:
    """`GET /rtc/validate`: the server takes the token. By it nobody joins, and no place is taken."""
    stay = stay_of(world)
    minted = stay.minted or stay.mint()
    verdict = validate(world.server_url(), minted.token, Deadline(stay.seconds))
    if not verdict.accepted:
        from lkctl.checks.smokecause import refused

        raise refused(verdict)
    return f"{verdict.url} accepts it"


def _join(world: World) -> str:
    """A participant joins on the signal connection, and ListParticipants has it, with its metadata. It stays there.

    No media: --media tries that.
    """
    stay = stay_of(world)
    visit = stay.join()
    seen = _await_listed(stay)
    if seen is None:
        from lkctl.checks.smokecause import missing

        raise missing(stay.room, f"{shown(stay.user_id)} has joined, and ListParticipants does not have it")
    minted = stay.minted
    wanted = str(minted.claims.get("metadata", "")) if minted is not None else ""
    if seen.metadata != wanted:
        said = f"the participant's metadata is {shown(seen.metadata)}, and its token says {shown(wanted)}"
        raise Problem(said, hint="What stands between may change tokens or answers", code="expectation-failed")
    took = f"{visit.seconds * 1000:.0f} ms"
    return f"{shown(seen.identity)} joined in {took}, and is listed with its metadata ({seen.state})"


def _await_listed(stay: Stay) -> Participant | None:
    for api in _looks(stay):
        for one in api.list_participants(stay.room):
            if one.identity == stay.user_id and one.is_there:
                return one
    return None


def _looks(stay: Stay) -> Iterator[Api]:
    """Give the API for one look after the other, until what was done must be seen; for one look at least."""
    api, patience = stay.api(), Deadline(min(_LISTED, stay.seconds))
    while True:
        over = patience.over
        yield api
        if over:
            return
        time.sleep(_PACE)


def _resolve(world: World) -> str:
    """An agent would use the user ID: from the participant's metadata, and before anybody joined from the room's."""
    stay = stay_of(world)
    snapshot = from_api(stay.api(), stay.room, require_room=True).snapshot
    together, alone = resolve(snapshot), resolve(replace(snapshot, participants=()))
    for when, resolution in (("", together), (" before anybody joins", alone)):
        if resolution.user_id != stay.user_id:
            raise _unexpected(stay.user_id, when, resolution)
    return f"{shown(stay.user_id)}, from {together.source}; before anybody joins, from {alone.source}"


def _unexpected(user_id: str, when: str, resolution: Resolution) -> Problem:
    found = "none" if resolution.user_id is None else f"{shown(resolution.user_id)}, from {resolution.source}"
    said = f"expected is the user ID {shown(user_id)}, and an agent would use{when} {found}"
    seen = tuple(f"{step.source}: {step.status}, {step.reason}" for step in resolution.trace)
    hint = "Look at every level in a room of yours: lkctl agent resolve ROOM --explain"
    return Problem(said, hint=hint, code="expectation-failed", evidence=seen)


def _delete(world: World) -> str:
    """The participant leaves, and DeleteRoom takes the room away, whatever came of the steps before."""
    stay = stay_of(world)
    was_there, room = stay.end(), shown(stay.room)
    if stay.made is None:
        return f"room {room}, of which it was not known whether it is made, " + (
            "is deleted" if was_there else "is not there"
        )
    if not stay.made:
        raise NotApplicable("no room was made")
    if not was_there:
        if stay.api().find_room(stay.room) is not None:
            from lkctl.checks.smokecause import missing

            raise missing(stay.room, "DeleteRoom does not find the room that ListRooms has")
        hint = "Who or what else deletes rooms here? Or the server was started anew"
        raise Problem(f"room {room} was gone before it was deleted", hint=hint, code="room-missing")
    return f"room {room} is deleted"


def _gone(world: World) -> str:
    """ListRooms and ListParticipants: neither the room nor the participant is there any more."""
    stay = stay_of(world)
    if stay.made is False:
        raise NotApplicable("no room was made")
    there: list[str] = []
    for api in _looks(stay):
        looked = {"the room": api.find_room(stay.room), "the participant": api.list_participants(stay.room)}
        there = [what for what, found in looked.items() if found]
        if not there:
            return "neither the room nor the participant is there any more"
    hint = f"It closes by itself within a minute; or run: lkctl room delete {quote(stay.room)}"
    raise Problem(f"{' and '.join(there)} of {shown(stay.room)} is still there after DeleteRoom", hint=hint)


_STEPS = ("create", "metadata", "token", "validate", "join", "resolve", "delete", "gone")


def _check(
    name: str, title: str, probe: Callable[[World], str], *needs: str, after: tuple[str, ...] = ()
) -> Check[World]:
    """Make a step; what it fails with is explained, and accounts for the later ones if the server is away."""
    later = tuple(f"smoke.{one}" for one in _STEPS[_STEPS.index(name) + 1 :])

    @wraps(probe)
    def judged(world: World) -> str:
        try:
            return probe(world)
        except LkctlError as error:
            from lkctl.checks.smokecause import explain

            raise explain(world, error, later) from None

    return Check(f"smoke.{name}", title, judged, needs, Severity.fail, _LONGEST, "smoke", after=after)


SMOKE_CHECKS: tuple[Check[World], ...] = (
    _check("create", "Room is made", _create, "api.auth"),
    _check("metadata", "Metadata of the room is applied", _metadata, "smoke.create"),
    _check("token", "Token is minted, and is without fault", _token, "smoke.create", after=("smoke.metadata",)),
    _check("validate", "Server accepts the token", _validate, "smoke.token"),
    _check("join", "Participant joins and is seen", _join, "smoke.validate", "http.websocket"),
    _check("resolve", "Agent would use the user ID", _resolve, "smoke.join"),
    _check("delete", "Room is deleted", _delete, "api.auth", after=tuple(f"smoke.{one}" for one in _STEPS[:6])),
    _check("gone", "Nothing is left", _gone, "smoke.delete"),
)
