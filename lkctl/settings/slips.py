"""What happens to a key or a secret on its way from where it was made to where it is read, and how it is undone."""

import re
from binascii import Error, a2b_base64
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lkctl.settings.shape import DEFAULT_PAIR, QUOTES, Pair, looks_like_key, looks_like_secret, looks_swapped, unquoted

# Blanks, line ends, and what is invisible: zero-width and no-break blanks, byte order marks
_AROUND = " \t\r\n\v\f\x00\x7f\u00a0\u200b\u200c\u200d\u2028\u2029\u2060\ufeff"
_NAME = re.compile(r"(?:export\s+)?(?:LIVEKIT_)?API_?(?:KEY|SECRET)\s*[=:]\s*", re.IGNORECASE)
_BRACKETS = {"<": ">", "[": "]", "{": "}", "(": ")"}
_SHORTEST_BASE64 = 8


class Slip(NamedTuple):
    """One thing that happens to values: `said` of a value that it happened to, and `hint` where it stands."""

    name: str
    undo: Callable[[str], str]
    said: str
    undone: str
    hint: str


def _bare(value: str) -> str:
    return value.strip(_AROUND)


def _unbracketed(value: str) -> str:
    bare = _bare(value)
    return bare[1:-1] if len(bare) > 1 and _BRACKETS.get(bare[0]) == bare[-1] else value


def _unpunctuated(value: str) -> str:
    bare = _bare(value)
    return unquoted(bare.rstrip(",;")) if bare[-1:] in {",", ";"} else value


def _without_escaped_end(value: str) -> str:
    return re.sub(r"(?:\\r|\\n|%0[aA]|%0[dD])+$", "", _bare(value))


def _without_comment(value: str) -> str:
    return re.split(r"\s+(?:#|//)", value, maxsplit=1)[0]


def _halved(value: str) -> str:
    half = len(value) // 2
    return value[:half] if half and value == value[:half] * 2 else value


def _percent_decoded(value: str) -> str:
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), value)


def _base64_decoded(value: str) -> str:
    """Decode what base64 gives printable ASCII; leave the rest as it is."""
    if len(value) < _SHORTEST_BASE64:
        return value
    try:
        decoded = a2b_base64(value + "=" * (-len(value) % 4), strict_mode=True).decode("ascii").strip(_AROUND)
    except (Error, ValueError):
        return value
    return decoded if decoded.isprintable() else value


SLIPS: tuple[Slip, ...] = (
    Slip("blank", _bare, "has blanks around it", "without them", "Take the blanks away there"),
    Slip("quoted", unquoted, "has quotes around it", "without them", "Take the quotes away there"),
    Slip("punctuated", _unpunctuated, "has a comma or semicolon behind it", "without it", "Take it away there"),
    Slip("bracketed", _unbracketed, "has brackets around it", "without them", "Take the brackets away there"),
    Slip("escaped", _without_escaped_end, r"ends in a written-out \n", "without it", r"Take the \n away there"),
    Slip("named", lambda value: _NAME.sub("", _bare(value), count=1), "begins with a name and =", "without them",
         "Leave the value alone there"),
    Slip("commented", _without_comment, "has a comment behind it that is read as part of it", "without it",
         "Take the comment away there"),
    Slip("broken", lambda value: "".join(value.split()), "has a blank or a line break inside", "without it",
         "Write it in one piece there"),
    Slip("doubled", _halved, "was pasted twice", "once", "Keep one half there"),
    Slip("dollars", lambda value: value.replace("$$", "$"), "has $$ where $ is meant", "with $",
         "Only compose files want $$; write $ there"),
    Slip("backslashes", lambda value: re.sub(r"\\(.)", r"\1", value), "has backslashes that nobody takes away",
         "without them", "Take the backslashes away there"),
    Slip("percent", _percent_decoded, "is percent-encoded, as in a URL", "decoded", "Write it as it is there"),
    Slip("base64", _base64_decoded, "is base64-encoded, as in a Kubernetes secret", "decoded",
         "Write what `base64 -d` makes of it"),
    Slip("lower", str.lower, "has capital letters", "in small letters", "Write it in small letters there"),
    Slip("upper", str.upper, "has small letters", "in capital letters", "Write it in capital letters there"),
)  # fmt: skip
_CASES = ("lower", "upper")


def find_slip(name: str) -> Slip | None:
    """Give a slip by its name."""
    return next((slip for slip in SLIPS if slip.name == name), None)


def likely_meant(key: str, secret: str, *, key_known: bool = False) -> Iterator[Pair]:
    """Give the pairs that the user may have meant, most likely first, without the given one.

    `key_known`: the server knows the key, so that only the secret is in question. The swapped pair comes only where
    the shapes say so: trying it means to show the secret to the server.
    """
    candidates = [pair for slip in SLIPS for pair in _undone(slip, key, secret, key_known=key_known)]
    bare_key, bare_secret = unquoted(key), unquoted(secret)
    if looks_swapped(bare_key, bare_secret):
        candidates.insert(0, Pair("swapped", bare_secret, bare_key))
    candidates.append(Pair("default-pair", *DEFAULT_PAIR))
    seen = {(key, secret)}
    for pair in candidates:
        if (pair.key, pair.secret) not in seen and pair.key and pair.secret:
            seen.add((pair.key, pair.secret))
            yield pair


def _undone(slip: Slip, key: str, secret: str, *, key_known: bool) -> Iterator[Pair]:
    if slip.name in _CASES and (key, secret) == DEFAULT_PAIR:
        return
    changed_key = key if key_known else _clean(slip, key)
    changed_secret = _clean(slip, secret)
    if slip.name in _CASES and changed_key != key:  # a secret may have kept its case where the key lost its own
        yield Pair(slip.name, changed_key, secret)
    if (changed_key, changed_secret) != (key, secret):
        yield Pair(slip.name, changed_key, changed_secret)


def _clean(slip: Slip, value: str) -> str:
    """Undo a slip, and blanks and quotes with it where it did happen; a generated value has its case by chance."""
    if slip.name in _CASES and (looks_like_key(value) or looks_like_secret(value)):
        return value
    undone = slip.undo(value)
    if undone == value:
        return value
    return undone if slip.name == "blank" else unquoted(undone).strip(QUOTES)
