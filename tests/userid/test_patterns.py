import pytest

from lkctl.userid.patterns import MAX_SUBJECT, extract, parse_pattern
from lkctl.userid.policy import DEFAULT_IDENTITY_PATTERN, DEFAULT_ROOM_PATTERN


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        pytest.param("u-{userId}", "u-bob", "bob", id="prefix"),
        pytest.param("{userId}.x", "bob.x", "bob", id="suffix"),
        pytest.param("{userId}.x", "bob_x", None, id="a template has no wild cards"),
        pytest.param("a{userId}a", "a", None, id="prefix and suffix do not overlap"),
        pytest.param("u-{userId}", "xu-bob", None, id="anchored at the start"),
        pytest.param("{userId}-u", "bob-ux", None, id="anchored at the end"),
        pytest.param("{userId}-u", "bob-u\n", None, id="a newline is not the end"),
        pytest.param("u-{userId}", "u-a\nb", "a\nb", id="newlines are for the value rules"),
        pytest.param("u-{userId}", "U-bob", None, id="case-sensitive"),
        pytest.param("u-{userId}", "u-", "", id="nothing in it"),
        pytest.param("u-(?P<user_id>[a-z]+)", "xu-bob-7", "bob", id="an expression is searched"),
        pytest.param("^u-(?P<user_id>.+)$", "xu-bob", None, id="unless it is anchored"),
        pytest.param("(?i)u-(?P<user_id>.+)", "U-bob", "bob", id="flags"),
        pytest.param("u-(?P<user_id>x)?", "u-bob", "", id="group that took no part"),
        pytest.param(DEFAULT_ROOM_PATTERN, "mcp-chrome-user-bob", "bob", id="default of rooms"),
        pytest.param(
            DEFAULT_IDENTITY_PATTERN, "user_1704067200000_a", "user_1704067200000_a", id="default of identities"
        ),
        pytest.param(DEFAULT_IDENTITY_PATTERN, "user_1704067200000_a\n", None, id="default: whole identity"),
        pytest.param(DEFAULT_IDENTITY_PATTERN, "user_170406720_a", None, id="default: ten digits"),
        pytest.param(DEFAULT_IDENTITY_PATTERN, "bob", None, id="default: form"),
    ],
)
def test_extract(pattern: str, subject: str, expected: str | None) -> None:
    assert extract(pattern, subject) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "has no place for the ID"),
        ("mcp-chrome-user-", "has no place for the ID"),
        ("(?P<userid>x)", "has no place for the ID"),
        ("{userid}", "has no place for the ID"),
        ("{userId}-{userId}", "has 2 times {userId}; write it once"),
        ("(?P<user_id>", "is no regular expression"),
        ("[[a](?P<user_id>x)", "is no regular expression"),
        ("(?P<user_id>x){99999999999}", "is no regular expression"),
        ("(" * 10000 + ")" * 10000, "is no regular expression"),
    ],
)
def test_bad_pattern(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_pattern(pattern)


def test_a_long_name_is_not_matched_at_all() -> None:
    assert extract("{userId}", "x" * MAX_SUBJECT) == "x" * MAX_SUBJECT
    with pytest.raises(ValueError, match=f"has {MAX_SUBJECT + 1} characters"):
        extract("{userId}", "x" * (MAX_SUBJECT + 1))
