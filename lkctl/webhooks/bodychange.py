"""What happened to a webhook's body on its way: experiments that undo the usual accidents until the hash fits."""

import json
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import NamedTuple

from lkctl.webhooks.event import check_values

_MARK = b"\xef\xbb\xbf"  # UTF-8's byte order mark
_RAW = "Take the raw bytes of the request, before any JSON parser; in Express: express.raw({type: '*/*'})"
_FILE = "Keep the bytes as they came: printf %s, not echo; curl --data-binary, not -d"
# Go's writer puts a blank after commas or none, by the build (protobuf internal/encoding/json/encode.go prepareNext);
# Python's and JavaScript's are for senders that are not LiveKit
_SEPARATORS = ((", ", ":"), (",", ":"), (", ", ": "))


class BodyChange(NamedTuple):
    """One accident: what happened, the next step, and what the body may have been before it."""

    told: str
    hint: str
    before: Callable[[bytes], Iterator[bytes]]


def digest_of(body: bytes) -> bytes:
    """Give the SHA-256 of a body."""
    return sha256(body).digest()


def find_change(body: bytes, signed: bytes) -> BodyChange | None:
    """Find the accident that explains why a body does not have the SHA-256 that was signed; None where none does."""
    for change in CHANGES:
        try:
            if any(digest_of(before) == signed for before in change.before(body)):
                return change
        except (ValueError, RecursionError):  # it is not of the kind that this could have happened to
            continue
    return None


def _without_line_break(body: bytes) -> Iterator[bytes]:
    yield body.rstrip(b"\r\n")


def _without_blanks(body: bytes) -> Iterator[bytes]:
    yield body.removeprefix(_MARK).strip()


def _with_line_break(body: bytes) -> Iterator[bytes]:
    yield body + b"\n"
    yield body + b"\r\n"


def _as_written(body: bytes) -> Iterator[bytes]:
    check_values(body)
    value = json.loads(body)
    for separators in _SEPARATORS:
        for ascii_only in (False, True):
            yield json.dumps(value, separators=separators, ensure_ascii=ascii_only).encode()


def _once_less_encoded(body: bytes) -> Iterator[bytes]:
    if body.lstrip().startswith(b'"'):
        yield json.loads(body).encode()


def _from_base64(body: bytes) -> Iterator[bytes]:
    yield b64decode(body.strip(), validate=True)


def _from_latin_1(body: bytes) -> Iterator[bytes]:
    for encoding in ("latin-1", "cp1252"):
        yield body.decode().encode(encoding)


def _from_utf_16(body: bytes) -> Iterator[bytes]:
    yield body.decode("utf-16").strip().encode()


CHANGES: tuple[BodyChange, ...] = (
    BodyChange("a line break was added at its end", _FILE, _without_line_break),
    BodyChange("blanks or a byte order mark were added around it", _FILE, _without_blanks),
    BodyChange("a line break was taken from its end", _FILE, _with_line_break),
    BodyChange("it was saved as UTF-16", "Save it as it came; PowerShell's > writes UTF-16", _from_utf_16),
    BodyChange("it was parsed and written again", _RAW, _as_written),
    BodyChange("it was written as JSON once more, as a text", _RAW, _once_less_encoded),
    BodyChange("it is still base64", "Decode it first: API gateways say so with isBase64Encoded", _from_base64),
    BodyChange("it was read as Latin-1 and written as UTF-8", _RAW, _from_latin_1),
)
