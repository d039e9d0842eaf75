"""What the server reads out of claims; test_live.py holds the same cases against the server."""

from typing import Any

import pytest

from lkctl.tokens.document import read_document
from lkctl.tokens.reading import Mismatch, Reading, read_claims


def reading(text: str) -> Reading:
    """Read claims given as JSON text."""
    return read_claims(read_document(text).value)


GRANTS = [
    pytest.param('{"video":{"roomJoin":true}}', {"video": {"roomJoin": True}}, id="plain"),
    pytest.param(
        '{"Video":{"ROOMJOIN":true,"Room":"r"}}', {"video": {"roomJoin": True, "room": "r"}}, id="letter case"
    ),
    pytest.param('{"video":{"room_join":true}}', {"video": {}}, id="snake case is unknown"),
    pytest.param('{"video":null}', {}, id="null is absent"),
    pytest.param('{"video":{"roomJoin":null,"canPublish":null}}', {"video": {}}, id="null grants are absent"),
    pytest.param(
        '{"video":{"roomJoin":true},"video":{"room":"r"}}', {"video": {"roomJoin": True, "room": "r"}}, id="added"
    ),
    pytest.param('{"video":{"roomJoin":true},"VIDEO":null}', {}, id="taken away"),
    pytest.param('{"video":{"roomJoin":true,"roomJoin":null}}', {"video": {"roomJoin": True}}, id="null leaves a bool"),
    pytest.param('{"video":{"canPublish":false,"canPublish":null}}', {"video": {}}, id="null resets a pointer"),
    pytest.param('{"sip":{"admin":true},"agent":{}}', {"sip": {"admin": True}, "agent": {}}, id="other groups"),
    pytest.param(
        '{"video":{"canPublishSources":["camera",null]}}', {"video": {"canPublishSources": ["camera", ""]}}, id="list"
    ),
]


@pytest.mark.parametrize(("text", "grants"), GRANTS)
def test_grants(text: str, grants: dict[str, Any]) -> None:
    """As Go's encoding/json fills its structs."""
    assert reading(text).grants == grants


VALUES = [
    pytest.param('{"sub":"a","sub":"b"}', {"sub": "b"}, id="last wins"),
    pytest.param('{"sub":"a","sub":null}', {"sub": "a"}, id="null leaves a text"),
    pytest.param('{"exp":5,"exp":null}', {}, id="null resets a time"),
    pytest.param('{"SUB":"a"}', {"sub": "a"}, id="letter case"),
    pytest.param('{"i\u017fs":"k","\u212aind":"x"}', {"iss": "k", "kind": "x"}, id="long s and Kelvin sign"),
    pytest.param('{"sub":"\\ud800"}', {"sub": "\ufffd"}, id="half a surrogate pair"),
    pytest.param('{"attributes":{"a":"1"},"attributes":{"b":null}}', {"attributes": {"a": "1", "b": ""}}, id="map"),
    pytest.param('{"aud":["a"]}', {"aud": ["a"]}, id="audience"),
    pytest.param('{"roomConfig":{"emptyTimeout":5}}', {"roomConfig": {"emptyTimeout": 5}}, id="room config"),
]


@pytest.mark.parametrize(("text", "values"), VALUES)
def test_values(text: str, values: dict[str, Any]) -> None:
    """Claims outside of the grants."""
    found = reading(text)
    assert found.values == values
    assert found.mismatches == []


TIMES = [
    ("5", 5),
    ("5.9", 5),
    ("-0.5", -1),
    ('"5"', 5),
    ('"1e3"', 1000),
    ("1e18", 10**18),
    ("1e20", -(2**63)),
    ("-1e20", -(2**63)),
    ("9223372036854770000", -(2**63) + (9223372036854770000 - 2**63)),  # out of the calendar, and round to the past
]


@pytest.mark.parametrize(("text", "seconds"), TIMES)
def test_times(text: str, seconds: int) -> None:
    """Whole seconds in 64 bits, as golang-jwt has them."""
    found = reading(f'{{"exp":{text}}}')
    assert found.mismatches == []
    if abs(seconds) < 2**62:
        assert found.values["exp"] == seconds
    else:
        assert found.values["exp"] < 0


MISMATCHES = [
    ('{"metadata":{}}', Mismatch("metadata", "object", "string")),
    ('{"name":5}', Mismatch("name", "number", "string")),
    ('{"kind":true}', Mismatch("kind", "bool", "string")),
    ('{"attributes":{"a":1}}', Mismatch("attributes", "number", "string")),
    ('{"attributes":[]}', Mismatch("attributes", "array", "map[string]string")),
    ('{"kindDetails":"x"}', Mismatch("kindDetails", "string", "[]string")),
    ('{"video":[]}', Mismatch("video", "array", "auth.VideoGrant")),
    ('{"sip":true}', Mismatch("sip", "bool", "auth.SIPGrant")),
    ('{"video":{"roomJoin":"true"}}', Mismatch("video.roomJoin", "string", "bool")),
    ('{"video":{"roomJoin":1}}', Mismatch("video.roomJoin", "number", "bool")),
    ('{"video":{"ROOM":5}}', Mismatch("video.room", "number", "string")),
    ('{"video":{"canPublishSources":"camera"}}', Mismatch("video.canPublishSources", "string", "[]string")),
    ('{"video":{"canPublishSources":[5]}}', Mismatch("video.canPublishSources", "number", "string")),
    ('{"sub":5}', Mismatch("sub", "number", "string")),
    ('{"aud":[5]}', Mismatch("aud", "array", "ClaimStrings")),
    ('{"aud":[null]}', Mismatch("aud", "array", "ClaimStrings")),
    ('{"exp":"soon"}', Mismatch("exp", "string", "NumericDate")),
    ('{"exp":""}', Mismatch("exp", "string", "NumericDate")),
    ('{"exp":"+5"}', Mismatch("exp", "string", "NumericDate")),
    ('{"exp":true}', Mismatch("exp", "bool", "NumericDate")),
    ('{"exp":1e400}', Mismatch("exp", "number", "NumericDate")),
    ('{"exp":"1e400"}', Mismatch("exp", "string", "NumericDate")),
    ('{"metadata":NaN}', Mismatch("metadata", "number", "string")),
    ('{"roomConfig":"x"}', Mismatch("roomConfig", "string", "RoomConfiguration", "is no object")),
]


@pytest.mark.parametrize(("text", "mismatch"), MISMATCHES)
def test_mismatches(text: str, mismatch: Mismatch) -> None:
    """A wrong type is told by its path, as the server tells it."""
    assert reading(text).mismatches == [mismatch]


def test_identity() -> None:
    """Sub, else jti; an empty sub does not count."""
    assert (reading('{"sub":"a","jti":"b"}').identity, reading('{"sub":"a","jti":"b"}').identity_from) == ("a", "sub")
    assert (reading('{"sub":"","jti":"b"}').identity, reading('{"sub":null,"jti":"b"}').identity_from) == ("b", "jti")
    assert (reading('{"identity":"c"}').identity, reading("{}").identity_from) == ("", None)


def test_remarks_on_keys() -> None:
    """What is unknown, oddly written, null or quoted is kept for the rules."""
    found = reading('{"x":1,"NAME":"n","video":{"y":1,"Room":"r","hidden":null},"metadata":null,"exp":"5"}')
    assert found.unknown == [("", "x"), ("video", "y")]
    assert found.odd == [("", "NAME"), ("video", "Room")]
    assert found.nulls == ["video.hidden", "metadata"]
    assert found.quoted_times == ["exp"]
