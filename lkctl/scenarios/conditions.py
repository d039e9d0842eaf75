"""What `room wait` waits for: conditions as words, and what one look at a room says of them."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from typing import NamedTuple

from lkctl.dispatch import agent_names
from lkctl.errors import LkctlError
from lkctl.scenarios.headcount import those_there
from lkctl.scenarios.look import Look
from lkctl.scenarios.metadatafield import parse_wish, read_fields
from lkctl.scenarios.sightings import agents_in, listed, say_agents, say_people
from lkctl.tokens.claims import nearest, read_source
from lkctl.tokens.document import shown

WORDS = ("exists", "gone", "empty", "participant=ID", "participants>=N", "agent", "agent=NAME", "track=SOURCE",
         "track=ID:SOURCE", "metadata", "metadata.KEY", "metadata.KEY=VALUE")  # fmt: skip
_NAMES = tuple(dict.fromkeys(re.split(r"[=.>]", word)[0] for word in WORDS))
_LIST = f"The conditions are {', '.join(WORDS)}; also <=, ==, > and <"
_COUNT = r"participants *(>=|<=|==|=|>|<) *([0-9]{1,9})"
_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


class Needs(IntEnum):
    """What has to be asked for; each includes the ones before it."""

    room = 0
    people = 1
    dispatches = 2


class Finding(NamedTuple):
    """What a look says of a condition: whether it holds, and what was seen. What cannot be decided does not hold."""

    condition: str
    held: bool
    seen: str


Judge = Callable[[Look], tuple[bool, str]]


class Condition(NamedTuple):
    """A condition as it was written, what has to be asked for it, and the judge of a look at a room that exists."""

    text: str
    needs: Needs
    judge: Judge


def parse_conditions(words: Sequence[str]) -> tuple[Condition, ...]:
    """Read conditions; raise `usage` for what is none, and for what could never hold."""
    if not words:
        raise LkctlError("usage", "no condition was given", hint=_LIST)
    conditions = tuple(_parse(word.strip()) for word in words)
    others = [one.text for one in conditions if one.text != "gone"]
    if others and len(others) < len(conditions):
        raise _unfit(others[0], "and gone never hold together", "A room that is gone has nothing in it")
    return conditions


def judge(condition: Condition, look: Look) -> Finding:
    """Hold a condition against a look."""
    if look.room is None:
        return Finding(condition.text, condition.text == "gone", "the room does not exist")
    there = replace(look, participants=those_there(look.participants))
    return Finding(condition.text, *condition.judge(there))


def wants_dispatches(condition: Condition, look: Look) -> bool:
    """Whether the dispatches are needed to say it: only where an agent is there that does not give its name."""
    return condition.needs is Needs.dispatches and bool(agents_in(look)) and not judge(condition, look).held


def _parse(word: str) -> Condition:
    if word in _BARE:
        return Condition(word, *_BARE[word])
    if word.startswith(("metadata.", "metadata[", "metadata ")):
        return Condition(word, Needs.room, _metadata_judge(word))
    if count := re.fullmatch(_COUNT, word):
        return _count_condition(word, count[1], int(count[2]))
    name, mark, value = (part.strip() for part in word.partition("="))
    if name not in _WITH_VALUE or not mark:
        raise _unknown(word, name)
    if not value:
        raise _unfit(word, "has no value", "An unset variable? Give a value")
    needs, make = _WITH_VALUE[name]
    return Condition(word, needs, make(value))


def _unknown(word: str, name: str) -> LkctlError:
    if name in _BARE:
        return _unfit(word, f"is no condition: {name} takes no value", _LIST)
    if word.startswith("participants"):  # perhaps the shell took >=2 for itself
        return _unfit(word, "says nothing of how many", "Write participants=2, or with quotes: 'participants>=2'")
    if name in _WITH_VALUE:
        return _unfit(
            word, "says nothing of which", f"Write {next(one for one in WORDS if one.startswith(name + '='))}"
        )
    meant = nearest(re.split(r"[=.<>]", name)[0], _NAMES)
    also = f"; of metadata: metadata.{word}" if "=" in word and meant is None else ""
    return _unfit(word, "is no condition", f"{f'Did you mean {meant}? ' if meant else ''}{_LIST}{also}")


def _unfit(word: str, why: str, hint: str) -> LkctlError:
    return LkctlError("usage", f"{shown(word)} {why}", hint=hint)


def _count_condition(word: str, sign: str, wanted: int) -> Condition:
    if (sign, wanted) == ("<", 0):
        raise _unfit(word, "never holds", "To wait until nobody is in the room: empty")

    def count(look: Look) -> tuple[bool, str]:
        return _COMPARE[sign](len(look.participants), wanted), say_people(look.participants)

    return Condition(word, Needs.people, count)


def _participant_judge(identity: str) -> Judge:
    def is_in(look: Look) -> tuple[bool, str]:
        found = next((one for one in look.participants if one.identity == identity), None)
        if found is None:
            return False, say_people(look.participants)
        return found.state == "ACTIVE", f"{shown(identity)} ({found.kind}) is {found.state}"

    return is_in


def _agent_judge(name: str) -> Judge:
    def is_in(look: Look) -> tuple[bool, str]:
        theirs = [one.dispatch for one in look.dispatches or () if one.dispatch.agent_name == name]
        taken = {job.participant_identity for dispatch in theirs for job in dispatch.jobs}
        found = [one for one in agents_in(look) if name in agent_names(one) or one.identity in taken]
        return (True, say_people(found)) if found else (False, say_agents(look))

    return is_in


def _track_judge(value: str) -> Judge:
    identity, _, word = value.rpartition(":")
    try:
        source = read_source(word).upper()
    except LkctlError as error:
        raise _unfit(f"track={value}", f"names no source: {shown(word)}", error.hint) from None

    def is_published(look: Look) -> tuple[bool, str]:
        tracks = [(one.identity, track) for one in look.participants for track in one.tracks]
        found = [who for who, track in tracks if track.source == source and identity in {"", who}]
        said = listed([f"{track.source} of {shown(who)}" for who, track in tracks]) or "no tracks are published"
        return bool(found), said

    return is_published


def _metadata_judge(word: str) -> Judge:
    try:
        wish = parse_wish(word.removeprefix("metadata").lstrip(". "))
    except ValueError:
        raise _unfit(word, "names no key", """Write metadata.userId, metadata.user.id or 'metadata["a.b"]'""") from None

    def is_there(look: Look) -> tuple[bool, str]:
        metadata = look.room.metadata if look.room is not None else ""
        fields = read_fields(metadata)
        if fields is None:
            return False, "the metadata is not JSON" if metadata else "the metadata is empty"
        seen = wish.seen(fields)
        if seen is None:
            return False, f"the metadata has no {shown(wish.key.text)}"
        return wish.fits(fields), f"{shown(wish.key.text)} is {shown(seen)}"

    return is_there


def _has_metadata(look: Look) -> tuple[bool, str]:
    metadata = look.room.metadata if look.room is not None else ""
    return bool(metadata), f"the metadata is {shown(metadata)}" if metadata else "the metadata is empty"


def _has_agent(look: Look) -> tuple[bool, str]:
    agents = agents_in(look)
    return bool(agents), say_people(agents) if agents else say_agents(look)


_BARE: Mapping[str, tuple[Needs, Judge]] = {
    "exists": (Needs.room, lambda _: (True, "the room exists")),
    "gone": (Needs.room, lambda _: (False, "the room exists")),
    "empty": (Needs.people, lambda look: (not look.participants, say_people(look.participants))),
    "agent": (Needs.people, _has_agent),
    "metadata": (Needs.room, _has_metadata),
}
_WITH_VALUE: Mapping[str, tuple[Needs, Callable[[str], Judge]]] = {
    "participant": (Needs.people, _participant_judge),
    "agent": (Needs.dispatches, _agent_judge),
    "track": (Needs.people, _track_judge),
}
