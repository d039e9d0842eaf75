"""What clients of the service say: taken, or refused with a code; and what is never said back."""

import json
from typing import Any

import pytest

from lkctl.agents.serve.messages import (
    FAULTS,
    MOST_BYTES,
    ConnectionInfo,
    Fault,
    Ping,
    agent_joined,
    assigned,
    error,
    pong,
    read_message,
)
from lkctl.secret import Secret

ID = "user_1704067200000_abc123"
SECRET = Secret("for-tests-only-for-tests-only")


def info(**fields: Any) -> str:
    """Write a connection_info."""
    return json.dumps({"type": "connection_info", "userId": ID, **fields})


TAKEN = [
    pytest.param(info(), ConnectionInfo(ID), id="least"),
    pytest.param(
        info(userAgent="Mozilla/5.0", timestamp=1704067200000, extensionId="abcdefghijklmnop"),
        ConnectionInfo(ID, "Mozilla/5.0", "abcdefghijklmnop"),
        id="as the extension writes it",
    ),
    pytest.param(info(timestamp="2024-01-01T00:00:00.000Z"), ConnectionInfo(ID), id="time as text"),
    pytest.param(info(timestamp=1704067200000.5), ConnectionInfo(ID), id="time as fraction"),
    pytest.param(info(userAgent=None, timestamp=None, extensionId=None), ConnectionInfo(ID), id="nulls"),
    pytest.param(info(more={"keys": [1]}), ConnectionInfo(ID), id="unknown keys"),
    pytest.param(info(secret="whatever"), ConnectionInfo(ID), id="a secret that nobody wants"),
    pytest.param(info(userId="dieter"), ConnectionInfo("dieter"), id="unconventional ID"),
    pytest.param(info(userId="ü" * 120), ConnectionInfo("ü" * 120), id="longest ID"),
    pytest.param(info(userAgent="x" * 1024), ConnectionInfo(ID, "x" * 1024), id="longest user agent"),
    pytest.param(info(userAgent="\ud800"), ConnectionInfo(ID, "\ud800"), id="lone surrogate in the user agent"),
    pytest.param('{"type": "ping"}', Ping(), id="ping"),
    pytest.param('{"type": "ping", "at": 1}', Ping(), id="ping with more"),
]

REFUSED = [
    pytest.param("", "not-json", id="nothing"),
    pytest.param("hello", "not-json", id="words"),
    pytest.param('{"type": "connection_info"', "not-json", id="cut short"),
    pytest.param("{'type': 'ping'}", "not-json", id="single quotes"),
    pytest.param('{"type": "ping", "type": "connection_info"}', "not-json", id="key twice"),
    pytest.param('{"type": "connection_info", "timestamp": NaN}', "not-json", id="NaN"),
    pytest.param('{"type": "connection_info", "timestamp": 1e999}', "not-json", id="number out of range"),
    pytest.param('{"timestamp": ' + "9" * 5000 + "}", "not-json", id="number of 5000 digits"),
    pytest.param("[" * 8000 + "]" * 8000, "not-json", id="nested 8000 deep"),
    pytest.param('{"a":' * 2500 + "1" + "}" * 2500, "not-json", id="objects 2500 deep"),
    pytest.param('\ufeff{"type": "ping"}', "not-json", id="byte order mark"),
    pytest.param("[]", "not-object", id="array"),
    pytest.param('["connection_info"]', "not-object", id="array with words"),
    pytest.param("null", "not-object", id="null"),
    pytest.param("42", "not-object", id="number"),
    pytest.param('"ping"', "not-object", id="text"),
    pytest.param("{}", "type-unknown", id="empty object"),
    pytest.param('{"type": "nonsense"}', "type-unknown", id="unknown type"),
    pytest.param('{"type": null}', "type-unknown", id="null type"),
    pytest.param('{"type": ["ping"]}', "type-unknown", id="type as list"),
    pytest.param('{"type": {"ping": 1}}', "type-unknown", id="type as object"),
    pytest.param('{"type": "PING"}', "type-unknown", id="upper case"),
    pytest.param('{"type": "room_assigned"}', "type-unknown", id="one of ours"),
    pytest.param('{"type": "connection_info"}', "user-id-invalid", id="no user ID"),
    pytest.param(info(userId=None), "user-id-invalid", id="null user ID"),
    pytest.param(info(userId=""), "user-id-invalid", id="empty user ID"),
    pytest.param(info(userId=" \t"), "user-id-invalid", id="blank user ID"),
    pytest.param(info(userId=f" {ID}"), "user-id-invalid", id="blank before it"),
    pytest.param(info(userId=f"{ID}\n"), "user-id-invalid", id="line break after it"),
    pytest.param(info(userId=1704067200000), "user-id-invalid", id="number as user ID"),
    pytest.param(info(userId=True), "user-id-invalid", id="true as user ID"),
    pytest.param(info(userId=[ID]), "user-id-invalid", id="list as user ID"),
    pytest.param(info(userId={"id": ID}), "user-id-invalid", id="object as user ID"),
    pytest.param(info(userId="a\u0000b"), "user-id-invalid", id="null character"),
    pytest.param(info(userId="a\u001b[31mb"), "user-id-invalid", id="escape sequence"),
    pytest.param(info(userId="a\u202eb"), "user-id-invalid", id="direction override"),
    pytest.param(info(userId="a\u200bb"), "user-id-invalid", id="invisible character"),
    pytest.param(info(userId="a\ud800b"), "user-id-invalid", id="lone surrogate"),
    pytest.param(info(userId="x" * 241), "user-id-invalid", id="too long for a room's name"),
    pytest.param(info(userId="ü" * 121), "user-id-invalid", id="too many bytes for a room's name"),
    pytest.param(info(userAgent=1), "field-wrong", id="user agent is a number"),
    pytest.param(info(userAgent="x" * 1025), "field-wrong", id="user agent too long"),
    pytest.param(info(extensionId=["a"]), "field-wrong", id="extension ID is a list"),
    pytest.param(info(timestamp=True), "field-wrong", id="time is true"),
    pytest.param(info(timestamp={}), "field-wrong", id="time is an object"),
    pytest.param(info(timestamp="x" * 1025), "field-wrong", id="time too long"),
    pytest.param(info(more="x" * MOST_BYTES), "message-too-large", id="too large"),
    pytest.param("ü" * (MOST_BYTES // 2 + 1), "message-too-large", id="too large in bytes only"),
    pytest.param("\ud800" * MOST_BYTES, "message-too-large", id="too large and broken"),
]

GUARDED = [
    pytest.param(info(), "secret-missing", id="none"),
    pytest.param(info(secret=None), "secret-missing", id="null"),
    pytest.param(info(secret=""), "secret-wrong", id="empty"),
    pytest.param(info(secret="for-tests-only"), "secret-wrong", id="its beginning"),
    pytest.param(info(secret=SECRET.reveal() + " "), "secret-wrong", id="a blank more"),
    pytest.param(info(secret=SECRET.reveal().upper()), "secret-wrong", id="upper case"),
    pytest.param(info(secret=17), "secret-wrong", id="number"),
    pytest.param(info(secret=[SECRET.reveal()]), "secret-wrong", id="list"),
    pytest.param(info(secret="\ud800"), "secret-wrong", id="lone surrogate"),
    pytest.param(info(secret="wrong", userId=""), "secret-wrong", id="before the user ID is judged"),
    pytest.param('{"type": "nonsense"}', "secret-missing", id="before the type is judged"),
]


@pytest.mark.parametrize(("text", "expected"), TAKEN)
def test_taken(text: str, expected: ConnectionInfo | Ping) -> None:
    """A message that is as it should be."""
    assert read_message(text, None) == expected


@pytest.mark.parametrize(("text", "code"), REFUSED)
def test_refused(text: str, code: str) -> None:
    """A message that is not is refused with a code, and nothing else happens."""
    with pytest.raises(Fault) as refused:
        read_message(text, None)
    assert refused.value.code == code
    assert len(refused.value.message) < 300


@pytest.mark.parametrize(("text", "code"), GUARDED)
def test_guarded(text: str, code: str) -> None:
    """Without the secret nothing is taken."""
    with pytest.raises(Fault) as refused:
        read_message(text, SECRET)
    assert refused.value.code == code


def test_the_secret_opens() -> None:
    """With it, the message is taken; a ping needs none, since it does nothing."""
    assert read_message(info(secret=SECRET.reveal()), SECRET) == ConnectionInfo(ID)
    assert read_message('{"type": "ping"}', SECRET) == Ping()


def test_what_is_said() -> None:
    """The service speaks JSON of one line in ASCII, so that no client stumbles over it."""
    said = [
        assigned(url="ws://h", room="r\u2028", token="t", identity="i", userId="ü", agentName=None, expiresAt=1),
        agent_joined("agent-AJ_1"),
        pong(),
        error(Fault("not-json"), closing=True),
    ]
    assert all(text.isascii() and "\n" not in text for text in said)
    assert [json.loads(text)["type"] for text in said] == ["room_assigned", "agent_joined", "pong", "error"]
    assert json.loads(said[-1]) == {
        "type": "error", "code": "not-json", "message": FAULTS["not-json"][1], "closing": True,
    }  # fmt: skip


@pytest.mark.parametrize("code", FAULTS)
def test_close_codes_are_allowed(code: str) -> None:
    """A close code that an application may send (RFC 6455, 7.4), and a meaning."""
    fault = Fault(code)
    assert fault.close in {1001, 1003, 1009, 1011} or 4000 <= fault.close <= 4999
    assert fault.message
    assert len(code.encode()) <= 123  # the reason of a close frame


def test_only_slips_are_forgiven() -> None:
    """A session outlives what is malformed, and nothing else."""
    forgiven = {code for code in FAULTS if Fault(code).forgivable}
    assert forgiven == {
        "not-json", "not-object", "type-unknown", "field-wrong", "user-id-invalid", "already-assigned",
    }  # fmt: skip
