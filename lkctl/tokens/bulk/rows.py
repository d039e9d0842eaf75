"""What a row of CSV or JSONL asks for: columns by name, each cell a text.

A row is a dict of texts under the names of its columns; what a row does not ask for is not in it. An empty cell of CSV
means just that, for CSV has no other way to say it. `identity` and `user_id` are never empty: that would be an unset
variable, and the token one for somebody else. In JSONL, where a key can be left out, nothing is empty but an attribute.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from json import JSONDecodeError
from typing import Any, cast

from lkctl.convention import metadata_text
from lkctl.errors import LkctlError
from lkctl.tokens.document import STRICT, read_strictly

COLUMNS = ("identity", "user_id", "room", "name", "metadata", "ttl", "role")
ATTRIBUTE = "attribute."  # attribute.plan holds the attribute plan
ATTRIBUTES = "attributes"  # in JSONL also as an object
_NEVER_EMPTY = ("identity", "user_id")
_MOST_FORMS = 256  # sets of keys that are remembered as sound
_UNQUOTED = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}

Row = dict[str, str]


def column_of(heading: str) -> str:
    """Give the column that a heading of CSV means: spreadsheets begin with a capital, and have blanks around."""
    bare = heading.strip()
    folded = bare.lower()
    if folded.startswith(ATTRIBUTE):
        return ATTRIBUTE + bare[len(ATTRIBUTE) :]
    return folded if folded in COLUMNS else bare


def check_columns(names: Sequence[str], *, more: Iterable[str] = ()) -> None:
    """Let the names of columns pass that there are; raise `input-malformed` for another, or for one given twice."""
    known = {*COLUMNS, *more}
    for place, name in enumerate(names, 1):
        if not name:
            raise LkctlError("input-malformed", f"column {place} has no name", hint=_columns())
        if name not in known and not (name.startswith(ATTRIBUTE) and name != ATTRIBUTE):
            raise LkctlError("input-malformed", f"there is no column {_short(name)!r}", hint=_meant(name, known))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise LkctlError("input-malformed", f"the column {_short(twice)!r} is there twice", hint="Give it once")


def read_cells(names: Sequence[str], cells: Sequence[str]) -> Row:
    """Read a row of CSV under its header; raise `input-malformed` where they do not fit, or who it is for is empty."""
    if len(cells) != len(names):
        told = f"the row has {_count(len(cells))}, the header {len(names)}"
        raise LkctlError("input-malformed", told, hint="Put a cell that holds the delimiter or a line break in quotes")
    row = dict(zip(names, cells, strict=True))
    if "" not in cells:
        return row
    for name in _NEVER_EMPTY:
        if row.get(name) == "":
            raise _empty(name)
    return {name: cell for name, cell in row.items() if cell}


class Objects:
    """Reads rows of JSONL; what it has found sound about their keys it does not look at again."""

    def __init__(self) -> None:
        self._scan: Callable[[str, int], tuple[Any, int]] = STRICT.scan_once  # type: ignore[attr-defined]
        self._sound: set[tuple[str, ...]] = set()

    def read(self, text: str) -> Row:
        """Read an object; raise `input-malformed` for what is none, or where a key or a type is wrong."""
        try:
            fields, end = self._scan(text, 0)
        except (ValueError, StopIteration, RecursionError):
            end = 0
        if end != len(text) or type(fields) is not dict:
            fields = _parse(text)
        names = tuple(fields)
        if names not in self._sound:
            check_columns(names, more=(ATTRIBUTES,))
            if len(self._sound) < _MOST_FORMS:
                self._sound.add(names)
        for value in fields.values():
            if type(value) is not str or not value:
                return _spelled(fields)
        return cast(Row, fields)


def _parse(text: str) -> dict[str, Any]:
    """Parse what is no object, or has blanks around it, and say what is wrong with it."""
    try:
        fields = STRICT.decode(text)
    except JSONDecodeError as error:
        told = f"it is not JSON: {error.msg} at column {error.pos + 1}"
        raise LkctlError("input-malformed", told, hint="One object a line; jq -c writes them so") from None
    except (ValueError, RecursionError):
        fields = read_strictly(text, "it")  # which says what is wrong
    if type(fields) is not dict:
        hint = 'Write it as {"identity": "alice", "room": "demo"}; jq -c ".[]" takes a list apart'
        raise LkctlError("input-malformed", "it is JSON, but no object", hint=hint)
    return fields


def _spelled(fields: Mapping[str, Any]) -> Row:
    """Give the values as texts; null means: not asked for."""
    row: Row = {}
    for name, value in fields.items():
        if name == ATTRIBUTES and value is not None:
            row.update(_attributes(value, fields))
        elif value is not None or name in _NEVER_EMPTY:
            row[name] = _text(name, value)
    return row


def _attributes(value: Any, fields: Mapping[str, Any]) -> Row:
    if not isinstance(value, dict):
        raise LkctlError("input-malformed", "attributes is no object", hint='Write it as {"plan": "pro"}')
    row = {ATTRIBUTE + key: _text(ATTRIBUTE + key, item) for key, item in value.items() if item is not None}
    twice = next((name for name in row if name in fields), None)
    if twice is not None:
        told = f"the attribute {_short(twice.removeprefix(ATTRIBUTE))!r} is there twice"
        raise LkctlError("input-malformed", told, hint="Give it once")
    return row


def _text(name: str, value: Any) -> str:
    if name == "metadata" and isinstance(value, dict):
        return metadata_text(value)
    if name == "ttl" and type(value) in {int, float}:
        return str(value)
    if value is None or (value == "" and not name.startswith(ATTRIBUTE)):
        raise _empty(name)
    if not isinstance(value, str):
        told = f"{_short(name)} is {_UNQUOTED[type(value)]} and must be text"
        raise LkctlError("input-malformed", told, hint="Write it in quotes")
    return value


def _empty(name: str) -> LkctlError:
    hint = (
        "Fill it in: an unset variable leaves it empty" if name in _NEVER_EMPTY else "Fill it in, or leave the key out"
    )
    return LkctlError("option-empty", f"{_short(name)} is empty", hint=hint)


def _meant(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    bare = name.strip().lower().replace(" ", "_").replace("-", "_")
    near = get_close_matches(bare[:64], sorted(known), 1)
    return f"Did you mean {near[0]}? {_columns()}" if near else _columns()


def _columns() -> str:
    return f"The columns: {', '.join(COLUMNS)}, {ATTRIBUTE}NAME"


def _count(number: int) -> str:
    return "1 cell" if number == 1 else f"{number} cells"


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:40] + "…"  # noqa: PLR2004
