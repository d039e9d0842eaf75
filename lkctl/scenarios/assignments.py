"""KEY=VALUE as people give it for metadata, and metadata put together from it."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from lkctl import convention
from lkctl.errors import LkctlError
from lkctl.tokens.document import STRICT, read_strictly, shown

_OPENS_JSON = ("{", "[", '"')


def read_assignments(words: Iterable[str] | None, option: str) -> dict[str, Any]:
    """Read KEY=VALUE, split at the first `=`; raise `usage` without key or `=`, and for a key that is given twice.

    VALUE is JSON where it can be read as JSON, else text: 5 is a number, "5" and five are texts. What begins as JSON
    does, with {, [ or a quote, and is none raises `input-malformed`: nobody means such a text.
    """
    values: dict[str, Any] = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not (key and equals):
            lacks = "key" if equals else "="
            raise LkctlError("usage", f"{option} {shown(word)} has no {lacks}", hint="Write KEY=VALUE")
        if key in values:
            raise LkctlError("usage", f"{option} is given twice for the key {shown(key)}", hint="Give it once")
        values[key] = _value(value, f"the value of {option} {shown(key)}")
    return values


def compose_metadata(text: str | None, put: Mapping[str, Any], user_id: str | None) -> str | None:
    """Put keys and a user ID into metadata, a JSON object; what needs none of it stays as it was written.

    Raises `usage` where the user ID contradicts another one in it.
    """
    if not put and user_id is None:
        return text
    merged = {**json.loads(text or "{}"), **put}
    return convention.metadata_text(merged if user_id is None else convention.with_user_id(merged, user_id))


def _value(text: str, name: str) -> Any:
    with suppress(ValueError, RecursionError):  # of what else is wrong than the form, read_strictly tells
        try:
            STRICT.decode(text)
        except json.JSONDecodeError:
            if not text.startswith(_OPENS_JSON):
                return text
            hint = """Mend it; to give it as text, put it in JSON's quotes: 'KEY="[draft]"'"""
            raise LkctlError("input-malformed", f"{name} begins as JSON does, and is none", hint=hint) from None
    return read_strictly(text, name)
