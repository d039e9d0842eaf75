"""Patterns: how an ID stands in the name of a room or in an identity.

A pattern is a template with one `{userId}` that must match the whole name, or a regular expression with the group
`user_id` that is searched in it.
"""

import re
from functools import lru_cache
from typing import Final

MAX_SUBJECT: Final = 512  # characters; the server's own limit is 256 bytes, and a regular expression can be costly

_FIELD = "{userId}"


@lru_cache(maxsize=64)
def parse_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern to an expression with the group `user_id`; ValueError if it is neither form."""
    if _FIELD in text:
        return _from_template(text)
    try:
        expression = re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError(f"pattern {text!r} is no regular expression ({error}); a template has {_FIELD}") from None
    if "user_id" not in expression.groupindex:
        raise ValueError(f"pattern {text!r} has no place for the ID; write {_FIELD} or the group (?P<user_id>...)")
    return expression


def extract(pattern: str, subject: str) -> str | None:
    """Take the text that stands for the ID, maybe ""; None if `subject` does not match.

    ValueError for a subject over MAX_SUBJECT: cutting it could find an ID that is not there.
    """
    if len(subject) > MAX_SUBJECT:
        raise ValueError(f"has {len(subject)} characters; patterns are tried on at most {MAX_SUBJECT}")
    match = parse_pattern(pattern).search(subject)
    return None if match is None else match["user_id"] or ""


def _from_template(text: str) -> re.Pattern[str]:
    before, *after = text.split(_FIELD)
    if len(after) != 1:
        raise ValueError(f"pattern {text!r} has {len(after)} times {_FIELD}; write it once")
    return re.compile(rf"\A{re.escape(before)}(?P<user_id>.*){re.escape(after[0])}\Z", re.DOTALL)
