"""Decoding: the document, the verdict, the signature."""

import json
from typing import Any, cast

import pytest

from lkctl.output.jsontext import to_json
from lkctl.settings.shape import Pair
from lkctl.tokens.decoding import decode, read_user_id
from lkctl.tokens.envelope import _COMMON_HEADERS, decode_segment
from lkctl.tokens.findings import Severity
from tests.tokens.forge import BASE, HEADER, ID, KEY, NOW, PAIR, SECRET, claims, forge, ids, read, token

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


IGNORED = [
    pytest.param(token(sub=...), "L10", True, id="an error"),
    pytest.param(token(exp=...), "L07", True, id="no expiry"),
    pytest.param(token(exp=NOW - 60), "L05", False, id="expired"),
    pytest.param(token(nbf=NOW + 61), "L06", False, id="not yet"),
    pytest.param(forge(BASE, secret="another"), "L03", False, id="badly signed"),
    pytest.param(forge(BASE, {"alg": "none"}), "L02", False, id="no algorithm"),
]


@pytest.mark.parametrize(("text", "rule", "valid"), IGNORED)
def test_ignored(text: str, rule: str, valid: bool) -> None:
    """Neither shown nor counted; what is badly signed or out of its time stays so."""
    before, after = (decode(text, PAIR, now=NOW, ignored=ignored) for ignored in ((), {rule}))
    assert (rule in ids(before), rule in ids(after)) == (True, False)
    assert (before.valid, after.valid) == (False, valid)
    assert [f for f in before.findings if f.id != rule] == list(after.findings)


PASSES = [
    pytest.param(token(), {"error", "security", "warning"}, id="good"),
    pytest.param(token(sub="user"), {"error", "security"}, id="a warning"),
    pytest.param(token(exp=NOW + 40 * 86_400), {"error"}, id="security"),
    pytest.param(token(name=None), {"error", "security", "warning"}, id="info"),
    pytest.param(token(sub=...), set(), id="an error"),
    pytest.param(token(exp=1), set(), id="expired"),
]


@pytest.mark.parametrize(("text", "at"), PASSES)
def test_passing(text: str, at: set[str]) -> None:
    """Valid, and without a finding from a severity on; info fails nothing."""
    severities = (Severity.error, Severity.security, Severity.warning)
    assert {severity.value for severity in severities if read(text).passes(severity)} == at


def test_severities_in_order() -> None:
    """Worst first; each is at least as bad as itself."""
    order = [Severity.error, Severity.security, Severity.warning, Severity.info]
    assert [severity.rank for severity in order] == [0, 1, 2, 3]
    assert [[one.at_least(other) for other in order] for one in order] == [
        [place <= other for other in range(4)] for place in range(4)
    ]


STAGING = Pair(".env.staging", "APIstaging", "staging-secret-staging-secret-staging")
PROD = Pair("lk's project prod", "APIprod", "prod-secret-prod-secret-prod-secret")
OF_PROD, DEV = "the secret of lk's project prod", "the secret of `livekit-server --dev` (devkey/secret)"
BY_PROD = forge(claims(iss="APIprod"), secret=PROD.secret)
OTHERS = [
    pytest.param(forge(BASE, secret=STAGING.secret), PAIR, "bad", "the secret of .env.staging", id="its secret"),
    pytest.param(BY_PROD, PAIR, "unverified", OF_PROD, id="its key, too"),
    pytest.param(BY_PROD, None, "unverified", OF_PROD, id="nothing configured"),
    pytest.param(forge(claims(iss="devkey"), secret="secret"), None, "unverified", DEV, id="of the dev server"),
    pytest.param(token(iss="APIx"), PAIR, "unverified", "the configured secret, but not its key", id="key only"),
    pytest.param(forge(BASE, secret="unknown"), PAIR, "bad", "", id="none fits"),
    pytest.param(forge(BASE, {"alg": "none"}, secret=PROD.secret), PAIR, "bad", "", id="another algorithm"),
]


@pytest.mark.parametrize(("text", "pair", "signature", "meant"), OTHERS)
def test_other_pairs(text: str, pair: Pair | None, signature: str, meant: str) -> None:
    """The one that fits is named, in a finding, too; none of the secrets is."""
    decoded = decode(text, pair, now=NOW, others=[STAGING, PROD])
    assert (decoded.signature.value, decoded.meant) == (signature, meant)
    messages = " ".join(finding.message for finding in decoded.findings)
    assert meant.partition(" (")[0] in messages
    assert not any(secret in messages for secret in (STAGING.secret, PROD.secret, SECRET))


def test_other_pairs_are_left_alone() -> None:
    """Where the configured pair fits, nothing else is read."""
    read: list[Pair] = []
    others = (read.append(pair) or pair for pair in (STAGING, PROD))  # type: ignore[func-returns-value]
    assert decode(token(), PAIR, now=NOW, others=others).valid
    assert read == []


def test_the_likely_pair_first() -> None:
    """Of two names of one secret, the one with the token's key."""
    others = [Pair("first", "APIa", PROD.secret), Pair("second", "APIprod", PROD.secret)]
    decoded = decode(BY_PROD, PAIR, now=NOW, others=others)
    assert decoded.meant == "the secret of second"


@pytest.mark.parametrize("segment", _COMMON_HEADERS)
def test_the_headers_that_are_not_read(segment: bytes) -> None:
    """They are what reading them would give; nobody can spoil them for the next token."""
    text = f"{segment.decode()}.{token().partition('.')[2]}"
    header = read(text).header
    assert list(header.items()) == list(json.loads(decode_segment(segment) or b"").items())
    cast("dict[str, str]", header)["alg"] = "none"
    assert read(text).header["alg"] == "HS256"
