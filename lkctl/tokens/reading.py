"""What the server reads out of the claims: Go's encoding/json, not Python's.

Keys are matched without letter case, `null` means absent, a later key of the same name adds to an earlier one, unknown
keys are passed over, and one value of the wrong type makes the whole token worthless (measured on 1.13.5).
"""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lkctl.tokens.claims import GROUPS, KNOWN, KNOWN_GRANTS, OWN, REGISTERED, Form, folded
from lkctl.tokens.document import NUMBER, SURROGATE, Unfit, pairs_of

_INT64 = 2**63
_YEAR_1 = 62_135_596_800  # seconds from there to 1970; Go counts from the year 1 in 64 bits (time.Time)


class Mismatch(NamedTuple):
    """A value of the wrong type. `found` and `wanted` as Go names them; `fault` where protobuf's reader objects."""

    path: str
    found: str
    wanted: str
    fault: str = ""

    @property
    def registered(self) -> bool:
        """Whether it stands in a claim that is read before the key is looked up."""
        return self.path in REGISTERED

    @property
    def told(self) -> str:
        """Say the fault with its place: `roomConfig.metadata is no text`."""
        return f"{self.path}{'' if self.fault.startswith('.') else ' '}{self.fault}"


class Reading:
    """Claims and grants by their canonical names, those only that are there and of the right type.

    Times are seconds as Go holds them. `unknown` and `odd` tell (group or "", key as written); `nulls` the paths;
    `quoted_times` the times that were written as text.
    """

    __slots__ = ("grants", "mismatches", "nulls", "odd", "quoted_times", "unknown", "values")

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.grants: dict[str, dict[str, Any]] = {}
        self.mismatches: list[Mismatch] = []
        self.unknown: list[tuple[str, str]] = []
        self.odd: list[tuple[str, str]] = []
        self.nulls: list[str] = []
        self.quoted_times: list[str] = []

    @property
    def video(self) -> Mapping[str, Any]:
        """The video grants; empty where there are none."""
        return self.grants.get("video", {})

    @property
    def identity(self) -> str:
        """Who the token is for: sub, else jti (verifier.go ParseAPIToken)."""
        return self.text("sub") or self.text("jti")

    @property
    def identity_from(self) -> str | None:
        """Which claim the identity comes from."""
        return next((name for name in ("sub", "jti") if self.text(name)), None)

    @property
    def room(self) -> str:
        """The room that the grants are for."""
        return str(self.video.get("room", ""))

    def text(self, name: str) -> str:
        """Give a claim of text; "" where it is absent."""
        return str(self.values.get(name, ""))


def read_claims(claims: dict[str, Any]) -> Reading:
    """Read claims as livekit-server reads them."""
    reading = Reading()
    for key, value in pairs_of(claims):
        name = KNOWN.get(folded(key))
        if name is None:
            reading.unknown.append(("", key))
            continue
        if name != key:
            reading.odd.append(("", key))
        if name in GROUPS:
            _read_group(reading, name, value)
        else:
            _read_value(reading, name, value)
    return reading


def _read_value(reading: Reading, name: str, value: Any) -> None:
    form = REGISTERED.get(name) or OWN[name]
    if value is None:
        reading.nulls.append(name)
        if form not in {Form.text, Form.audience}:  # Go leaves a text as it was, and empties the others
            reading.values.pop(name, None)
        return
    if form is Form.time and type_name(value) == "string" and _seconds(value) is not None:
        reading.quoted_times.append(name)
    _store(reading, reading.values, name, form, value)


def _read_group(reading: Reading, group: str, value: Any) -> None:
    kind = GROUPS[group]
    if value is None:
        reading.nulls.append(group)
        reading.grants.pop(group, None)
    elif not isinstance(value, dict):
        reading.mismatches.append(Mismatch(group, type_name(value), f"auth.{kind.go_type}"))
    else:
        target = reading.grants.setdefault(group, {})
        for key, item in pairs_of(value):
            _read_grant(reading, target, group, key, item)


def _read_grant(reading: Reading, target: dict[str, Any], group: str, key: str, value: Any) -> None:
    name = KNOWN_GRANTS[group].get(folded(key))
    if name is None:
        reading.unknown.append((group, key))
        return
    if name != key:
        reading.odd.append((group, key))
    if value is None:
        reading.nulls.append(f"{group}.{name}")
        if name.startswith("can"):  # pointers and lists in Go; the others keep what they had
            target.pop(name, None)
        return
    _store(reading, target, name, GROUPS[group].fields[name], value, prefix=f"{group}.")


def _store(reading: Reading, target: dict[str, Any], name: str, form: Form, value: Any, *, prefix: str = "") -> None:
    problem, read = _READERS[form](value)
    if problem is not None:
        reading.mismatches.append(Mismatch(prefix + name, *problem))
    elif form is Form.text_map:
        target[name] = {**target.get(name, {}), **read}
    else:
        target[name] = read


_Read = tuple[tuple[str, str, str] | None, Any]


def _wrong(value: Any, wanted: str, fault: str = "") -> _Read:
    return (type_name(value), wanted, fault), None


def _boolean(value: Any) -> _Read:
    return (None, value) if isinstance(value, bool) else _wrong(value, "bool")


def _text(value: Any) -> _Read:
    return (None, sound(value)) if type_name(value) == "string" else _wrong(value, "string")


def _texts(value: Any) -> _Read:
    if not isinstance(value, list):
        return _wrong(value, "[]string")
    bad = next((item for item in value if item is not None and type_name(item) != "string"), None)
    return _wrong(bad, "string") if bad is not None else (None, [sound(item or "") for item in value])


def _text_map(value: Any) -> _Read:
    if not isinstance(value, dict):
        return _wrong(value, "map[string]string")
    bad = next((item for _, item in pairs_of(value) if item is not None and type_name(item) != "string"), None)
    return _wrong(bad, "string") if bad is not None else (None, {sound(k): sound(v or "") for k, v in value.items()})


def _audience(value: Any) -> _Read:
    listed = value if isinstance(value, list) else [value]
    return (None, listed) if all(type_name(item) == "string" for item in listed) else _wrong(value, "ClaimStrings")


def _time(value: Any) -> _Read:
    seconds = _seconds(value)
    return (None, seconds) if seconds is not None else _wrong(value, "NumericDate")


def _room_config(value: Any) -> _Read:
    from lkctl.tokens.roomconfig import room_config_fault

    fault = room_config_fault(value)
    return _wrong(value, "RoomConfiguration", fault) if fault else (None, value)


_READERS = {
    Form.boolean: _boolean,
    Form.text: _text,
    Form.texts: _texts,
    Form.text_map: _text_map,
    Form.audience: _audience,
    Form.time: _time,
    Form.room_config: _room_config,
}


def _seconds(value: Any) -> int | None:
    """Read a time as golang-jwt types.go does: a number, or text that is one; whole seconds; 64 bits that wrap."""
    if isinstance(value, (bool, Unfit)) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and not re.fullmatch(NUMBER, value):
        return None
    number = float(value)
    if math.isinf(number):
        return None
    whole = math.floor(number) if -_INT64 <= number < _INT64 else -_INT64
    return (whole + _YEAR_1 + _INT64) % (2 * _INT64) - _INT64 - _YEAR_1


def type_name(value: Any) -> str:
    """Name a JSON type as Go's messages do."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float, Unfit)):
        return "number"
    if isinstance(value, str):
        return "string"
    return {list: "array", type(None): "null"}.get(type(value), "object")


def sound(text: str) -> str:
    """Replace halves of surrogate pairs, as Go does."""
    return text if text.isascii() else re.sub(SURROGATE, "\ufffd", text)
