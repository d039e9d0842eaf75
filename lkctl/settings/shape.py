"""What keys and secrets look like."""

import re
from typing import NamedTuple

from lkctl.secret import mask

# `livekit-server generate-keys` (cmd/server/commands.go): "API" + 12 characters; a secret of 43
_KEY = r"API[A-Za-z0-9]{10,16}"
_SHORT_KEY = 8
QUOTES = "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"  # typographic ones are copied from pages
SHORTEST_SAFE_SECRET = 32  # the server logs `secret is too short` below this
DEFAULT_PAIR = ("devkey", "secret")  # of `livekit-server --dev`


class Pair(NamedTuple):
    """An API key and its secret, as plain text; `name` tells how it came about."""

    name: str
    key: str
    secret: str


def looks_like_key(value: str) -> bool:
    """Whether a value has the shape of a generated API key."""
    return re.fullmatch(_KEY, value) is not None


def looks_like_secret(value: str) -> bool:
    """Whether a value could be a secret: it is longer than any key."""
    return len(value) >= SHORTEST_SAFE_SECRET


def looks_swapped(key: str, secret: str) -> bool:
    """Whether key and secret are surely in each other's place."""
    return looks_like_secret(key) and (looks_like_key(secret) or len(secret) < SHORTEST_SAFE_SECRET)


def shorten_key(key: str) -> str:
    """Name an API key without giving it away whole: `APIx7…Qk`; whatever could be a secret is masked."""
    if looks_like_secret(key):
        return mask(key)
    return key if len(key) <= _SHORT_KEY else f"{key[:5]}…{key[-2:]}"


def unquoted(value: str) -> str:
    """Take one pair of quotes, and blanks outside of it, from a value."""
    bare = value.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in QUOTES:
        return bare[1:-1]
    return bare.strip(QUOTES)
