"""Rules on who the token is for and which room (L10, L11, L18, L27)."""

import re
from collections.abc import Iterable, Iterator

from lkctl.convention import LONGEST_NAME
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

_LITERALS = {
    *("user", "test", "identity", "participant", "guest", "anonymous", "undefined", "null", "none", "nan"),
    *("[object object]", "[object promise]"),
}
_CONTROL = "[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]"  # those of direction, too
_EMAIL = r"[^\s@:/]@[^\s@:/.]{1,63}(?:\.[^\s@:/.]{1,63}){0,5}\.[A-Za-z]{2,24}(?![A-Za-z0-9])"
_PHONE = r"(?<![A-Za-z0-9+/=])\+[1-9](?:[ ().-]{0,2}[0-9]){7,14}(?![A-Za-z0-9+/=_])"  # ITU-T E.164
_NATIONAL_PHONE = r"\([0-9]{3}\) ?[0-9]{3}[ .-][0-9]{4}"  # as in North America; without + other forms are no numbers


def _identity(subject: Subject) -> Iterator[Fault]:
    identity = subject.reading.identity
    size = len(identity.encode())
    hint = "Set the identity (sub): --identity or --user-id in lkctl, with_identity() in the SDK"
    if size > LONGEST_NAME:
        yield Fault(f"the identity has {size} bytes, over the limit of {LONGEST_NAME}", "Shorten it; é counts as two")
    if not identity and subject.joins:
        yield Fault("it allows joining, but has no identity", hint)
    elif identity and not identity.strip():
        yield Fault("the identity is blank", hint, Severity.warning)
    elif identity != identity.strip() or "\n" in identity or "\r" in identity:
        yield Fault("the identity has blanks around it, or a line break in it", "Remove them", Severity.warning)
    elif not identity.isprintable() and re.search(_CONTROL, identity):
        yield Fault(f"the identity {shown(identity)} holds control characters", "Remove them", Severity.warning)
    elif identity.lower() in _LITERALS:
        told = f"the identity is {shown(identity)}: whoever joins with the same identity disconnects the earlier one"
        yield Fault(told, "Give every participant its own identity", Severity.warning)


def _room_to_join(subject: Subject) -> Iterator[Fault]:
    if not subject.joins:
        return
    room = subject.reading.room
    if not room:
        yield Fault("it allows joining, but names no room", "Set room: --room in lkctl, room= in the SDK's VideoGrants")
    elif room == "*":
        yield Fault("the room is *, which means a room of that name, not every room", "Name the room")
    elif (size := len(room.encode())) > LONGEST_NAME:
        yield Fault(f"the room name has {size} bytes, over the limit of {LONGEST_NAME}", "Shorten it")


def _another_room(subject: Subject) -> Iterator[Fault]:
    administers, room, wanted = subject.reading.video.get("roomAdmin"), subject.reading.room, subject.facts.room
    if administers and not room:
        yield Fault("roomAdmin is for one room, and none is named", "Set room to the one to administer")
    elif wanted and room and room != wanted and (administers or subject.joins):
        told = f"it is for the room {shown(room)}, not for {shown(wanted)}"
        yield Fault(told, "Mint one for that room: a token is for one room only")


def _personal_data(subject: Subject) -> Iterable[Fault]:
    identity, room = subject.reading.identity, subject.reading.room
    if "@" in identity or "@" in room or "+" in identity or "+" in room or "(" in identity:
        return _logged_data(identity[:LONGEST_NAME], room[:LONGEST_NAME])
    return ()


def _logged_data(identity: str, room: str) -> Iterator[Fault]:
    hint = "Use an ID; put the address or number into the metadata, if anywhere"
    for what, text in (("identity", identity), ("room name", room)):
        if re.search(_EMAIL, text):
            yield Fault(f"the {what} looks like an e-mail address", hint)
        elif re.search(_PHONE, text) or re.fullmatch(_NATIONAL_PHONE, text):
            yield Fault(f"the {what} looks like a phone number", hint)


PARTICIPANT_RULES: tuple[Rule, ...] = (
    Rule(
        "L10",
        Severity.error,
        "The identity is missing, too long or shared",
        _identity,
        "400; with a shared one, the second disconnects the first",
    ),
    Rule("L11", Severity.error, "It allows joining, but names no room", _room_to_join, "400 no room name"),
    Rule(
        "L18",
        Severity.error,
        "It is for no room, or for another one",
        _another_room,
        "the API answers 401; a join leads into the other room",
    ),
    Rule(
        "L27",
        Severity.info,
        "The identity or room looks like an e-mail address or phone number",
        _personal_data,
        "servers log both",
    ),
)
