"""Our values as JSON: snake_case keys, every key present, enums by name, times as RFC 3339 UTC, secrets masked."""

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from lkctl.secret import Secret

# What JSON allows and a terminal should not get; lone surrogates cannot be written at all
_UNSAFE = r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"

_PLAIN = frozenset({str, int, float, bool, type(None)})


def rfc3339(moment: datetime | None) -> str | None:
    """Give a time as RFC 3339 in UTC, with milliseconds only where there are some."""
    if moment is None:
        return None
    utc = moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds").replace("+00:00", "Z")


def as_json(value: Any) -> Any:
    """Turn our values into what `json` writes."""
    if type(value) in _PLAIN:  # nearly all there is
        return value
    if type(value) is not dict:
        value = _unpacked(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (Enum, Secret)):
        return value.name if isinstance(value, Enum) else str(value)
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return value._asdict() if hasattr(value, "_asdict") else value  # a NamedTuple


_COMPACT = json.JSONEncoder(ensure_ascii=False, default=as_json)
_INDENTED = json.JSONEncoder(ensure_ascii=False, default=as_json, indent=2)


def to_json(value: Any, *, compact: bool = False, plain: bool = False) -> str:
    """Write a value as JSON text that is safe to print on a terminal.

    `plain`: beside times it holds only what JSON has, so that it need not be gone through first.
    """
    text = (_COMPACT if compact else _INDENTED).encode(value if plain else as_json(value))
    return text if text.isascii() and "\x7f" not in text else re.sub(_UNSAFE, _escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"
