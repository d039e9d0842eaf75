"""Strikes secrets from values before they are written anywhere; whatever is escaped later hides none."""

import base64
import dataclasses
import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from os.path import commonprefix
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

from lkctl.secret import scrub, secrets_in_use

T = TypeVar("T")
_STRUCK = "<secret>"
_LONG, _HEAD = 24, 12  # characters of a secret that is known by its head


def redacted(value: T) -> T:
    """Give a value with every text in it, however deep, free of JWTs and of the secrets in use, in any spelling."""
    spelt = _spelt(secrets_in_use())
    return mapped(value, lambda text: _strike(text, spelt))


def mapped(value: T, change: Callable[[str], str]) -> T:
    """Give a value with every text in it changed, however deep; what is chosen from an enum stays."""
    changed: T = _mapped(value, change)
    return changed


def _strike(text: str, spelt: Sequence[str]) -> str:
    for form in spelt:
        if form in text:
            text = text.replace(form, _STRUCK)
        if len(form) >= _LONG and form[:_HEAD] in text:
            text = _strike_cut(text, form)
    return scrub(text)


def _strike_cut(text: str, form: str) -> str:
    """Strike the start of a secret whose end was cut off, by whoever shortened the text."""
    parts = text.split(form[:_HEAD])
    ends = (len(commonprefix((part, form[_HEAD:]))) for part in parts[1:])  # noqa: RUF071  (letters are compared)
    rest = (part[end:] for part, end in zip(parts[1:], ends, strict=True))
    return _STRUCK.join((parts[0], *rest))


@lru_cache(maxsize=8)
def _spelt(secrets: frozenset[str]) -> Sequence[str]:
    """Give each secret in each spelling, the longest first: a shorter one may be part of it."""
    return sorted({form for secret in secrets for form in _spellings(secret)}, key=lambda form: (-len(form), form))


def _spellings(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield from (raw.hex(), raw.hex().upper(), html.escape(secret))
    for quoted in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield quoted
        yield re.sub("%..", lambda match: match.group().lower(), quoted)
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield _inner(encode(b"\0" * offset + raw).decode().rstrip("="), offset, len(raw))


def _inner(encoded: str, offset: int, size: int) -> str:
    """Give the part of a base64 text that depends on the secret alone, whatever stands before and after it."""
    start = -(-offset * 8 // 6)
    return encoded[start : (offset + size) * 8 // 6]


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str) and not isinstance(value, Enum):
        return change(value)
    if isinstance(value, Mapping):
        return {_mapped(key, change): _mapped(item, change) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        make = getattr(value, "_make", type(value))
        return make(_mapped(item, change) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: _mapped(getattr(value, one.name), change) for one in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
