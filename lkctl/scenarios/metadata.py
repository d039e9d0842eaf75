"""A room's metadata changed, while others may be changing it, too.

The server replaces metadata as a whole and offers no compare-and-set, so a change is a look, a write, and another look
after a while. Who changes keys puts his own back where somebody wrote from an older look; so as long as everybody does
that, and nobody needs longer from look to write than the others wait for, no key is lost. What is left: somebody who
needs longer overwrites us after our last look, unseen; and what somebody else writes between our look and our write is
gone where he does not look again. The time from our look to our write is told (`window_ms`).
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any, NamedTuple, Protocol

from lkctl import convention
from lkctl.errors import LkctlError
from lkctl.models import Room
from lkctl.scenarios.writes import MOST_TRIES, in_doubt, looking_after, settle, tries
from lkctl.server.api import Api
from lkctl.tokens.document import read_document


class Wish(Protocol):
    """What metadata should become. `again`: it may be applied once more onto what somebody else wrote."""

    @property
    def again(self) -> bool: ...  # noqa: D102

    def applied(self, text: str) -> str:
        """Give the metadata as it should be; the same text where it is so already."""

    def holds(self, text: str) -> bool:
        """Whether the metadata is as wished."""

    def differing(self, one: str, other: str) -> tuple[str, ...]:
        """Name the keys it is about that differ; "metadata" where it is about the whole."""

    def lost(self, before: str, now: str) -> bool:
        """Whether what does not hold is as it was before: somebody wrote from an older look."""


class Whole(NamedTuple):
    """All metadata replaced; "" clears it."""

    text: str
    again: bool = False

    def applied(self, text: str) -> str:
        """Give the new text; the old one where it says the same."""
        return text if same_metadata(text, self.text) else self.text

    def holds(self, text: str) -> bool:
        """Whether it says what was written."""
        return same_metadata(text, self.text)

    def differing(self, one: str, other: str) -> tuple[str, ...]:
        """Give "metadata" where both do not say the same."""
        return () if same_metadata(one, other) else ("metadata",)

    def lost(self, before: str, now: str) -> bool:  # noqa: ARG002  (as the others)
        """Nothing tells whether somebody meant to replace it."""
        return False


class Edit(NamedTuple):
    """Keys set and removed; all others stay."""

    put: Mapping[str, Any]
    drop: tuple[str, ...] = ()
    again: bool = True

    def applied(self, text: str) -> str:
        """Give the metadata with the changes; raise `input-malformed` where it cannot hold keys."""
        found = _editable(text)
        if self.holds(text):
            return text
        kept = {key: value for key, value in found.items() if key not in self.drop}
        return convention.check_metadata(convention.metadata_text({**kept, **self.put}), "metadata")

    def holds(self, text: str) -> bool:
        """Whether all keys are as wished."""
        found = _object(text)
        wanted = self._wanted()
        return found is not None and all(_state(found, key) == wanted[key] for key in wanted)

    def differing(self, one: str, other: str) -> tuple[str, ...]:
        """Name the keys that are to be set or removed and differ."""
        first, second = _object(one) or {}, _object(other) or {}
        return tuple(key for key in self._wanted() if _state(first, key) != _state(second, key))

    def lost(self, before: str, now: str) -> bool:
        """Whether each key is as wished or as before; where it is neither, somebody else wants it otherwise."""
        was, found, wanted = _object(before), _object(now), self._wanted()
        if was is None or found is None:
            return False
        return all(_state(found, key) in (wanted[key], _state(was, key)) for key in wanted)

    def _wanted(self) -> dict[str, str | None]:
        return {key: None if key in self.drop else _text(self.put[key]) for key in (*self.drop, *self.put)}


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """A change of metadata: from what to what, in how many writes. `window_ms`: from the last look to the write.

    `changed` names the keys that are, or would be, other than they were, `not_applied` those that the server took and
    left as they were; "metadata" stands for the whole.
    """

    room: Room
    before: str
    after: str
    changed: tuple[str, ...] = ()
    not_applied: tuple[str, ...] = ()
    writes: int = 0
    window_ms: int | None = None


def change_metadata(api: Api, first: Room, wish: Wish, *, dry_run: bool = False) -> MetadataChange:
    """Change a room's metadata, knowing how it looked; each try has the time limit of the API before it.

    Raises `changed-meanwhile` where somebody else's change stands against it, or too many of them, `room-missing`, and
    what `wish` raises.
    """
    before, writes, window_ms = first.metadata, 0, None
    for current in tries(api):
        began = time.monotonic()
        seen = same_room(current, first)
        told = "was changed by somebody else just now; that was left as it was"
        _insist(wish.again or seen.metadata == before, first, told)
        before = before if writes else seen.metadata
        text = wish.applied(seen.metadata)
        if dry_run or text == seen.metadata:
            changed = wish.differing(before, text)
            return MetadataChange(seen, before, text, changed, writes=writes, window_ms=window_ms)
        reply = _write(current, first, text)
        window, writes = time.monotonic() - began, writes + 1
        window_ms = round(window * 1000)
        if missed := wish.differing(reply.metadata, text):
            return MetadataChange(reply, before, text, (), missed, writes, window_ms)
        settle(window)
        now = _look_after(current.renewed(), first)
        if wish.holds(now.metadata):
            changed = wish.differing(before, now.metadata)
            return MetadataChange(now, before, text, changed, writes=writes, window_ms=window_ms)
        _insist(wish.lost(seen.metadata, now.metadata), first, "was changed as asked, and by somebody else after that")
    raise _changed(first, f"is changed by others all the time: given up after {MOST_TRIES} tries")


def same_room(api: Api, first: Room) -> Room:
    """Look at a room again; raise `changed-meanwhile` where another has its name now, or `room-missing`."""
    room = api.get_room(first.name)
    if room.sid != first.sid:
        raise LkctlError("changed-meanwhile", f"room {first.name!r} was deleted and made anew meanwhile",
                         hint="Look at it, then say it again: lkctl room list")  # fmt: skip
    return room


def _write(api: Api, room: Room, text: str) -> Room:
    look = f"lkctl room inspect {quote(room.name)}"
    with in_doubt(f"the metadata of room {room.name!r} may have been written", look):
        return api.update_room_metadata(room.name, text)


def _look_after(api: Api, room: Room) -> Room:
    with looking_after(f"the metadata of room {room.name!r} was written"):
        return same_room(api, room)


def same_metadata(one: str, other: str) -> bool:
    """Whether two texts say the same, as JSON where both are: blanks and the order of keys do not count."""
    if one == other:
        return True
    try:
        documents = read_document(one), read_document(other)
    except ValueError:
        return False
    odd = any(document.problems for document in documents)
    return not odd and _text(documents[0].value) == _text(documents[1].value)


def _insist(condition: bool, room: Room, told: str) -> None:
    if not condition:
        raise _changed(room, told)


def _changed(room: Room, told: str) -> LkctlError:
    hint = "Look at what it is now, then say it again: lkctl room list"
    return LkctlError("changed-meanwhile", f"the metadata of room {room.name!r} {told}", hint=hint)


def _editable(text: str) -> dict[str, Any]:
    """Read metadata that keys can be set in without changing anything else; raise `input-malformed`."""
    try:
        value, problems = read_document(text if text.strip() else "{}")
    except ValueError:
        raise _not_editable("is no JSON") from None
    if problems:
        raise _not_editable(f"is no sound JSON: {problems[0].message}")
    if not isinstance(value, dict):
        raise _not_editable(f"is JSON, but {_NAMES.get(type(value), 'null')} and no object")
    return value


_NAMES = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false"}


def _not_editable(fault: str) -> LkctlError:
    told = f"the metadata {fault}, so no key of it can be changed"
    return LkctlError("input-malformed", told, hint="Replace it as a whole: --metadata '{…}'")


def _object(text: str) -> dict[str, Any] | None:
    try:
        return _editable(text)
    except LkctlError:
        return None


def _state(found: Mapping[str, Any], key: str) -> str | None:
    return _text(found[key]) if key in found else None


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # not ==: to Python, true is 1
