"""A participant changed: what was asked for is compared with what the server made of it.

Permissions and metadata are replaced as a whole, so a change of a part is a look, a write at once, and another look
after a while (lkctl/scenarios/metadata.py says why): what somebody else's write took away is set once more.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from shlex import quote
from typing import Any, NamedTuple

from lkctl import convention
from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.scenarios.metadata import Wish
from lkctl.scenarios.writes import MOST_TRIES, in_doubt, looking_after, settle, tries
from lkctl.server.api import Api
from lkctl.tokens.claims import MAX_ATTRIBUTES_BYTES

_GONE = ("participant-missing", "room-missing")


class ParticipantWish(NamedTuple):
    """What a participant should become. Attributes that are "" are to go; `permission` holds fields of Permission."""

    metadata: Wish | None = None
    name: str | None = None
    attributes: Mapping[str, str] = {}
    permission: Mapping[str, Any] = {}

    def wanted(self, seen: Participant) -> dict[str, Any]:
        """Give each thing by its path as it should be; None is an attribute that should not be there."""
        wanted = {f"attributes.{key}": value or None for key, value in self.attributes.items()}
        wanted |= {f"permission.{field}": value for field, value in self.permission.items()}
        wanted |= {} if self.name is None else {"name": self.name}
        return wanted | ({} if self.metadata is None else {"metadata": self.metadata.applied(seen.metadata)})

    def missed(self, now: Participant) -> list[str]:
        """Name what is not as it should be."""
        is_so = _flat(now)
        wanted = self._replace(metadata=None).wanted(now)
        missed = [path for path, value in wanted.items() if is_so.get(path) != value]
        return missed + (["metadata"] if self.metadata and not self.metadata.holds(now.metadata) else [])

    def lost(self, before: Participant, now: Participant) -> bool:
        """Whether what is not as it should be is as it was: somebody wrote metadata or permissions from an older look.

        The server merges attributes by itself, and the name is one thing: who changed those wants them so.
        """
        was, is_so = _flat(before), _flat(now)
        rest = [path for path in self.missed(now) if path != "metadata"]
        if any(not path.startswith("permission.") or is_so[path] != was[path] for path in rest):
            return False
        text = now.metadata
        return not self.metadata or self.metadata.holds(text) or self.metadata.lost(before.metadata, text)


@dataclass(frozen=True, slots=True)
class ParticipantChange:
    """What became of a wish. `request` is the body that was sent last, or would be; {} where there was nothing to do.

    `changed` names what is, or would be, other than it was; `left`: it has left the room since.
    """

    room: str
    before: Participant
    after: Participant
    wanted: Mapping[str, Any]
    request: Mapping[str, Any]
    changed: tuple[str, ...]
    not_applied: tuple[str, ...] = ()
    left: bool = False

    def was(self, path: str) -> Any:
        """Give how a thing was; None is an attribute that was not there."""
        return _flat(self.before).get(path)

    def now(self, path: str) -> Any:
        """Give how a thing is now; None is an attribute that is not there."""
        return _flat(self.after).get(path)


def attributes_wish(put: Mapping[str, str], drop: Sequence[str]) -> dict[str, str]:
    """Put together which attributes are to be set, and which are to go; raise what the server would refuse."""
    if empty := next((key for key, value in put.items() if not value), None):
        told = f"the attribute {empty!r} is given an empty value: that would delete it"
        raise LkctlError("usage", told, hint=f"To delete it, say so: --unset-attribute {empty}")
    if both := sorted(put.keys() & set(drop)):
        raise LkctlError("usage", f"the attribute {both[0]!r} is to be set and to be removed", hint="Give it once")
    attributes = {**put, **dict.fromkeys(drop, "")}
    size = sum(convention.size_of(key + value, "attribute") for key, value in attributes.items())
    if size > MAX_ATTRIBUTES_BYTES:
        told = f"the attributes have {size} bytes together; the server takes {MAX_ATTRIBUTES_BYTES} at once"
        raise LkctlError("input-too-large", told, hint="Set some of them now, and the others after that")
    return attributes


def change_participant(
    api: Api, room: str, identity: str, wish: ParticipantWish, *, dry_run: bool = False
) -> ParticipantChange:
    """Change a participant; each try has the time limit of the API before it.

    Raises `changed-meanwhile` where somebody else's change stands against it, or too many of them, where it left and
    joined again meanwhile, `room-missing` or `participant-missing`, and what the wish for metadata raises.
    """
    first: Participant | None = None
    sent: Mapping[str, Any] = {}
    for current in tries(api):
        began = time.monotonic()
        seen, permission = current.get_participant_to_change(room, identity)
        first = first or seen
        _insist_same(room, first, seen)
        request = _request(wish, seen, permission)
        if dry_run:
            return _planned(room, seen, wish, request)
        if not request:
            return _concluded(room, first, seen, wish, sent)
        answer, sent = _write(current, room, identity, request), request
        if wish.missed(answer):
            return _concluded(room, first, answer, wish, sent)
        now = _look_after(current, room, first, wish, time.monotonic() - began)
        if now is None or not wish.missed(now):
            return _concluded(room, first, now or answer, wish, sent, left=now is None)
        if not wish.lost(seen, now):
            raise _changed(room, identity, "was changed as asked, and by somebody else after that")
    raise _changed(room, identity, f"is changed by others all the time: given up after {MOST_TRIES} tries")


def _request(wish: ParticipantWish, seen: Participant, permission: Mapping[str, Any]) -> dict[str, Any]:
    """Write what is to be sent: only what is not as it should be, but of permissions all."""
    was = _flat(seen)
    wanted = {path: value for path, value in wish.wanted(seen).items() if was.get(path) != value}
    request: dict[str, Any] = {path: wanted[path] for path in ("metadata", "name") if path in wanted}
    attributes = {key: value for key, value in wish.attributes.items() if f"attributes.{key}" in wanted}
    request |= {"attributes": attributes} if attributes else {}
    if any(f"permission.{field}" in wanted for field in wish.permission):
        request["permission"] = {**permission, **wish.permission}
    return request


def _planned(room: str, seen: Participant, wish: ParticipantWish, request: Mapping[str, Any]) -> ParticipantChange:
    was, wanted = _flat(seen), wish.wanted(seen)
    changed = tuple(path for path, value in wanted.items() if was.get(path) != value)
    return ParticipantChange(room, seen, seen, wanted, request, changed)


def _concluded(
    room: str,
    before: Participant,
    after: Participant,
    wish: ParticipantWish,
    request: Mapping[str, Any],
    *,
    left: bool = False,
) -> ParticipantChange:
    was, is_so, wanted = _flat(before), _flat(after), wish.wanted(before)
    changed = tuple(path for path in wanted if was.get(path) != is_so.get(path))
    return ParticipantChange(room, before, after, wanted, request, changed, tuple(wish.missed(after)), left)


def _write(api: Api, room: str, identity: str, request: Mapping[str, Any]) -> Participant:
    with in_doubt(f"participant {identity!r} in room {room!r} may have been changed", _inspect(room, identity)):
        return api.update_participant(room, identity, request)


def _look_after(api: Api, room: str, first: Participant, wish: ParticipantWish, window: float) -> Participant | None:
    """Look again, after a while where others may write from an older look; None where it has left."""
    if wish.metadata or wish.permission:
        settle(window)
    try:
        with looking_after(f"participant {first.identity!r} in room {room!r} was changed as asked"):
            return _insist_same(room, first, api.renewed().get_participant(room, first.identity))
    except LkctlError as error:
        if error.code in _GONE:
            return None
        raise


def _insist_same(room: str, first: Participant, now: Participant) -> Participant:
    """Give the participant as it is now; raise `changed-meanwhile` where another session has its identity."""
    if now.sid != first.sid:
        raise _changed(room, first.identity, "left and joined again meanwhile, with what its token says")
    return now


def _changed(room: str, identity: str, told: str) -> LkctlError:
    hint = f"Look at what it is now, then say it again: {_inspect(room, identity)}"
    return LkctlError("changed-meanwhile", f"participant {identity!r} in room {room!r} {told}", hint=hint)


def _inspect(room: str, identity: str) -> str:
    return f"lkctl participant inspect {quote(room)} {quote(identity)}"


def _flat(one: Participant) -> dict[str, Any]:
    """Give all that can be changed, by path."""
    attributes = {f"attributes.{key}": value for key, value in one.attributes.items()}
    permission = {f"permission.{field}": value for field, value in asdict(one.permission).items()}
    return {"metadata": one.metadata, "name": one.name, **attributes, **permission}
