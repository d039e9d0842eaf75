"""From when and until when."""

import pytest

from lkctl.errors import LkctlError
from lkctl.tokens.lifetime import read_not_before, read_ttl
from tests.tokens.forge import NOW


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1h30m", 5400), ("0", 0), ("-5m", -300), (" -1d", -86400)])
def test_lifetimes(text: str, seconds: float) -> None:
    """A minus means: over already."""
    assert read_ttl(text) == seconds


TIMES = [
    ("+1h", NOW + 3600),
    ("+0.5", NOW + 0.5),
    ("-1m", NOW - 60),
    ("1970-01-01T00:00:10Z", 10),
    ("1970-01-01T02:00:10+02:00", 10),
    (" 1970-01-01 00:00:10.5Z ", 10.5),
]


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_times(text: str, seconds: float) -> None:
    """From now on, or RFC 3339."""
    assert read_not_before(text, NOW) == seconds


WRONG = [
    ("tomorrow", "'tomorrow', which is no time"),
    ("1h", "which is no time"),
    ("2027-01-31T12:00:00", "without a time zone"),
    ("2027-01-31", "without a time zone"),
    ("+", "no duration"),
    ("+1000000d", "longer than 100 years"),
    ("2027-13-31T12:00:00Z", "which is no time"),
    ("1700000000", "which is no time"),
]


@pytest.mark.parametrize(("text", "says"), WRONG)
def test_what_is_no_time(text: str, says: str) -> None:
    """Exit 2, the way to write it."""
    with pytest.raises(LkctlError, match=says) as caught:
        read_not_before(text, NOW)
    assert caught.value.code == "usage"
    assert caught.value.hint


@pytest.mark.parametrize("text", ["--unsafe", "-", "- 5m", "--5m", "5 minutes"])
def test_what_is_no_lifetime(text: str) -> None:
    """The text as it was given."""
    with pytest.raises(LkctlError) as caught:
        read_ttl(text)
    assert f"the lifetime is {text!r}" in caught.value.message
    with pytest.raises(LkctlError, match=r"^--ttl is "):
        read_ttl(text, "--ttl")
