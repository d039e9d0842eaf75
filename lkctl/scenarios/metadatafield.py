"""A field of metadata that is wished for, as KEY or KEY=VALUE."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lkctl.userid.paths import KeyPath, parse_path

_TOO_DEEP = "(nested too deep)"


class FieldWish(NamedTuple):
    """A key, and the value that must stand there (None: any)."""

    key: KeyPath
    value: str | None

    def fits(self, fields: Mapping[str, object]) -> bool:
        """Whether it stands there: a text as it is written, and what is JSON by its value (`1.0` is `1`)."""
        hit = self.key.find(fields)
        if hit is None or self.value is None:
            return hit is not None
        if hit.value == self.value:
            return True
        try:
            return _canonical(hit.value) == _canonical(_load(self.value))
        except (ValueError, RecursionError):
            return False

    def seen(self, fields: Mapping[str, object]) -> str | None:
        """Give what stands there, None for nothing."""
        hit = self.key.find(fields)
        if hit is None:
            return None
        try:
            return hit.value if isinstance(hit.value, str) else json.dumps(hit.value, ensure_ascii=False)
        except RecursionError:
            return _TOO_DEEP


def parse_wish(text: str) -> FieldWish:
    """Split at the first = that ends a key: a quoted one may hold =; ValueError where there is no key."""
    parts = text.split("=")
    for count in range(1, len(parts) + 1 if parts[0].strip() else 1):
        try:
            key = parse_path("=".join(parts[:count]).strip())
        except ValueError:
            continue
        return FieldWish(key, "=".join(parts[count:]).strip() if count < len(parts) else None)
    raise ValueError(text)


def read_fields(metadata: str) -> Mapping[str, object] | None:
    """Give the fields of metadata; none where it is no object, None where it is no JSON."""
    try:
        found = _load(metadata)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else {}


def _load(text: str) -> Any:
    return json.loads(text, parse_float=_number)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _canonical(value: object) -> str:
    """Spell a value so that equals are spelt alike; Python takes True for 1."""
    return json.dumps(value, sort_keys=True)
