"""The one signer: HS256 as the standard library has it, for whatever lkctl signs.

Proven byte for byte against PyJWT and `livekit.api.AccessToken` in tests/tokens/test_oracle.py. A token made with PyJWT
costs half of a whole `token mint` more.
"""

from binascii import b2a_base64
from collections.abc import Mapping
from json import JSONEncoder
from typing import Any

try:  # by way of hashlib or hmac, OpenSSL is loaded: as long as a quarter of what a mint needs beside Typer
    from _sha2 import sha256  # type: ignore[import-not-found]
except ImportError:  # Python 3.11, or one built without
    from hashlib import sha256

HEADER: Mapping[str, str] = {"alg": "HS256", "typ": "JWT"}

_BLOCK = 64  # bytes that SHA-256 takes at once
_INNER, _OUTER = (bytes(byte ^ mask for byte in range(256)) for mask in (0x36, 0x5C))
_URLSAFE = bytes.maketrans(b"+/", b"-_")  # base64.py is this, and an import

# As json.dumps(claims, separators=(",", ":")): PyJWT's spelling. NaN would make a token that no server reads
_ENCODE = JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def sign(claims: Mapping[str, Any], secret: str) -> str:
    """Make the token that holds these claims, in their order; raise ValueError for what JSON cannot hold."""
    return Signer(secret).sign(encode(claims))


def encode(claims: Mapping[str, Any]) -> str:
    """Give claims as the JSON text that is signed, in ASCII; raise ValueError for what JSON cannot hold."""
    return _ENCODE(dict(claims))


class Signer:
    """Signs texts with one secret: the key is worked in once.

    Two prepared SHA-256 states are what an HMAC is (RFC 2104); a copy of an `hmac` object takes half as long again.
    """

    def __init__(self, secret: str) -> None:
        key = secret.encode("utf-8", "surrogateescape")
        block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
        self._inner = sha256(block.translate(_INNER))
        self._outer = sha256(block.translate(_OUTER))

    def sign(self, claims: str) -> str:
        """Make the token that holds these claims, a JSON text in ASCII (`encode`)."""
        signed = _HEADER_SEGMENT + b"." + _segment(claims.encode("ascii"))
        return (signed + b"." + _segment(self.mac(signed))).decode()

    def mac(self, signed: bytes) -> bytes:
        """Give the HMAC-SHA256 of `header.payload`."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(signed)
        outer.update(inner.digest())
        return bytes(outer.digest())


def matches(signed: bytes, signature: bytes, secret: str) -> bool:
    """Tell, in constant time, whether a signature over `header.payload` was made with this secret."""
    from hmac import compare_digest  # what only signs has no use for it

    return compare_digest(Signer(secret).mac(signed), signature)


def api_token(key: str, secret: str, grants: Mapping[str, Any], now: float, ttl: float = 60) -> str:
    """Make the token for one call of the API, with these video grants, such as {"roomList": True}.

    With `nbf`, as livekit-api makes them: a clock that is off is refused here as it would be in an agent.
    """
    return sign({"iss": key, "nbf": int(now), "exp": int(now + ttl), "video": dict(grants)}, secret)


def _segment(content: bytes) -> bytes:
    return b2a_base64(content, newline=False).rstrip(b"=").translate(_URLSAFE)


_HEADER_SEGMENT = _segment(_ENCODE(dict(HEADER)).encode())
