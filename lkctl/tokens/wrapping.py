"""What tokens come wrapped in: a header, quotes, a URL, a JSON body, an assignment."""

import json
import re
from typing import Any

KEYS = ("token", "accessToken", "access_token", "participantToken", "participant_token")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_BLANKS = " \t\r\n\f\v\u00a0\ufeff\u200b"
_SCHEME = re.compile(r"(?:authorization\s*:\s*)?bearer\s+", re.IGNORECASE)
_URL = re.compile(r"(?:https?|wss?)://\S+\Z", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]{0,63}=(?=[\"']?eyJ)")
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.")


def unwrap(text: str) -> str:
    """Give the token that a text holds, or the text itself without blanks and quotes where it holds none."""
    bare = text.strip(_BLANKS)
    for _ in range(3):  # such as a quoted header
        before = bare
        bare = _unquoted(bare)
        for wrapping in (_SCHEME, _ASSIGNMENT):
            match = wrapping.match(bare)
            bare = bare[match.end() :] if match else bare
        bare = bare.strip(_BLANKS)
        if bare == before:
            break
    if bare.startswith("{"):
        return _from_json(bare) or bare
    return _from_url(bare) or bare if _URL.match(bare) else bare


def split_tokens(text: str) -> list[tuple[int, str]]:
    """Give the lines of a text, with their numbers, where each may be a token of its own; else the text as one.

    Blank lines are left out, and counted.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip(_BLANKS)]
    if len(lines) < 2 or (text.lstrip().startswith("{") and _from_json(text)):  # noqa: PLR2004
        return [(1, text)]
    return lines if any(_TOKEN.match(unwrap(line)) for _, line in lines) else [(1, text)]


def _unquoted(text: str) -> str:
    return text.strip(_QUOTES) if text[:1] in _QUOTES or text[-1:] in _QUOTES else text


def _from_json(text: str) -> str | None:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _held(body, 3)


def _held(body: Any, depth: int) -> str | None:
    if not isinstance(body, dict) or not depth:
        return None
    for key in KEYS:
        if isinstance(body.get(key), str):
            return str(body[key]).strip(_BLANKS)
    return next((found for inner in body.values() if (found := _held(inner, depth - 1))), None)


def _from_url(text: str) -> str | None:
    for key in KEYS:
        found = re.search(rf"[?&#]{key}=([^&#\s]+)", text)
        if found:
            return re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), found[1])
    return None
