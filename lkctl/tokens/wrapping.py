"""What tokens come wrapped in: a header, quotes, a URL, a JSON body, an assignment."""

import re
from collections.abc import Sequence
from typing import Any

KEYS = ("token", "accessToken", "access_token", "participantToken", "participant_token")
_QUOTES = "\"'`\u2018\u2019\u201c\u201d"
_BLANKS = " \t\r\n\f\v\0\u00a0\ufeff\u200b"
_SEGMENT = "[A-Za-z0-9_-]"
# Compiled by `re` at first use, and kept there: most tokens come bare
_BARE = rf"{_SEGMENT}+\.{_SEGMENT}+\.{_SEGMENT}*"
_TOKEN = rf"eyJ{_SEGMENT}+\.{_SEGMENT}+\."
_WHOLE = rf"{_TOKEN}{_SEGMENT}{{43}}"  # an HS256 signature is that long
_WRAPPINGS = (r"(?i:(?:authorization\s*:\s*)?bearer\s+)", r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]{0,63}+=(?=[\"']?eyJ)")
_WITHIN = rf"(?<!{_SEGMENT})(?<!\.){_WHOLE}(?!{_SEGMENT}|\.)"
_COLOUR = r"\x1b\[[0-9;]*m"
# What stands around a token in a recorded answer or an env file, and is none itself
_TRAPPINGS = (
    r"[A-Z]{3,8} \S+ HTTP/\d|HTTP/\d[. ]",
    r"(?!(?i:authorization|[\w-]*token))[A-Za-z][A-Za-z0-9-]*:\s",
    r"(?:export\s+)?(?!\w*TOKEN)[A-Z_][A-Z0-9_]*=",
)
_URL = r"(?i:https?|wss?)://\S+\Z"


def unwrap(text: str) -> str:
    """Give the token that a text holds, or the text itself without blanks and quotes where it holds none."""
    if re.fullmatch(_BARE, text):
        return text
    bare = (re.sub(_COLOUR, "", text) if "\x1b" in text else text).strip(_BLANKS)
    for _ in range(3):  # such as a quoted header
        before = bare
        bare = _unquoted(bare)
        for wrapping in _WRAPPINGS:
            match = re.match(wrapping, bare)
            bare = bare[match.end() :] if match else bare
        bare = bare.strip(_BLANKS)
        if bare == before:
            break
    if bare.startswith("{"):
        return _from_json(bare) or bare
    if re.match(_URL, bare):
        return _from_url(bare) or bare
    return bare if bare.startswith("eyJ") else _within(bare) or bare


def holds_token(line: str, *, whole: bool = False) -> bool:
    """Whether a line holds a token; with `whole`, one that is surely not continued on the next line."""
    return re.match(_WHOLE if whole else _TOKEN, unwrap(line)) is not None


def is_trapping(line: str) -> bool:
    """Whether a line only comes along with a token: a status, another header, another variable."""
    bare = line.lstrip(_BLANKS)
    return any(re.match(shape, bare) for shape in _TRAPPINGS) and not holds_token(line)


def listed(text: str) -> list[str] | None:
    """Give what a JSON list holds, each as a text that may hold a token; None where the text is no such list."""
    import json

    items = _parsed(text) if text.lstrip(_BLANKS).startswith("[") else None
    if not isinstance(items, list):
        return None
    return [item if isinstance(item, str) else json.dumps(item) for item in items]


def opens_body(line: str) -> bool:
    """Whether a line is the beginning of a JSON body that goes on."""
    return line.lstrip(_BLANKS).startswith("{") and _parsed(line) is None


def join(lines: Sequence[str]) -> str | None:
    """Give the one text that lines are together: a JSON body, a token broken into lines, or no token at all.

    None where each line may be a token of its own.
    """
    text = "\n".join(lines)
    if len(lines) == 1 or (opens_body(lines[0]) and _from_json(text)):
        return text
    together = unwrap("".join(line.strip(_BLANKS) for line in lines))
    if (
        together.startswith("eyJ")
        and re.fullmatch(_BARE, together)
        and not any(holds_token(line, whole=True) for line in lines)
    ):
        return together
    return None if any(map(holds_token, lines)) else text


def _unquoted(text: str) -> str:
    return text.strip(_QUOTES) if text[:1] in _QUOTES or text[-1:] in _QUOTES else text


def _from_json(text: str) -> str | None:
    return _held(_parsed(text), 3)


def _parsed(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _held(body: Any, depth: int) -> str | None:
    if not isinstance(body, dict) or not depth:
        return None
    for key in KEYS:
        if isinstance(body.get(key), str):
            return str(body[key]).strip(_BLANKS)
    return next((found for inner in body.values() if (found := _held(inner, depth - 1))), None)


def _within(text: str) -> str | None:
    """Find the one token somewhere in a text, such as a line of a log or a command."""
    found = set(re.findall(_WITHIN, text)) if "eyJ" in text else set()
    return found.pop() if len(found) == 1 else None


def _from_url(text: str) -> str | None:
    for key in KEYS:
        found = re.search(rf"[?&#]{key}=([^&#\s]+)", text)
        if found:
            return re.sub("%([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), found[1])
    return None
