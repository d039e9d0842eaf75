"""`--token`: is it a good token, whose is it, and what does the server say to it? Nobody joins with it."""

from collections.abc import Callable

from lkctl.checks.result import Check, Finding, NotApplicable, Severity
from lkctl.checks.roomsight import holds_place, see_room
from lkctl.checks.tokencase import ROOM, TokenCase, try_token
from lkctl.checks.tokentrial import (
    judge_answer,
    judge_claims,
    judge_contents,
    judge_form,
    judge_grants,
    judge_newer_answer,
    judge_signature,
    judge_times,
)
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.models import Participant
from lkctl.tokens.document import shown

_SYMPTOMS = ("token.server", "token.server_v1")


def _form(world: World) -> str:
    """It is a JWT: three parts, a header and claims in JSON (L01)."""
    return judge_form(_given(world))


def _claims(world: World) -> str:
    """It is made in the one way that LiveKit reads: HS256, every claim of its type (L02, L15, L32)."""
    return judge_claims(_given(world))


def _signature(world: World) -> str:
    """It is signed with the configured key and secret (L03, L04, L28).

    If not, the other pairs that lie here are tried; the server's accepting it proves it as well.
    """
    return judge_signature(_given(world))


def _times(world: World) -> str:
    """It is valid now, by the server's clock, and neither for ever nor for a moment only (L05 to L09)."""
    return judge_times(_given(world))


def _grants(world: World) -> str:
    """It says who may do what, where, and in the right words (L10 to L14, L16 to L21, L27, L30, L31)."""
    return judge_grants(_given(world))


def _contents(world: World) -> str:
    """Metadata, attributes and room configuration are of use, small enough, and hold no secret (L22 to L25, L29)."""
    return judge_contents(_given(world))


def _server(world: World) -> str:
    """`GET /rtc/validate`: the server itself takes it. Nobody joins by that, and no room is made."""
    return judge_answer(world, _given(world))


def _server_v1(world: World) -> str:
    """`GET /rtc/v1/validate`, which newer clients ask (livekit-client from 2.18 on), says the same."""
    return judge_newer_answer(world, _given(world))


def _room(world: World) -> str:
    """The room that it is for has a place, its identity is not inside, its roomConfig not too late (L26).

    Who is inside is asked with key and secret.
    """
    case = _given(world)
    reading = case.decoded.reading
    if not case.joins or not reading.room:
        raise NotApplicable("the token names no room to join")
    sight = see_room(world, reading.room)
    room = shown(reading.room)
    if sight.room is None:
        return f"room {room} is not open; the first to join makes it, unless auto_create is off"
    same = [one for one in sight.there if one.identity == reading.identity]
    inside = [*case.findings(ROOM), *(_inside(case, one) for one in same)]
    if not same and sight.full and _takes_place(case):
        inside.append(_full(case, sight.taken, sight.room.max_participants))
    return settle(inside, f"room {room} is open, has a place, and nobody called {shown(reading.identity)} is inside")


def _inside(case: TokenCase, same: Participant) -> Finding:
    identity = shown(same.identity)
    told = f"{identity} is in room {shown(case.decoded.reading.room)} already ({same.state})"
    if same.state == "ACTIVE":
        told += ": who joins with this token puts that one out (DUPLICATE_IDENTITY), and is put out by the next"
        hint = "Give everybody an identity of their own; two tabs of one user need two"
    else:
        told += " and has no path for media: its next try ends this one, which clients see as DUPLICATE_IDENTITY"
        hint = "Look for the cause of the first: lkctl diagnose --media"
    return Finding(told, hint, case.name, Severity.warn)


def _full(case: TokenCase, taken: int, most: int) -> Finding:
    told = (
        f"room {shown(case.decoded.reading.room)} is full: {taken} of {most} (max_participants); a join ends with a"
        " bare 500, although /rtc/validate says 200"
    )
    hint = "Let somebody leave; max_participants is fixed when a room is made: lkctl room create --max-participants"
    return Finding(told, hint, case.name, Severity.fail)


def _takes_place(case: TokenCase) -> bool:
    """Whether it counts against max_participants: agents and recorders do not (measured)."""
    reading = case.decoded.reading
    return holds_place(kind=reading.text("kind").upper(), grants=reading.video)


def _given(world: World) -> TokenCase:
    return world.memory.once("token", lambda: try_token(world, world.scope.token, "token", _SYMPTOMS))


_NEEDS = ("token.form",)


def _check(
    name: str, title: str, probe: Callable[[World], str], needs: tuple[str, ...], severity: Severity = Severity.fail
) -> Check[World]:
    return Check(f"token.{name}", title, probe, needs, severity, 11.0, "token")


TOKEN_CHECKS: tuple[Check[World], ...] = (
    _check("form", "Token can be read", _form, ()),
    _check("claims", "Token's claims are of the right types", _claims, _NEEDS),
    _check("signature", "Token is signed with the configured pair", _signature, _NEEDS),
    _check("times", "Token is valid now", _times, _NEEDS),
    _check("grants", "Token grants what is needed", _grants, _NEEDS),
    _check("contents", "Token carries nothing harmful", _contents, _NEEDS, Severity.warn),
    _check("server", "Server accepts the token", _server, (*_NEEDS, "http.livekit")),
    _check("server_v1", "Newer clients are answered alike", _server_v1, ("token.server",), Severity.warn),
    _check("room", "Room of the token has a place", _room, (*_NEEDS, "api.auth"), Severity.warn),
)
