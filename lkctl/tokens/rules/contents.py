"""Rules on kind, sizes and metadata (L21-L23)."""

from collections.abc import Iterator

from lkctl.convention import LONGEST_METADATA
from lkctl.tokens.claims import KINDS, MAX_ATTRIBUTES_BYTES, MAX_HEADER_BYTES
from lkctl.tokens.document import read_document, shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

_LARGE_METADATA, _LARGE_ATTRIBUTES, _LARGE_TOKEN = 64_000, 64_000, 6 * 1024
_TOO_LARGE = "Put large data elsewhere: the server lets validate pass, then the join fails with a bare 500"
_TRAVELS = "It travels in the URL or a header; proxies often stop at 8 KiB (414, 431)"
_UNSENT = "The server answers 431"
_SPREADS = "Every participant gets it; put large data elsewhere"


def _kind(subject: Subject) -> Iterator[Fault]:
    kind = subject.reading.text("kind")
    if kind and kind.lower() not in KINDS:
        told = f"the kind {shown(kind)} does not exist; the server takes it for standard"
        yield Fault(told, f"The kinds are {', '.join(KINDS)}")


def _sizes(subject: Subject) -> Iterator[Fault]:
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
        yield Fault(f"{what} {size} bytes", hints[0])


def _metadata(subject: Subject) -> Iterator[Fault]:
    text = subject.reading.text("metadata")
    if not text:
        return
    hint = 'Write a JSON object, as in {"userId": "user_1704067200000_abc123"}'
    try:
        document = read_document(text)
    except ValueError as error:
        yield Fault(f"the metadata is not JSON: {error}; agents that parse it fail", hint)
        return
    value = document.value
    yield from (Fault(f"the metadata is not plain JSON: {problem.message}", hint) for problem in document.problems[:3])
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        yield Fault("the metadata is JSON that was encoded twice", "Encode it once")
    elif not isinstance(value, dict):
        yield Fault("the metadata is JSON, but no object", hint)


CONTENT_RULES: tuple[Rule, ...] = (
    Rule("L21", Severity.warning, "The kind does not exist", _kind),
    Rule("L22", Severity.warning, "Metadata, attributes or the token are too large", _sizes),
    Rule("L23", Severity.warning, "The metadata is no JSON object", _metadata),
)
