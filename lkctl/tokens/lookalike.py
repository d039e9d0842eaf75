"""What a text that is no JWT looks like, in words that never hold the text itself: it may be a secret."""

import re
from functools import cache
from typing import NamedTuple

from lkctl.settings.shape import looks_like_key, looks_like_secret
from lkctl.tokens.wrapping import KEYS

_AWAIT = "Await it: `await token.toJwt()`; toJwt() returns a Promise"
_BASE64URL = "Encode with base64url (- and _ for + and /), without padding"
_CALL = "Call it, and await it if it is async: to_jwt() in Python, `await toJwt()` in JavaScript"
_COPY = "Copy it again, whole: a JWT is header.payload.signature"
_ENDPOINT = "Look at what the token endpoint answers: status, body, logs"
_UNFILLED = "The variable holds no token yet: look at what should fill it"
_WORDS = ("undefined", "null", "none", "nil", "nan", "true", "false")
_PARTS_OF_JWE = 5
_LONGEST_SECRET = 200
_LONGEST_JUDGED = 4096  # the shapes below are judged by their start; the rest may be megabytes


class Likeness(NamedTuple):
    """One thing that is taken for a token by mistake: how it begins (without letter case), what it is, what to do."""

    pattern: str
    name: str
    hint: str


_LIKENESSES: tuple[Likeness, ...] = (
    Likeness(r"\Z", "it is empty", "Give a token"),
    Likeness(r"\[object promise\]", "it is [object Promise], a JavaScript promise turned into text", _AWAIT),
    Likeness(r"\[object ", "it is a JavaScript object turned into text", "Pass the token that is in it"),
    Likeness(r"promise \{", "it is a JavaScript promise, as console.log shows it", _AWAIT),
    Likeness(r"<coroutine |<(?:bound|function|built)|function ?\(|async ", "it is a function as text", _CALL),
    *(Likeness(rf"{word}\Z", f"it is the word {word}", _UNFILLED) for word in _WORDS),
    Likeness(r"bearer\Z", "it is the word Bearer with no token after it", _UNFILLED),
    Likeness(r"<(?:!doctype|html|\?xml)", "it is a page of HTML or XML", _ENDPOINT),
    Likeness(r"\$\{?\w|\{\{|%\w++%|<[\w -]+>\Z|your[-_ ]|xxx", "it is a placeholder", "Put the token there"),
    Likeness(r"[a-z][a-z0-9+.-]*+://", "it is a URL without access_token= or token=", "Give the whole URL"),
    Likeness(r"[\[{]", "it is JSON that holds no token", f"lkctl looks for the keys {', '.join(KEYS)}"),
    Likeness(r"-----BEGIN", "it is a PEM block", "LiveKit's tokens are signed with HS256 and an API secret"),
    Likeness(r".*?(?:\u2026|\.\.\.)", "it was shortened for display: there are dots in it", _COPY),
    Likeness(r"\S*+\s", "there are blanks or line breaks in it", _COPY),
    Likeness(r".*?[\"'`\u2018-\u201f]", "there are quotes in it", "Remove them"),
    Likeness(r".*?[=+/]", "there is =, + or / in it, which base64url does not use", _BASE64URL),
)


@cache
def _any() -> re.Pattern[str]:
    """Give all patterns as one, the first that fits counts; compiled when something is no JWT."""
    return re.compile("|".join(f"({likeness.pattern})" for likeness in _LIKENESSES), re.IGNORECASE | re.DOTALL)


def look(text: str, fault: str = "") -> tuple[str, str]:
    """Say what a text looks like, and what to do about it. `fault` is what was found wrong with its parts."""
    start = text[:_LONGEST_JUDGED].strip()
    match = _any().match(start)
    if match is not None and match.lastindex is not None:
        likeness = _LIKENESSES[match.lastindex - 1]
        return likeness.name, likeness.hint
    if looks_like_key(start):
        return "it looks like an API key", "Key and secret mint a token: lkctl token mint"
    return (fault, _COPY) if fault else _by_parts(text)


def _by_parts(text: str) -> tuple[str, str]:
    parts = text.count(".") + 1
    if parts == _PARTS_OF_JWE:
        return (
            "it has five parts: an encrypted token (JWE), which LiveKit does not support",
            "Sign it with HS256 instead",
        )
    if parts == 1 and not text.startswith("eyJ"):
        secret = len(text) < _LONGEST_SECRET and text.isprintable() and looks_like_secret(text)
        return f"it {'looks like an API secret' if secret else 'has no dot in it'}", "A JWT is header.payload.signature"
    cut = ": it is truncated" if parts < 3 and text.startswith("eyJ") else ""  # noqa: PLR2004
    return f"it has {parts} part{'s' if parts > 1 else ''}, not three{cut}", _COPY
