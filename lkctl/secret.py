"""The one type for secrets, and the one redaction of text that may hold them."""

import re

_LONGEST_TOO_COMMON = 7  # shorter values (such as `secret`) are words of our own messages
_JWT = r"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_=-]*){0,4}"
_CONTROL = r"\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff"
# Compiled by `re` at first use, and kept there: an offline command has no use for them

_in_use: set[str] = set()


class Secret:
    """A value that never prints itself: `str`, `repr` and JSON are masked; `reveal()` is the only way to see it.

    Every Secret made in a process is struck from all that the process prints (`scrub`).
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        """Give the value itself, for signing and for `--reveal`."""
        return self._value

    def __str__(self) -> str:
        return mask(self._value)

    def __repr__(self) -> str:
        return f"Secret({mask(self._value)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


def remember(value: str) -> None:
    """Strike `value` from everything that is printed from now on; values under 8 characters are too common for it."""
    bare = value.strip("\"' \t\r\n")  # what stands around it stays: quotes there may be those of a JSON text
    if len(bare) > _LONGEST_TOO_COMMON:
        _in_use.add(bare)
        _in_use.add(bare.replace("\\", "\\\\").replace('"', '\\"'))


def secrets_in_use() -> frozenset[str]:
    """Give what `scrub` strikes, for those who must find it in other spellings, too."""
    return frozenset(_in_use)


def mask(value: str) -> str:
    """Say that a secret is there and how long it is, and nothing of what it is."""
    return f"(secret, {len(value)} characters)" if value else "(empty)"


def scrub(text: str) -> str:
    """Strike JWTs and every secret in use from a text."""
    if "eyJ" in text:
        text = re.sub(_JWT, "<JWT>", text)
    for value in tuple(_in_use):  # a copy: other threads may learn of a secret meanwhile
        if value in text:
            text = text.replace(value, "<secret>")
    return text


def printable(text: str, *, lines: bool = False) -> str:
    r"""Make foreign text safe for a terminal: control, direction and broken characters become `\x1b`-like escapes.

    With `lines`, line breaks stay.
    """
    if text.isprintable():
        return text
    return re.sub(rf"[\x00-\x09\x0b-\x1f{_CONTROL}]" if lines else rf"[\x00-\x1f{_CONTROL}]", _escape, text)


def _escape(match: re.Match[str]) -> str:
    point = ord(match.group())
    names = {9: "\\t", 10: "\\n", 13: "\\r"}
    return names.get(point) or (f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}")  # noqa: PLR2004
