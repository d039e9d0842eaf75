"""Keys: where in an object of metadata the ID stands, written as `userId`, `user.id` or `user["a.b"]`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

COMMON: Final = ("userId", "user_id", "userID", "uid", "user.id", "user.userId")

_ITEM = re.compile(r'(?:\["(?:[^"\\]|\\.)*"\]|[^,])+')
_SEGMENT = re.compile(r'\.([^.\[\]"]+)|\[("(?:[^"\\]|\\.)*")\]')


class RepeatingObject(dict[str, object]):
    """A JSON object in which keys were repeated; it holds the last value of each."""

    repeated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hit:
    """What a path leads to. `repeated`: a key on the way occurs more than once in its object."""

    value: object
    repeated: bool


@dataclass(frozen=True, slots=True)
class KeyPath:
    """The way to a value through nested objects."""

    text: str
    segments: tuple[str, ...]

    def find(self, fields: Mapping[str, object]) -> Hit | None:
        """Follow the path; None if a key is missing or something on the way is no object."""
        value: object = fields
        repeated = False
        for segment in self.segments:
            if not isinstance(value, Mapping) or segment not in value:
                return None
            repeated |= isinstance(value, RepeatingObject) and segment in value.repeated
            value = value[segment]
        return Hit(value, repeated)

    def flat(self) -> "KeyPath":
        """Take the key as one name, as in attributes: `sip.phoneNumber` is not split."""
        return KeyPath(self.text, (".".join(self.segments),))


@lru_cache(maxsize=256)
def parse_path(text: str) -> KeyPath:
    """Read one path; ValueError if it is malformed."""
    dotted = text if text.startswith("[") else f".{text}"
    segments: list[str] = []
    at = 0
    while match := _SEGMENT.match(dotted, at):
        name, literal = match.groups()
        segments.append(name if literal is None else _unquoted(literal, text))
        at = match.end()
    if at < len(dotted):
        raise ValueError(_malformed(text))
    return KeyPath(text, tuple(segments))


def split_keys(text: str) -> tuple[str, ...]:
    """Split a list of paths at its commas; `common` stands for the common spellings."""
    keys: dict[str, None] = {}
    for item in _ITEM.findall(text):
        keys.update(dict.fromkeys(COMMON if item.strip() == "common" else (item.strip(),)))
    return tuple(keys)


def _unquoted(literal: str, text: str) -> str:
    try:
        return str(json.loads(literal))
    except ValueError:
        raise ValueError(_malformed(text)) from None


def _malformed(text: str) -> str:
    return f'key {text!r} is no path; write it as userId, user.id or user["a.b"]'


COMMON_PATHS: Final = tuple(map(parse_path, COMMON))
COMMON_NAMES: Final = tuple(path.flat() for path in COMMON_PATHS)
