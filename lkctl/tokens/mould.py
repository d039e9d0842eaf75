"""What tokens for rows of one shape have in common: their JSON with gaps, and what the rules read in it.

Made from claims in which marks stand where rows differ. So the order and the spelling of claims are those of
minting.py, and nothing of it is said twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from lkctl.tokens.findings import Check, Finding, Rule, Subject
from lkctl.tokens.guard import looking
from lkctl.tokens.reading import Reading, read_claims
from lkctl.tokens.signer import encode

_RAW = "user_id"  # goes into other texts, such as the room's name; of letters, digits and underscores only


class _Gap(NamedTuple):
    """The column that fills a gap, whether as JSON text, and what follows."""

    column: str
    whole: bool
    rest: str


class _Slot(NamedTuple):
    """Where a reading holds what a column says."""

    holder: dict[str, Any]
    name: str
    before: str
    column: str
    after: str


class Marks:
    """A text for each column that stands in its place; `nonce` is such that nobody has written it."""

    def __init__(self, columns: list[str], nonce: str) -> None:
        self.texts = {column: f"{nonce}.{place}." for place, column in enumerate(columns)}
        self._columns = columns
        self._mark = rf"{nonce}\.(\d+)\."

    def cut(self, text: str) -> tuple[str, list[_Gap]]:
        """Cut JSON at the marks: what stands before the first, and the gaps. A quoted mark is one with its quotes."""
        opening, *parts = re.split(f'"{self._mark}"|{self._mark}', text)
        found = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
        return opening, [_Gap(self._columns[int(whole or raw)], bool(whole), rest) for whole, raw, rest in found]

    def find(self, value: str) -> tuple[str, str, str] | None:
        """Find a mark in a value: what stands before it, its column, what stands after it."""
        before, *found = re.split(self._mark, value, maxsplit=1)
        return (before, self._columns[int(found[0])], found[1]) if found else None


class _Filled(Reading):
    """A reading in which what rules ask for most is not looked up each time."""

    __slots__ = ("identity", "room", "video")

    identity: str
    room: str
    video: Mapping[str, Any]

    def __init__(self, reading: Reading) -> None:
        for name in Reading.__slots__:
            setattr(self, name, getattr(reading, name))
        self.video = self.grants.get("video", {})


class Mould:
    """A shape of tokens. `reading` is that of the row it was filled with last."""

    def __init__(
        self, claims: dict[str, Any], marks: Marks, user_id: str | None, findings: tuple[Finding, ...]
    ) -> None:
        self._opening, self._gaps = marks.cut(encode(claims))
        self.reading = _Filled(read_claims(claims))
        self._slots = [*_slots(self.reading.values, marks), *_slots(self.reading.grants, marks)]
        self.user_id, self.findings, self.expires_at = user_id, findings, claims.get("exp")
        self.begins: float = claims.get("nbf", 0)
        self.checks: tuple[Check, ...] = ()

    def judge(self, rules: Iterable[Rule], subject: Subject) -> None:
        """Find out which rules have to look at every row."""
        differing: dict[int, set[str]] = {}
        for slot in self._slots:
            differing.setdefault(id(slot.holder), set()).add(slot.name)
        self.checks = looking((rule.check for rule in rules), subject, differing)

    @property
    def sound(self) -> bool:
        """Whether each gap is one that can be filled: only a user ID goes into other texts."""
        return all(gap.whole or gap.column == _RAW for gap in self._gaps)

    def fill(self, row: Mapping[str, str]) -> tuple[str, str]:
        """Put a row into the reading; give identity and room."""
        for holder, name, before, column, after in self._slots:
            holder[name] = before + row[column] + after
        reading = self.reading
        reading.identity, reading.room = reading.values.get("sub", ""), reading.video.get("room", "")
        return reading.identity, reading.room

    def text(self, row: Mapping[str, str]) -> str:
        """Give the claims of a row as JSON, in ASCII."""
        text = self._opening
        for column, whole, rest in self._gaps:
            text += quoted(row[column]) + rest if whole else row[column] + rest
        return text


def _slots(holder: dict[str, Any], marks: Marks) -> Iterator[_Slot]:
    for name, value in holder.items():
        if isinstance(value, dict):
            yield from _slots(value, marks)
        elif isinstance(value, str):
            found = marks.find(value)
            if found is not None:
                yield _Slot(holder, name, *found)
