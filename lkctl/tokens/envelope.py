"""A token taken apart: three segments of base64url, the first two of them JSON objects."""

import re
from binascii import a2b_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lkctl.errors import LkctlError
from lkctl.tokens.document import Document, Problem, read_document

_SEGMENT = re.compile(rb"[A-Za-z0-9_-]*")
_STANDARD = bytes.maketrans(b"-_", b"+/")  # base64.py is this, and an import
_PARTS = 3
_COMMON_HEADERS = {  # of LiveKit's SDKs: of many tokens the header need not be read each time
    b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9": {"alg": "HS256", "typ": "JWT"},
    b"eyJhbGciOiJIUzI1NiJ9": {"alg": "HS256"},
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands in a token, not yet judged. `signature` is None where it is not base64url."""

    header: Mapping[str, Any]
    claims: dict[str, Any]
    problems: tuple[Problem, ...]
    signed: bytes = field(repr=False)
    signature: bytes | None = field(repr=False)
    size: int

    @property
    def broken(self) -> bool:
        """Whether Go cannot read it."""
        return any(problem.breaks for problem in self.problems)


def open_envelope(token: str) -> Envelope:
    """Take a token apart; raise `L01`, naming what the text looks like, where it is none."""
    segments = token.encode("utf-8", "surrogatepass").split(b".")
    if len(segments) != _PARTS:
        raise _no_jwt(token)
    common = _COMMON_HEADERS.get(segments[0])
    header = Document(dict(common)) if common else _document(token, segments[0], "header")
    claims = _document(token, segments[1], "payload")
    signature = decode_segment(segments[2])
    problems = [*_named("header", header), *_named("payload", claims)]
    if signature is None:
        problems.append(Problem("the signature is not base64url", breaks=True))
    signed = segments[0] + b"." + segments[1]
    return Envelope(header.value, claims.value, tuple(problems), signed, signature, len(token))


def decode_segment(segment: bytes) -> bytes | None:
    """Decode base64url without padding; None where it is something else (base64.RawURLEncoding in Go)."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        return None
    return a2b_base64(segment.translate(_STANDARD) + b"=" * (-len(segment) % 4))


def _document(token: str, segment: bytes, name: str) -> Document:
    content = decode_segment(segment)
    if not content:
        raise _no_jwt(token, f"its {name} is {'empty' if content == b'' else 'not base64url'}")
    try:
        document = read_document(content)
    except ValueError as error:
        raise _no_jwt(token, f"its {name} is not JSON: {error}") from None
    if not isinstance(document.value, dict):
        raise _no_jwt(token, f"its {name} is JSON, but no object")
    return document


def _named(name: str, document: Document) -> list[Problem]:
    return [
        Problem(f"in the {name}: {problem.message}", problem.breaks or (problem.overflows and name == "header"))
        for problem in document.problems
    ]


def _no_jwt(token: str, fault: str = "") -> LkctlError:
    from lkctl.tokens.lookalike import look

    looks, hint = look(token, fault)
    return LkctlError("L01", f"not a JWT: {looks}", hint=hint)
