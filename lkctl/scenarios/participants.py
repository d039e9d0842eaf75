"""Who is in a room: found by what they are like, seen whole, sent elsewhere."""

from collections.abc import Sequence
from typing import NamedTuple

from lkctl import convention
from lkctl.errors import LkctlError
from lkctl.models import Participant
from lkctl.scenarios.resolution import make_policy, snapshot_of
from lkctl.server.api import Api, room_missing
from lkctl.tokens.claims import KINDS, nearest
from lkctl.userid import Resolution, resolve


class ParticipantFilter(NamedTuple):
    """What a participant has to be like: of one of the kinds, and with all of the attributes (None: any value)."""

    kinds: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str | None], ...] = ()

    def fits(self, one: Participant) -> bool:
        """Whether it is such a participant."""
        if self.kinds and one.kind not in self.kinds:
            return False
        return all(key in one.attributes and value in (None, one.attributes[key]) for key, value in self.attributes)


class Transfer(NamedTuple):
    """A participant that is moved, or forwarded, to another room. `accepted`: the server said yes."""

    room: str
    participant: Participant
    destination: str
    leave: bool
    accepted: bool


def participant_filter(kinds: Sequence[str] | None, attributes: Sequence[str] | None) -> ParticipantFilter:
    """Read the options of a filter; raise `usage` for what is no kind, and for an attribute without a key."""
    return ParticipantFilter(
        tuple(_kind(word) for word in kinds or ()), tuple(_attribute(word) for word in attributes or ())
    )


def list_participants(api: Api, room: str, wanted: ParticipantFilter | None = None) -> list[Participant]:
    """Give who is in a room; raise `room-missing`, which the server does not tell from an empty room."""
    participants = api.list_participants(room)
    if not participants and api.find_room(room) is None:
        raise room_missing(room, api.url)
    return participants if wanted is None else [one for one in participants if wanted.fits(one)]


def own_user_id(room: str, one: Participant) -> Resolution:
    """Tell which user ID an agent would take from the metadata of this participant, were nobody else there."""
    policy = make_policy("standard", order="participant.metadata,random")
    return resolve(snapshot_of(room, None, (one,)), policy)


def transfer_participant(
    api: Api, room: str, identity: str, destination: str, *, leave: bool, dry_run: bool
) -> Transfer:
    """Move a participant, or forward it; raise `server-cloud` where the server cannot.

    Looks first: for somebody who is not there the server needs 3 s, and then says `unavailable`.
    """
    convention.check_name(destination, "room of --to")
    if destination == room:
        raise LkctlError("usage", f"--to names room {room!r}, in which {identity!r} is already", hint="Name another")
    participant = api.get_participant(room, identity)
    if not dry_run:
        api.transfer_participant(room, identity, destination, leave=leave)
    return Transfer(room, participant, destination, leave, accepted=not dry_run)


def _kind(word: str) -> str:
    if word.lower() in KINDS:
        return word.upper()
    near = nearest(word, KINDS)
    meant = f"Did you mean {near}? " if near else ""
    raise LkctlError("usage", f"there is no kind {word!r}", hint=f"{meant}The kinds: {', '.join(KINDS)}")


def _attribute(word: str) -> tuple[str, str | None]:
    key, equals, value = word.partition("=")
    if not key:
        raise LkctlError("usage", f"--attribute {word!r} has no key", hint="Write KEY or KEY=VALUE")
    return key, value if equals else None
