"""Decoding: the document, the verdict, the signature."""

import json
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.output.jsontext import to_json
from lkctl.settings.shape import Pair
from lkctl.tokens.decode import read_user_id
from lkctl.tokens.lines import decode_lines
from tests.tokens.forge import BASE, HEADER, ID, KEY, NOW, PAIR, SECRET, claims, forge, read, token

FULL = token(
    iat=NOW - 10, nbf=NOW - 5, name="Alice", kind="agent", metadata=f'{{"userId":"{ID}"}}', attributes={"a": "b"}
)


def document(text: str, pair: Pair | None = PAIR) -> dict[str, Any]:
    """Give what `-o json` prints."""
    shown: dict[str, Any] = json.loads(to_json(read(text, pair).json()))
    return shown


def test_the_document() -> None:
    """Whole: each key of the contract, in its order."""
    shown = document(FULL)
    assert shown.pop("claims") == claims(
        iat=NOW - 10, nbf=NOW - 5, name="Alice", kind="agent", metadata=f'{{"userId":"{ID}"}}', attributes={"a": "b"}
    )
    effective = shown["grants"].pop("effective")
    assert (effective["video"]["canPublish"], effective["sip"]) == (True, {"admin": False, "call": False})
    assert shown == {
        "header": HEADER,
        "issuer": KEY,
        "identity": "alice",
        "identity_from": "sub",
        "name": "Alice",
        "kind": "agent",
        "room": "demo",
        "issued_at": "2026-11-18T11:06:30Z",
        "not_before": "2026-11-18T11:06:35Z",
        "expires_at": "2026-11-18T12:06:40Z",
        "expires_in_s": 3600,
        "expired": False,
        "grants": {"explicit": {"video": {"roomJoin": True, "room": "demo"}}},
        "metadata": {"raw": f'{{"userId":"{ID}"}}', "json": {"userId": ID}},
        "attributes": {"a": "b"},
        "user_id": ID,
        "signature": "verified",
        "valid": True,
        "join": {"accepted": True, "status": 200, "reason": "success"},
        "findings": [],
    }


def test_the_document_of_an_empty_token() -> None:
    """The same keys."""
    shown = document(forge("{}"), None)
    assert list(shown) == list(document(FULL))
    empty = ("", "", None, "", "", "", None, None, None, None, False)
    names = ("issuer", "identity", "identity_from", "name", "kind", "room", "issued_at", "not_before", "expires_at",
             "expires_in_s", "expired")  # fmt: skip
    assert tuple(shown[name] for name in names) == empty
    assert shown["grants"]["explicit"] == {}
    assert shown["metadata"] == {"raw": "", "json": None}
    assert (shown["attributes"], shown["user_id"], shown["signature"], shown["valid"]) == (
        {},
        None,
        "unverified",
        False,
    )
    assert shown["join"] == {"accepted": None, "status": None, "reason": None}
    assert set(shown["findings"][0]) == {"id", "severity", "message", "hint"}


VERDICTS = [
    pytest.param(token(), PAIR, "verified", True, id="good"),
    pytest.param(token(), None, "unverified", True, id="no secret"),
    pytest.param(token(), Pair("", "APIother", SECRET), "unverified", True, id="another key"),
    pytest.param(token(), Pair("", KEY, "wrong"), "bad", False, id="another secret"),
    pytest.param(forge(BASE, {"alg": "none"}), PAIR, "bad", False, id="no algorithm"),
    pytest.param(forge(BASE, {"alg": "HS512"}), PAIR, "bad", False, id="another algorithm"),
    pytest.param(token(exp=NOW - 59), PAIR, "verified", True, id="within the minute"),
    pytest.param(token(exp=NOW - 60), PAIR, "verified", False, id="expired"),
    pytest.param(token(exp=NOW - 60), None, "unverified", False, id="expired, no secret"),
    pytest.param(token(nbf=NOW + 61), PAIR, "verified", False, id="not yet"),
    pytest.param(token(sub=...), PAIR, "verified", False, id="an error"),
    pytest.param(token(sub="user"), PAIR, "verified", True, id="a warning"),
    pytest.param(token(iss=...), PAIR, "verified", False, id="no key, but our secret"),
]


@pytest.mark.parametrize(("text", "pair", "signature", "valid"), VERDICTS)
def test_verdicts(text: str, pair: Pair | None, signature: str, valid: bool) -> None:
    """Valid: verified or not verifiable, inside its times, no error."""
    decoded = read(text, pair)
    assert (decoded.signature.value, decoded.valid) == (signature, valid)


TIMES = [
    (token(exp=...), (None, None, False)),
    (token(exp=NOW - 59), ("2026-11-18T11:05:41Z", -59, False)),
    (token(exp=NOW - 60), ("2026-11-18T11:05:40Z", -60, True)),
    (token(exp=NOW * 1000), (None, NOW * 1000 - NOW, False)),
    (token(exp="x"), (None, None, False)),
    (token(exp=0), ("1970-01-01T00:00:00Z", -NOW, True)),
]


@pytest.mark.parametrize(("text", "times"), TIMES)
def test_times(text: str, times: tuple[Any, ...]) -> None:
    """An expiry beyond the calendar has seconds, but no date; `expired` allows the minute that the server allows."""
    shown = document(text)
    assert (shown["expires_at"], shown["expires_in_s"], shown["expired"]) == times


USER_IDS = [
    (f'{{"userId":"{ID}"}}', ID),
    ('{"userId":"foo"}', "foo"),
    ('{"userId":" foo "}', "foo"),
    ('{"userId":5}', "5"),
    ('{"userId":null}', None),
    ('{"user_id":"foo"}', None),
    ('{"a":{"userId":"foo"}}', None),
    ("", None),
    ("foo", None),
    ('"userId"', None),
    ('"{\\"userId\\":\\"foo\\"}"', None),
    ("[" * 100_000, None),
]


@pytest.mark.parametrize(("metadata", "user_id"), USER_IDS)
def test_user_ids(metadata: str, user_id: str | None) -> None:
    """As an agent would read it."""
    assert read_user_id(metadata) == user_id


@pytest.mark.parametrize(
    ("metadata", "value"),
    [
        ('{"a":1}', {"a": 1}),
        ("5", 5),
        ("x", None),
        ("", None),
        ("null", None),
        ("[" * 5000, None),
        ('"\\ud800"', "\ud800"),
    ],
)
def test_metadata_as_json(metadata: str, value: Any) -> None:
    """Parsed where it can be; the raw text always."""
    assert document(token(metadata=metadata))["metadata"] == {"raw": metadata, "json": value}


def test_many_lines() -> None:
    """One result a line, in order, bad lines in their places."""
    lines = decode_lines(f"{token()}\n\nBearer {token(exp=1)}\njunk\n", PAIR, now=NOW)
    assert [(line.number, line.valid, line.error.code if line.error else None) for line in lines] == [
        (1, True, None),
        (3, False, None),  # an empty line counts
        (4, False, "L01"),
    ]
    assert lines[2].json() == {
        "error": {
            "code": "L01",
            "message": "not a JWT: it has no dot in it",
            "hint": "A JWT is header.payload.signature",
            "docs": "README.md#l01",
        },
        "line": 4,
    }
    assert lines[0].json()["valid"] is True


def test_one_line_that_is_none() -> None:
    """An error, not a result."""
    with pytest.raises(LkctlError, match="no dot"):
        decode_lines("junk\n", PAIR, now=NOW)
