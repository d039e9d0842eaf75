"""The one signer: HS256 as the standard library has it, for whatever lkctl signs.

Proven byte for byte against PyJWT and `livekit.api.AccessToken` in tests/tokens/test_oracle.py. A token made with PyJWT
costs half of a whole `token mint` more.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Mapping
from json import JSONEncoder
from typing import Any

HEADER: Mapping[str, str] = {"alg": "HS256", "typ": "JWT"}

_URLSAFE = bytes.maketrans(b"+/", b"-_")  # base64.py is this, and an import

# As json.dumps(claims, separators=(",", ":")): PyJWT's spelling. NaN would make a token that no server reads
_ENCODE = JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def sign(claims: Mapping[str, Any], secret: str) -> str:
    """Make the token that holds these claims, in their order; raise ValueError for what JSON cannot hold."""
    signed = f"{_HEADER_SEGMENT}.{_segment(_ENCODE(dict(claims)).encode())}"
    return f"{signed}.{_segment(_mac(signed.encode(), secret))}"


def matches(signed: bytes, signature: bytes, secret: str) -> bool:
    """Tell, in constant time, whether a signature over `header.payload` was made with this secret."""
    return hmac.compare_digest(_mac(signed, secret), signature)


def api_token(key: str, secret: str, grants: Mapping[str, Any], now: float, ttl: float = 60) -> str:
    """Make the token for one call of the API, with these video grants, such as {"roomList": True}.

    With `nbf`, as livekit-api makes them: a clock that is off is refused here as it would be in an agent.
    """
    return sign({"iss": key, "nbf": int(now), "exp": int(now + ttl), "video": dict(grants)}, secret)


def _mac(signed: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode("utf-8", "surrogateescape"), signed, "sha256")


def _segment(content: bytes) -> str:
    return b2a_base64(content, newline=False).rstrip(b"=").translate(_URLSAFE).decode()


_HEADER_SEGMENT = _segment(_ENCODE(dict(HEADER)).encode())
