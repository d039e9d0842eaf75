"""Rules on kind, sizes and metadata (L21-L23)."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from lkctl.convention import LONGEST_METADATA
from lkctl.tokens.claims import KINDS, MAX_ATTRIBUTES_BYTES, MAX_HEADER_BYTES, bare, nearest
from lkctl.tokens.document import read_document, shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

if TYPE_CHECKING:
    from lkctl.userid.paths import KeyPath

_LARGE_METADATA, _LARGE_ATTRIBUTES, _LARGE_TOKEN = 64_000, 64_000, 6 * 1024
_TOO_LARGE = "Put large data elsewhere: validate says 200, then the join fails with a bare 500"
_TRAVELS = "It travels in the URL or a header; proxies often stop at 8 KiB (414, 431)"
_UNSENT = "The server answers 431"
_SPREADS = "Every participant gets it; put large data elsewhere"
_OBJECT = 'Write a JSON object, as in {"userId": "user_1704067200000_abc123"}'
_MOST = 5
_SHORT = 200  # characters: too few for a hundred levels, or for a number out of range


def _kind(subject: Subject) -> Iterator[Fault]:
    if subject.kind and subject.kind not in KINDS:
        right = nearest(subject.kind, KINDS)
        hint = f"{f'Did you mean {right}? ' if right else ''}The kinds are {', '.join(KINDS)}"
        yield Fault(f"the kind {shown(subject.reading.text('kind'))} does not exist", hint)


def _sizes(subject: Subject) -> Iterable[Fault]:
    # In a token that is not long, nothing else can be
    return _large(subject) if subject.size > _LARGE_TOKEN else ()


def _large(subject: Subject) -> Iterator[Fault]:
    metadata = len(subject.reading.text("metadata").encode())
    attributes = subject.reading.values.get("attributes", {})
    summed = sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items())
    hints = (_SPREADS, _TOO_LARGE)
    yield from _size("the metadata has", metadata, _LARGE_METADATA, LONGEST_METADATA, hints)
    yield from _size("the attributes have", summed, _LARGE_ATTRIBUTES, MAX_ATTRIBUTES_BYTES, hints)
    yield from _size("the token has", subject.size, _LARGE_TOKEN, MAX_HEADER_BYTES, (_TRAVELS, _UNSENT))


def _size(what: str, size: int, large: int, most: int, hints: tuple[str, str]) -> Iterator[Fault]:
    if size > most:
        yield Fault(f"{what} {size} bytes, over the limit of {most}", hints[1], Severity.error)
    elif size > large:
        yield Fault(f"{what} {size} bytes", hints[0], Severity.warning)


def _metadata(subject: Subject) -> Iterable[Fault]:
    text, required = subject.reading.text("metadata"), subject.facts.required_keys
    if not required and (not text or _is_plain_object(text)):
        return ()
    return metadata_faults(text, required)


def _is_plain_object(text: str) -> bool:
    """Whether a short text surely is a JSON object without a fault: what most metadata is, in a third of the time."""
    try:
        value, end = _scan(text, 0) if len(text) <= _SHORT else (None, 0)
    except (ValueError, StopIteration):
        return False
    return end == len(text) and isinstance(value, dict)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else _odd()


def _odd(_number: str = "") -> NoReturn:
    raise ValueError


_PLAIN = json.JSONDecoder(object_pairs_hook=_once, parse_float=_odd, parse_constant=_odd)
_scan: Callable[[str, int], tuple[Any, int]] = _PLAIN.scan_once  # type: ignore[attr-defined]  # half of `decode`


def metadata_faults(text: str, required: Sequence["KeyPath"] = ()) -> Iterator[Fault]:
    """Say why metadata is not what agents read: a JSON object, with the required keys. Without any it may be empty."""
    if not text:
        yield from (Fault(f"there is no metadata, so it lacks {shown(key.text)}", _OBJECT) for key in required[:_MOST])
        return
    try:
        document = read_document(text)
    except ValueError as error:
        yield Fault(f"the metadata is not JSON: {error}", _OBJECT)
        return
    value = document.value
    yield from (
        Fault(f"the metadata is not plain JSON: {problem.message}", _OBJECT) for problem in document.problems[:3]
    )
    if isinstance(value, dict):
        yield from (fault for key in required[:_MOST] for fault in _lacking(value, key))
    elif isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        yield Fault("the metadata is JSON that was encoded twice", "Encode it once")
    else:
        yield Fault("the metadata is JSON, but not an object", _OBJECT)


def _lacking(metadata: dict[str, Any], path: "KeyPath") -> Iterator[Fault]:
    key, hit = path.text, path.find(metadata)
    if hit is None:
        near = next((name for name in metadata if bare(name) == bare(key)), None)
        yield Fault(f"the metadata lacks {shown(key)}", f"It has {shown(near)}; write {key}" if near else f"Add {key}")
    elif hit.value is None or hit.value == "":
        yield Fault(f"the metadata holds nothing under {shown(key)}", "Give it a value")


_UNREAD = "an agent that reads it fails"

CONTENT_RULES: tuple[Rule, ...] = (
    Rule("L21", Severity.warning, "The kind does not exist", _kind, "it is treated as standard"),
    Rule(
        "L22",
        Severity.error,
        "Metadata, attributes or the token are too large",
        _sizes,
        "validate says 200, the join fails with a bare 500; proxies answer 414 or 431",
    ),
    Rule("L23", Severity.warning, "The metadata is not a JSON object, or lacks a key", _metadata, _UNREAD),
)
