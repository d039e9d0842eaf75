"""What a text that is no JWT looks like, in words that never hold the text itself: it may be a secret."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lkctl.settings.shape import looks_like_key, looks_like_secret
from lkctl.tokens.wrapping import KEYS

_AWAIT = "Await it: `await token.toJwt()`; toJwt() gives a Promise"
_BASE64URL = "Encode with base64url (- and _ for + and /), without padding"
_CALL = "Call it, and await it if it is async: to_jwt() in Python, `await toJwt()` in JavaScript"
_COPY = "Copy it again, whole: a JWT is header.payload.signature"
_ENDPOINT = "Look at what the token endpoint answers: status, body, logs"
_UNFILLED = "The variable holds no token yet: look at what was to fill it"
_WORDS = ("undefined", "null", "none", "nil", "nan", "true", "false")
_PARTS_OF_JWE = 5
_LONGEST_SECRET = 200
_LONGEST_JUDGED = 4096  # the shapes below are judged by their start; the rest may be megabytes


@dataclass(frozen=True, slots=True)
class Likeness:
    """One thing that is taken for a token by mistake: how it is known, what it is called, what to do."""

    fits: Callable[[str], object]
    name: str
    hint: str


def _starts(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.IGNORECASE).match


def _is(word: str) -> Callable[[str], object]:
    return lambda text: text.lower() == word


_LIKENESSES: tuple[Likeness, ...] = (
    Likeness(lambda text: not text, "it is empty", "Give a token"),
    Likeness(_starts(r"\[object promise\]"), "it is [object Promise], a JavaScript promise made into text", _AWAIT),
    Likeness(_starts(r"\[object "), "it is a JavaScript object made into text", "Pass the token that is in it"),
    Likeness(_starts(r"promise \{"), "it is a JavaScript promise, as console.log shows it", _AWAIT),
    Likeness(_starts(r"<coroutine |<(bound|function|built)|function ?\(|async "), "it is a function as text", _CALL),
    *(Likeness(_is(word), f"it is the word {word}", _UNFILLED) for word in _WORDS),
    Likeness(_is("bearer"), "it is the word Bearer with no token behind it", _UNFILLED),
    Likeness(_starts(r"<(!doctype|html|\?xml)"), "it is a page of HTML or XML", _ENDPOINT),
    Likeness(_starts(r"\$\{?\w|\{\{|%\w+%|<[\w -]+>$|your[-_ ]|xxx"), "it is a placeholder", "Put the token there"),
    Likeness(_starts(r"[a-z][a-z0-9+.-]*://"), "it is a URL without access_token= or token=", "Give the whole URL"),
    Likeness(_starts(r"[\[{]"), "it is JSON that holds no token", f"lkctl looks for the keys {', '.join(KEYS)}"),
    Likeness(looks_like_key, "it looks like an API key", "Key and secret mint a token: lkctl token mint"),
    Likeness(_starts(r"-----BEGIN"), "it is a PEM block", "LiveKit's tokens are signed with HS256 and an API secret"),
    Likeness(re.compile("\u2026|\\.\\.\\.").search, "it was shortened to be shown: there are dots in it", _COPY),
    Likeness(re.compile(r"\s").search, "there are blanks or line breaks in it", _COPY),
    Likeness(re.compile("[\"'`\u2018-\u201f]").search, "there are quotes in it", "Take them away"),
    Likeness(re.compile(r"[=+/]").search, "there is =, + or / in it, which base64url has not", _BASE64URL),
)


def look(text: str, fault: str = "") -> tuple[str, str]:
    """Say what a text looks like, and what to do about it. `fault` is what was found wrong with its parts."""
    start = text[:_LONGEST_JUDGED].strip()
    for likeness in _LIKENESSES:
        if likeness.fits(start):
            return likeness.name, likeness.hint
    return (fault, _COPY) if fault else _by_parts(text)


def _by_parts(text: str) -> tuple[str, str]:
    parts = text.count(".") + 1
    if parts == _PARTS_OF_JWE:
        return "it has five parts: an encrypted token (JWE), which LiveKit does not know", "Sign it with HS256 instead"
    if parts == 1 and not text.startswith("eyJ"):
        secret = len(text) < _LONGEST_SECRET and text.isprintable() and looks_like_secret(text)
        return f"it {'looks like an API secret' if secret else 'has no dot in it'}", "A JWT is header.payload.signature"
    cut = ": it is truncated" if parts < 3 and text.startswith("eyJ") else ""  # noqa: PLR2004
    return f"it has {parts} part{'s' if parts > 1 else ''}, not three{cut}", _COPY
