"""What tokens for rows of one shape have in common: their JSON with gaps, and what the rules read in it.

Made from claims in which marks stand where rows differ. So the order and the spelling of claims are those of
minting.py, and nothing of it is said twice.

Which rules have to look at every row is tried, not declared: what a rule finds depends on nothing but what it looks at.
One that comes to its end without a look at a value that differs from row to row, or at the size of the token, finds the
same in all rows of a shape.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple, NoReturn

from lkctl.tokens.findings import Check, Finding, Rule, Subject
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


class TokenTemplate:
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
        self.checks = rules_that_look((rule.check for rule in rules), subject, differing)

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


def rules_that_look(
    checks: Iterable[Check], subject: Subject, differing: Mapping[int, Collection[str]]
) -> tuple[Check, ...]:
    """Give the checks that look at something that differs: names in `differing`, by the `id` of what holds them."""
    reading = Reading()
    for name in Reading.__slots__:
        setattr(reading, name, getattr(subject.reading, name))
    reading.values, reading.grants = _guarded(reading.values, differing), _guarded(reading.grants, differing)
    guarded = _Sizeless(*subject)._replace(reading=reading)
    return tuple(check for check in checks if _looks(check, guarded))


def _looks(check: Check, subject: Subject) -> bool:
    try:
        return any(False for _ in check(subject))
    except Exception:  # noqa: BLE001  (whatever it stumbled over, it was not meant to see it)
        return True


def _guarded(holder: dict[str, Any], differing: Mapping[int, Collection[str]]) -> dict[str, Any]:
    inner = {name: _guarded(value, differing) if type(value) is dict else value for name, value in holder.items()}
    return _Guarded(inner, differing[id(holder)]) if id(holder) in differing else inner


class _LookedError(Exception):
    """Something was looked at in which rows differ."""


class _Guarded(dict[str, Any]):
    """Values of which some must not be looked at. Which names there are is the same in all rows."""

    def __init__(self, values: dict[str, Any], differing: Collection[str]) -> None:
        super().__init__(values)
        self._differing = differing

    def __getitem__(self, name: str) -> Any:
        if name in self._differing:
            raise _LookedError
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Give one value."""
        return self[name] if name in self else default  # noqa: SIM401  (`get` is what this is)

    def _all(self, *_: Any) -> NoReturn:
        raise _LookedError

    values = items = copy = pop = setdefault = __iter__ = __eq__ = __or__ = __ror__ = __repr__ = _all
    __hash__ = None


class _Sizeless(Subject):
    """A subject whose size must not be looked at."""

    @property
    def size(self) -> int:
        """Refuse to tell."""
        raise _LookedError
