"""JSON as it stands in a token: read without giving up on what Python's or Go's reader would stumble over."""

import json
from collections.abc import Iterable
from math import isfinite
from typing import Any, NamedTuple

from lkctl.errors import LkctlError

DEEPEST = 100  # levels; the deepest that LiveKit itself writes is under ten
_MOST_DIGITS = 310  # with a minus; more never fit the 64-bit float that Go reads a number into
_MOST_PLAIN_DIGITS = 300  # whatever is shorter fits
_SHOWN = 40
_TOO_DEEP = f"it is nested deeper than {DEEPEST} levels"
NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"  # decode.go isValidNumber
SURROGATE = "[\ud800-\udfff]"


class Repeating(dict[str, Any]):
    """An object in which a key was repeated; it holds the last value of each, `pairs` all of them in order."""

    pairs: tuple[tuple[str, Any], ...] = ()


class Unfit(str):
    """A number that is none in Go: NaN, Infinity, or out of range. Shown as the text that was there."""

    __slots__ = ()


class Problem(NamedTuple):
    """Something that strict readers refuse. `breaks`: Go refuses the whole document for it.

    `overflows`: Go refuses it where it keeps values of any type, as it does in a token's header.
    """

    message: str
    breaks: bool
    overflows: bool = False


class Document(NamedTuple):
    """What was read, and what was wrong with it."""

    value: Any
    problems: tuple[Problem, ...] = ()


def read_document(content: bytes | str) -> Document:
    """Read JSON; raise ValueError, with a reason that holds nothing of the content, where nothing can be read."""
    try:
        text = content if isinstance(content, str) else content.decode()
        document = Document(STRICT.decode(text))
    except (ValueError, RecursionError):
        document = _read_odd(content)
        text = ""
    if _too_deep(text, document.value):
        raise ValueError(_TOO_DEEP)
    return document


def read_strictly(text: str, name: str) -> Any:
    """Read JSON that all readers take for the same: no key twice, no number out of range, no NaN.

    Raises `input-malformed` with the place or the fault, and not with the text: it may be a secret.
    """
    try:
        value = STRICT.decode(text)
    except json.JSONDecodeError as error:
        told = f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        hint = 'JSON wants double quotes, as in {"userId": "user_1704067200000_abc123"}; mind the quoting around it'
        raise LkctlError("input-malformed", told, hint=hint) from None
    except (ValueError, RecursionError):
        raise _unusable(name, _odd(text)) from None
    if _too_deep(text, value):
        raise _unusable(name, _TOO_DEEP)
    return value


def _unusable(name: str, fault: str) -> LkctlError:
    hint = "Write it so that all readers of JSON take it for the same"
    return LkctlError("input-malformed", f"{name} is not usable JSON: {fault}", hint=hint)


def _too_deep(text: str, value: Any) -> bool:
    """Tell whether a value is nested deeper than lkctl reads, knowing its JSON text; "" where that is not known."""
    may_be = not text or text.count("{") + text.count("[") > DEEPEST
    return may_be and _has_more_levels(value)


def _odd(text: str) -> str:
    """Say what is wrong with JSON that Python's own reader would take."""
    try:
        return read_document(text).problems[0].message
    except ValueError as error:
        return str(error)


def _read_odd(content: bytes | str) -> Document:
    problems: list[Problem] = []
    value = _decoder(problems).decode(_text(content, problems))
    return Document(value, tuple(dict.fromkeys(problems)))


def pairs_of(fields: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Give keys and values in order, repeated ones included."""
    return fields.pairs if isinstance(fields, Repeating) else fields.items()


def shown(text: str) -> str:
    """Quote a foreign text for a message, cut to a readable length."""
    return repr(text) if len(text) <= _SHOWN else f"{text[:_SHOWN]!r}… ({len(text)} characters)"


class _Decoder(json.JSONDecoder):
    def decode(self, s: str, *args: Any) -> Any:
        try:
            return super().decode(s, *args)
        except json.JSONDecodeError as error:
            raise ValueError(f"it breaks at character {error.pos + 1} of {len(s)}") from None
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None


def _decoder(problems: list[Problem]) -> _Decoder:
    def integer(digits: str) -> int | Unfit:
        return int(digits) if len(digits) <= _MOST_DIGITS and isfinite(float(digits)) else unfit(digits)

    def real(digits: str) -> float | Unfit:
        number = float(digits)
        return number if isfinite(number) else unfit(digits)

    def unfit(digits: str) -> Unfit:
        cut = digits if len(digits) <= _SHOWN else digits[:_SHOWN] + "…"
        problems.append(Problem(f"it holds the number {cut}, which is out of range", breaks=False, overflows=True))
        return Unfit(cut)

    def constant(name: str) -> Unfit:
        problems.append(Problem(f"it holds {name}, which is not JSON", breaks=True))
        return Unfit(name)

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        plain = dict(pairs)
        if len(plain) == len(pairs):
            return plain
        repeating = Repeating(plain)
        repeating.pairs = tuple(pairs)
        told = (f"the key {shown(name)} is given more than once" for name in _repeated(pairs))
        problems.extend(Problem(message, breaks=False) for message in told)
        return repeating

    return _Decoder(parse_int=integer, parse_float=real, parse_constant=constant, object_pairs_hook=fields)


def _plain_integer(digits: str) -> int:
    if len(digits) > _MOST_PLAIN_DIGITS:
        raise ValueError(digits[:_SHOWN])
    return int(digits)


def _plain_real(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(digits[:_SHOWN])
    return number


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _plain_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        raise ValueError("repeated")
    return plain


# For what nobody stumbles over, made once; it raises ValueError where `_decoder` has something to say
STRICT = json.JSONDecoder(
    parse_int=_plain_integer,
    parse_float=_plain_real,
    parse_constant=_no_constant,
    object_pairs_hook=_plain_fields,
)


def _repeated(pairs: list[tuple[str, Any]]) -> list[str]:
    seen: set[str] = set()
    return list(dict.fromkeys(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]


def _text(content: bytes | str, problems: list[Problem]) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        problems.append(Problem(f"byte {error.start} of it is not UTF-8", breaks=False))
        return content.decode(errors="surrogateescape")  # Go, too, tells them from U+FFFD in a roomConfig


def _has_more_levels(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, (dict, list)) for inner in _children(outer)]
        if not level:
            return False
    return True


def _children(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return (value for _, value in pairs_of(outer)) if isinstance(outer, dict) else outer
