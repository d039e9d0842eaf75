"""From when and until when a token is to be valid, as people write it."""

from datetime import datetime

from lkctl.duration import parse_duration
from lkctl.errors import LkctlError

_FORMS = "Write it like +1h, or 2027-01-31T12:00:00Z"


def read_ttl(text: str, name: str = "the lifetime") -> float:
    """Give a lifetime in seconds; raise `usage` under that name.

    One with a minus has ended before it began, which only `unsafe` requests may.
    """
    bare = text.strip()
    past = bare[:1] == "-" and bare[1:2].isdigit()
    return -parse_duration(bare[1:], name) if past else parse_duration(text, name)


def read_not_before(text: str, now: float, name: str = "the start") -> float:
    """Give a time in seconds since 1970: from now on, as `+1h` or `-1m`, or RFC 3339; raise `usage` under that name."""
    bare = text.strip()
    if bare[:1] in {"+", "-"}:
        distance = parse_duration(bare[1:], name)
        return now + distance if bare[0] == "+" else now - distance
    try:
        moment = datetime.fromisoformat(bare)
    except ValueError:
        raise LkctlError("usage", f"{name} is {text!r}, which is no time", hint=_FORMS) from None
    if moment.tzinfo is None:
        raise LkctlError("usage", f"{name} is {text!r}, without a time zone", hint=f"{_FORMS}; Z is UTC")
    return moment.timestamp()
