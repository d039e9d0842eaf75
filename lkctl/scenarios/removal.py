"""Participants put out of a room, and looked for afterwards; each with what became of it."""

import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from shlex import quote
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.scenarios.fates import Fate, Result, carry_out
from lkctl.server.api import Api

_MISSING = ("participant-missing", "room-missing")
_SETTLE, _PAUSE = 2.0, 0.1  # seconds; the server forgets a participant within 10 ms (measured), over Redis maybe later


class Seat(NamedTuple):
    """What tells a participant from others, also from one that had its identity before."""

    identity: str
    sid: str | None


def plan_removal(api: Api, room: str, identities: Sequence[str], *, if_exists: bool) -> list[Fate[Seat]]:
    """Look at those who are to be put out, in the order of the names, each once, with a time limit of its own.

    Raises `room-missing`, unless nobody needs to be there.
    """
    return [_look(api.renewed(), room, identity, if_exists=if_exists) for identity in dict.fromkeys(identities)]


def remove_participants(api: Api, room: str, plan: Iterable[Fate[Seat]]) -> Iterator[Fate[Seat]]:
    """Put out who is planned, and tell of each (`carry_out`)."""
    return carry_out(api, plan, partial(_remove, room))


def _look(api: Api, room: str, identity: str, *, if_exists: bool) -> Fate[Seat]:
    try:
        return Fate(Seat(identity, api.get_participant(room, identity).sid), Result.planned)
    except LkctlError as error:
        if error.code not in _MISSING or (error.code == "room-missing" and not if_exists):
            raise
        return Fate(Seat(identity, None), Result.missing, None if if_exists else error)


def _remove(room: str, api: Api, seat: Seat) -> Fate[Seat]:
    try:
        api.remove_participant(room, seat.identity)
        now = _find_after(api, room, seat)
    except LkctlError as error:
        if error.code in _MISSING:
            return Fate(seat, Result.left)
        raise
    if now is None:
        return Fate(seat, Result.removed)
    if now.sid == seat.sid:
        raise _stayed(api, room, now)
    return Fate(Seat(seat.identity, now.sid), Result.back, _back(room, now))


def _find_after(api: Api, room: str, seat: Seat) -> Participant | None:
    """Look whether it is gone, again and again for a while where it is still the same."""
    end = time.monotonic() + _SETTLE
    while (now := _find(api, room, seat.identity)) and now.sid == seat.sid and time.monotonic() < end:
        time.sleep(_PAUSE)
    return now


def _find(api: Api, room: str, identity: str) -> Participant | None:
    try:
        return api.get_participant(room, identity)
    except LkctlError as error:
        if error.code in _MISSING:
            return None
        raise


def _stayed(api: Api, room: str, now: Participant) -> LkctlError:
    told = f"{api.url.http} says that it put {now.identity!r} out of room {room!r}, and still lists it"
    return LkctlError("server-error", told, hint=f"Look again: lkctl participant list {quote(room)}")


def _back(room: str, now: Participant) -> LkctlError:
    told = f"{now.identity!r} was put out of room {room!r}, and is in it again as {now.sid}"
    hint = "Its token lets it join for as long as it is valid: end what joins with it, or change the API key"
    return LkctlError("expectation-failed", told, hint=hint)
