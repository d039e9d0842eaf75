"""JSON values as protobuf's reader for Go takes them: which value fits which type of field.

Names in camelCase and in snake_case both count, unknown fields are passed over, `null` leaves a field as it is.
Source: protobuf-go 1.36.11 encoding/protojson/decode.go, with DiscardUnknown (livekit/protocol utils/protojson).
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

from lkctl.tokens.document import NUMBER, Unfit, pairs_of

if TYPE_CHECKING:
    from decimal import Decimal

# A number written as text ends where Go's reader takes it for whole, even with more behind it: "5 apples" is 5
_WRITTEN = re.compile(rf"({NUMBER})(?![-+._a-zA-Z0-9])")
_BLANK_END = re.compile(r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]\Z")  # unicode.IsSpace
_NO_NUMBERS = {"NaN", "Infinity", "-Infinity"}

Check = Callable[[Any], str]  # gives what is wrong, or ""


class Message(NamedTuple):
    """A message of protobuf: its fields by their names in JSON; `spellings` lead there; `oneofs` exclude each other."""

    fields: Mapping[str, Check]
    spellings: Mapping[str, str]
    oneofs: tuple[frozenset[str], ...]


def message(fields: Mapping[str, Check], *oneofs: Mapping[str, Check]) -> Message:
    """Make a message from its fields' names in the .proto file."""
    checks = {name: check for group in (fields, *oneofs) for name, check in group.items()}
    spellings = {spelt: _camel(name) for name in checks for spelt in (name, _camel(name))}
    excluding = tuple(frozenset(map(_camel, oneof)) for oneof in oneofs)
    return Message({_camel(name): check for name, check in checks.items()}, spellings, excluding)


def every(check: Check, names: str) -> dict[str, Check]:
    """Give all these names, parted by blanks, the same check."""
    return dict.fromkeys(names.split(), check)


def fault_of(value: Any, kind: Message) -> str:
    """Tell why a value is no such message, such as `.metadata is no text`; "" where it is one."""
    if not isinstance(value, dict):
        return "is no object"
    named: set[str] = set()
    given: set[str] = set()
    for key, item in pairs_of(value):
        name = kind.spellings.get(key)
        if name is None:
            continue
        fault = "is given more than once" if name in named else _field_fault(name, item, given, kind)
        if fault:
            return f".{name}{'' if fault.startswith('.') else ' '}{fault}"
        named.add(name)
        given.update([] if item is None else [name])
    return ""


def one(kind: Message) -> Check:
    """Check one message."""
    return lambda value: fault_of(value, kind)


def many(check: Check) -> Check:
    """Check a list."""

    def each(value: Any) -> str:
        if not isinstance(value, list):
            return "is no list"
        return next((fault for fault in map(check, value) if fault), "")

    return each


def text(value: Any) -> str:
    """Check a string."""
    return "" if isinstance(value, str) and not isinstance(value, Unfit) else "is no text"


def texts_by_name(value: Any) -> str:
    """Check a map<string, string>."""
    if not isinstance(value, dict):
        return "is no object"
    pairs = list(pairs_of(value))
    if len(pairs) != len(value):
        return "holds a key twice"
    return "" if all(text(item) == "" for _, item in pairs) else "holds a value that is no text"


def flag(value: Any) -> str:
    """Check a bool."""
    return "" if isinstance(value, bool) else "is neither true nor false"


def count(value: Any) -> str:
    """Check a uint32."""
    return "" if _is_whole(value, 0, 2**32) else "is no count"


def integer(value: Any) -> str:
    """Check an int32."""
    return "" if _is_whole(value, -(2**31), 2**31) else "is no integer"


def real(value: Any) -> str:
    """Check a double."""
    number = _number(value)
    fits = value in _NO_NUMBERS if text(value) == "" and number is None else _is_finite(number)
    return "" if fits else "is no number"


def choice(value: Any) -> str:
    """Check an enum: a name, known or not, or a number."""
    return "" if text(value) == "" or (not isinstance(value, str) and integer(value) == "") else "is no enum value"


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), name)


def _field_fault(name: str, item: Any, given: set[str], kind: Message) -> str:
    if item is None:
        return ""
    rivals = sorted(rival for oneof in kind.oneofs if name in oneof for rival in oneof & given)
    return f"is given beside {rivals[0]}" if rivals else kind.fields[name](item)


def _is_whole(value: Any, least: int, end: int) -> bool:
    number = _number(value)
    return number is not None and least <= number < end and number == int(number)


def _is_finite(number: "int | Decimal | None") -> bool:
    try:
        return number is not None and isfinite(float(number))
    except OverflowError:
        return False


def _number(value: Any) -> "int | Decimal | None":
    """Read a number, or text that is one, without rounding; None where it is none."""
    if isinstance(value, (bool, Unfit)) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and _BLANK_END.search(value):
        return None
    found = _WRITTEN.match(value) if isinstance(value, str) else None
    if isinstance(value, str) and not found:
        return None
    return value if isinstance(value, int) else _exactly(found[1] if found else value)


def _exactly(number: str | float) -> "Decimal | None":
    from decimal import Decimal

    try:
        return Decimal(number)
    except ArithmeticError:  # an exponent of twenty digits
        return None
