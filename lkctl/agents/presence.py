"""A participant of our own in a room: an agent to the server, hidden from the others, and gone without a trace."""

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from shlex import quote
from typing import NamedTuple

from lkctl.agents.ownroom import delete_own
from lkctl.convention import check_name
from lkctl.errors import LkctlError
from lkctl.models import AgentRequest, Room, RoomRequest
from lkctl.scenarios.look import call_limit
from lkctl.scenarios.resolution import from_api
from lkctl.server.api import Api, room_missing
from lkctl.server.rtc import Guest, insist_available
from lkctl.settings.shape import Pair
from lkctl.tokens.minting import TokenRequest, mint
from lkctl.userid import Snapshot, snapshot_from_json

JOINING = 10.0  # seconds that joining may take, whatever follows; measured: 0.1 after the SDK is loaded (0.5)
_TOKEN_TTL = 60  # seconds; it is for joining only, and clocks may be a minute apart
_CLEANING = 3.0  # seconds for each step of it
_AT_ONCE = 5.0  # seconds until the first is seen of a room that was joined; measured: milliseconds
_SPARE = 60.0  # seconds that a room of ours outlasts us, should we be killed
_LONGEST_EMPTY = 3600  # seconds; a hidden agent does not keep a room open, so an endless stay ends with it


class Stay(NamedTuple):
    """How to be in a room: `create` makes an absent one, which is removed again; `publish` allows own attributes.

    `seconds`: so long a room that is made must last without users; None: an hour.
    """

    room: str
    create: bool = False
    hidden: bool = True
    publish: bool = False
    seconds: float | None = None


class Presence:
    """We, in a room; `first` is what was seen on joining."""

    def __init__(self, guest: Guest, room: str, base: Snapshot) -> None:
        self.identity = guest.identity
        self.room = room
        self._guest = guest
        self._base = base
        first = self.next(_AT_ONCE)
        if first is None:
            told = f"nothing was seen of room {room!r} within {_AT_ONCE:g} s of joining it"
            raise LkctlError("net-timeout", told, hint="Run: lkctl diagnose")
        self.first = first

    def next(self, seconds: float) -> Snapshot | None:
        """Wait for a change, and give what is seen then; None where there is none. Raises as `Guest.next` does."""
        document = self._guest.next(seconds)
        if document is None:
            return None
        seen = snapshot_from_json(document, self.room)
        return replace(seen, job=self._base.job, now_ms=time.time_ns() // 1_000_000)

    def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Set attributes of our own; whether the server took them must be read back."""
        self._guest.set_attributes(attributes)


def find_room(api: Api, stay: Stay) -> Room | None:
    """Give the room to be joined, None for one that is to be made; raise `room-missing` or `extra-missing`."""
    insist_available("joining a room")
    found = api.find_room(check_name(stay.room, "room's name"))
    if found is None and not stay.create:
        raise _absent(stay.room, api)
    return found


@contextmanager
def present(api: Api, stay: Stay, *, timeout: float, joining: float = JOINING) -> Iterator[Presence]:
    """Be in a room for the time of the `with`; raise `room-missing`, and what joining raises.

    The server's first answers must come within `timeout` seconds; joining may take `joining` seconds more.
    In the end, however that comes, the participant is gone, and a room that was made for it.
    """
    name, identity = stay.room, f"lkctl-sim-{secrets.token_hex(4)}"
    asked = api.bounded(call_limit(timeout), quiet=False)
    found = find_room(asked, stay)
    with ExitStack() as stack:
        if found is None:
            stack.enter_context(_struck(api, name, identity))
            found = asked.create_room(_request(stay, identity))
        base = from_api(asked, name, require_room=True).snapshot
        guest = stack.enter_context(_joined(api, stay, identity))
        guest.enter(joining)
        _insist_same(api, found, guest)
        yield Presence(guest, name, base)


@contextmanager
def _joined(api: Api, stay: Stay, identity: str) -> Iterator[Guest]:
    guest = Guest(api.url, _ticket(api, stay, identity), watch=True)
    try:
        yield guest
    finally:
        if not guest.leave():
            with suppress(LkctlError):  # it is gone, or nobody can be asked
                api.bounded(_CLEANING).remove_participant(stay.room, identity)


def _ticket(api: Api, stay: Stay, identity: str) -> str:
    """Make the token of an agent that only looks. That it may write its own attributes is no part of being one."""
    credentials = api.target.credentials
    grants = {
        "agent": True,
        "hidden": stay.hidden,
        "canPublish": False,
        "canPublishData": False,
        "canSubscribe": False,
        "canUpdateOwnMetadata": stay.publish,
    }
    request = TokenRequest(identity=identity, room=stay.room, kind="agent", grants=grants, ttl=_TOKEN_TTL)
    pair = Pair("the configured one", credentials.key, credentials.secret.reveal())
    return mint(request, pair, now=time.time(), entropy=os.urandom, force=True).token


def _request(stay: Stay, identity: str) -> RoomRequest:
    """Ask for a room that calls nobody else's agent: one that names agents gets no automatic dispatch (measured)."""
    lasting = _LONGEST_EMPTY if stay.seconds is None else int(stay.seconds + _SPARE)
    return RoomRequest(stay.room, empty_timeout=lasting, agents=(AgentRequest(identity),))


@contextmanager
def _struck(api: Api, name: str, mark: str) -> Iterator[None]:
    """Delete the room in the end if we have made it; that it cannot be is told, unless there is worse to tell."""
    try:
        yield
    except BaseException:
        with suppress(LkctlError):
            delete_own(api.bounded(_CLEANING), name, mark)
        raise
    delete_own(api.bounded(_CLEANING), name, mark)


def _insist_same(api: Api, before: Room, guest: Guest) -> None:
    """Raise `room-missing` where the room was deleted before we came: then joining has made another one."""
    if guest.room_sid in {"", before.sid}:
        return
    guest.leave()
    cleaning = api.bounded(_CLEANING)
    found = cleaning.find_room(before.name)
    if found is not None and found.sid == guest.room_sid and not found.metadata:
        others = [one for one in cleaning.list_participants(before.name) if one.identity != guest.identity]
        if not others:
            cleaning.delete_room(before.name)
    told = f"room {before.name!r} was deleted while it was being joined"
    raise LkctlError("room-missing", told, hint="Run it again")


def _absent(name: str, api: Api) -> LkctlError:
    error = room_missing(name, api.url)
    hint = f"An agent cannot be in it. Make it: lkctl room create {quote(name)}, or for this while only: --create"
    return LkctlError(error.code, error.message, hint=hint)
