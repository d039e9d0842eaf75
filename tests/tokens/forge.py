"""Makes tokens that no minting tool would make."""

import base64
import hmac
import json
from typing import Any

from lkctl.settings.shape import Pair
from lkctl.tokens.decoding import Decoded, decode

KEY = "APIforged1234567"
SECRET = "forged-secret-that-is-long-enough-0123456789"
PAIR = Pair("given", KEY, SECRET)
NOW = 1_795_000_000
ID = "user_1704067200000_abc123"
HEADER = {"alg": "HS256", "typ": "JWT"}
VIDEO = {"roomJoin": True, "room": "demo"}
BASE: dict[str, Any] = {"iss": KEY, "sub": "alice", "exp": NOW + 3600, "video": VIDEO}


def segment(content: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def as_bytes(content: Any) -> bytes:
    """Write JSON, or leave bytes and text as they are."""
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def forge(payload: Any, header: Any = None, *, secret: str = SECRET, digest: str = "sha256") -> str:
    """Make a token of any header and payload, given as values, text or bytes."""
    signed = f"{segment(as_bytes(HEADER if header is None else header))}.{segment(as_bytes(payload))}"
    return f"{signed}.{segment(hmac.digest(secret.encode(), signed.encode(), digest))}"


def claims(**changes: Any) -> dict[str, Any]:
    """Give good claims with changes; `...` takes a claim away."""
    return {name: value for name, value in {**BASE, **changes}.items() if value is not ...}


def token(**changes: Any) -> str:
    """Make a good token with changed claims."""
    return forge(claims(**changes))


def video(**changes: Any) -> str:
    """Make a good token with changed video grants; `...` takes one away."""
    return token(video={name: value for name, value in {**VIDEO, **changes}.items() if value is not ...})


def text_with(extra: str, **changes: Any) -> str:
    """Give the JSON text of good claims with more text at its end, such as a second key of the same name."""
    return json.dumps(claims(**changes))[:-1] + "," + extra + "}"


def read(text: str, pair: Pair | None = PAIR, now: float = NOW) -> Decoded:
    """Decode at the fixed time."""
    return decode(text, pair, now=now)


def ids(decoded: Decoded) -> dict[str, str]:
    """Give the findings: rule and severity (the worst of a rule)."""
    return {finding.id: finding.severity.value for finding in reversed(decoded.findings)}
