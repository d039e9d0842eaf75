"""Metadata: text that should be a JSON object and may be anything at all."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Final

from lkctl.userid.notices import Remark
from lkctl.userid.paths import COMMON_PATHS, KeyPath, RepeatingObject
from lkctl.userid.values import Reading, absent, judge

MAX_BYTES: Final = 64 * 1024
MAX_DIGITS: Final = 4300  # what Python itself converts by default; set here, so that no environment variable changes it


def read_metadata(text: str, keys: tuple[KeyPath, ...], *, strict: bool, decode_nested: bool) -> Reading:
    """Look for an ID under `keys`, in their order. The text itself is never echoed."""
    if not text:
        return absent("no metadata")
    remarks = _size_remarks(text)
    try:
        document = _parse(text)
    except ValueError as error:
        return _refused("W-JSON", f"is not JSON: {error} ({_fingerprint(text)})", remarks)
    if isinstance(document, str) and (inner := _inner_object(document)) is not None:
        says = "is a JSON string that holds an object: it was encoded twice"
        if not decode_nested:
            return _refused("W-DOUBLE", says, remarks)
        document, remarks = inner, (*remarks, Remark("W-DOUBLE", "", says))
    if not isinstance(document, dict):
        return _refused("W-NOTOBJECT", f"is JSON, but no object ({_fingerprint(text)})", remarks)
    reading = read_fields(document, keys, COMMON_PATHS, strict=strict)
    return Reading(reading.status, reading.value, reading.reason, remarks + reading.remarks)


def read_fields(
    fields: Mapping[str, object],
    keys: tuple[KeyPath, ...],
    common: tuple[KeyPath, ...],
    *,
    strict: bool,
) -> Reading:
    """Look for an ID under `keys`, in their order; if none is there, mention one under a `common` spelling."""
    remarks: list[Remark] = []
    first: Reading | None = None
    for key in keys:
        hit = key.find(fields)
        if hit is None:
            continue
        reading = judge(hit.value, key.text, strict=strict)
        if hit.repeated:
            remarks.append(Remark("W-DUPKEY", key.text, "is given more than once; the last one counts"))
        remarks += reading.remarks
        if reading.value is not None:
            return Reading("found", reading.value, f"key {key.text}", tuple(remarks))
        first = first or reading
    if first is None:
        return _missing(fields, keys, common, strict=strict)
    return Reading(first.status, None, first.reason, tuple(remarks))


def _missing(
    fields: Mapping[str, object],
    keys: tuple[KeyPath, ...],
    common: tuple[KeyPath, ...],
    *,
    strict: bool,
) -> Reading:
    wanted = " or ".join(key.text for key in keys)
    for spelling in common:
        hit = spelling.find(fields)
        reading = judge(hit.value, spelling.text, strict=strict) if hit else None
        if reading and reading.value is not None:
            says = f"is {reading.value}, but only {wanted} is read"
            hint = f"Write it as {keys[0].text}, or let the agent read {spelling.text} too (--keys)"
            return absent(f"no key {wanted}", Remark("W-NEARMISS", spelling.text, says, hint))
    return absent(f"no key {wanted}")


def _refused(code: str, says: str, before: tuple[Remark, ...]) -> Reading:
    return Reading("invalid", None, says, (*before, Remark(code, "", says)))


def _size_remarks(text: str) -> tuple[Remark, ...]:
    size = _size(text)
    if size <= MAX_BYTES:
        return ()
    return (Remark("W-OVERSIZE", "", f"has {size} bytes, over {MAX_BYTES // 1024} KiB"),)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _fingerprint(text: str) -> str:
    import hashlib

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_size(text)} bytes, sha256 {digest[:8]}"


def _parse(text: str) -> object:
    """Parse JSON; ValueError with a reason that holds nothing of the text."""
    try:
        document: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it breaks at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return document


def _inner_object(text: str) -> dict[str, object] | None:
    try:
        document = _parse(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    plain = dict(pairs)
    if len(plain) == len(pairs):
        return plain
    repeating = RepeatingObject(plain)
    repeating.repeated = frozenset(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
    return repeating


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise ValueError(f"it holds a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _constant(name: str) -> object:
    raise ValueError(f"it holds {name}")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_constant=_constant)
