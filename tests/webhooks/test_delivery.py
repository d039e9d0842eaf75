"""Deliveries are judged as LiveKit's own receivers judge them, and what is wrong is named."""

import json
import random
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from livekit.api import TokenVerifier, WebhookReceiver

from lkctl.errors import LkctlError
from lkctl.output.jsontext import to_json
from lkctl.settings.shape import Pair
from lkctl.webhooks.delivery import Delivery, judge_delivery
from lkctl.webhooks.event import read_event
from lkctl.webhooks.rawrequest import is_request, read_authorizations, read_request
from tests.deliveries import BODY, COMPACT, MADE, TURN_PASSWORD, claims, digest, now, token
from tests.tokens.forge import KEY, PAIR, SECRET, forge


def judge(body: bytes = BODY, header: str | list[str] | None = None, pair: Pair = PAIR, **how: Any) -> Delivery:
    return judge_delivery(body, token() if header is None else header, pair, **{"now": now(), **how})


def failed(delivery: Delivery) -> str:
    return " ".join(check.id for check in delivery.failed)


def said(delivery: Delivery, check_id: str) -> str:
    return next(check.message for check in delivery.checks if check.id == check_id)


def oracle(body: bytes, header: str) -> bool:
    """Ask livekit-api's receiver."""
    try:
        WebhookReceiver(TokenVerifier(KEY, SECRET)).receive(body.decode(), header)
    except Exception:  # noqa: BLE001  (it raises whatever it stumbles over)
        return False
    return True


UNKNOWN_EVENT = b'{"event":"room_exploded","futureField":{"a":[1]},"room":{"name":"demo","newer":1}}'
SNAKE = b'{"event":"room_started","created_at":1795259295,"room":{"name":"demo","turn_password":"x"}}'

VERDICTS = [
    pytest.param(BODY, token, "", id="good"),
    pytest.param(BODY, lambda: token(sub="someone", video={"roomJoin": True}), "", id="grants beside the hash"),
    pytest.param(UNKNOWN_EVENT, lambda: token(UNKNOWN_EVENT), "", id="an event and fields from the future"),
    pytest.param(SNAKE, lambda: token(SNAKE), "", id="names as in protobuf, number as number"),
    pytest.param(b"{}", lambda: token(b"{}"), "", id="an empty event"),
    pytest.param(BODY, lambda: token(exp=now() - 30), "", id="expired within the leeway"),
    pytest.param(BODY, lambda: token(nbf=now() + 30), "", id="not begun within the leeway"),
    pytest.param(BODY, lambda: token(nbf=..., iat=...), "", id="no nbf and no iat"),
    pytest.param(BODY.replace(b"alice", b"malice"), token, "body", id="changed body"),
    pytest.param(BODY + b"\n", token, "body", id="a line break more"),
    pytest.param(COMPACT, token, "body", id="written again"),
    pytest.param(b"", token, "body event", id="empty body"),
    pytest.param(BODY, lambda: forge(claims(), secret="x" * 43), "signature", id="other secret"),
    pytest.param(BODY, lambda: forge(claims(iss="APIother123456"), secret="x" * 43), "key", id="other key"),
    pytest.param(BODY, lambda: token(iss="APIother123456"), "key", id="other key, this secret"),
    pytest.param(BODY, lambda: token(iss=...), "key", id="no key"),
    pytest.param(BODY, lambda: token(exp=now() - 90), "time", id="expired"),
    pytest.param(BODY, lambda: token(exp=now() - 90_000, nbf=now() - 90_300), "time", id="of yesterday"),
    pytest.param(BODY, lambda: token(nbf=now() + 90), "time", id="not begun"),
    pytest.param(BODY, lambda: token(nbf=..., iat=now() + 90), "time", id="signed in the future"),
    pytest.param(BODY, lambda: token(exp=...), "time", id="no exp"),
    pytest.param(BODY, lambda: token(sha256=...), "body", id="no sha256"),
    pytest.param(BODY, lambda: token(sha256=""), "body", id="empty sha256"),
    pytest.param(BODY, lambda: token(sha256=5), "header body", id="sha256 is a number"),
    pytest.param(BODY, lambda: token(sha256=sha256(BODY).hexdigest()), "body", id="sha256 in hex"),
    pytest.param(BODY, lambda: token(exp="soon"), "header time", id="exp is a word"),
    pytest.param(
        BODY, lambda: forge(claims(), {"alg": "HS512", "typ": "JWT"}, digest="sha512"), "signature", id="HS512"
    ),
    pytest.param(BODY, lambda: forge(claims(), {"alg": "none"}), "signature", id="no algorithm"),
    pytest.param(BODY, lambda: "", "header", id="empty header"),
    pytest.param(BODY, lambda: "nonsense", "header", id="no JWT"),
    pytest.param(BODY, lambda: token()[:-9], "signature", id="signature cut off"),
    pytest.param(BODY, lambda: token().rpartition(".")[0], "header", id="without signature"),
    pytest.param(BODY, lambda: f"Bearer {token()}", "header", id="Bearer"),
    pytest.param(BODY, lambda: f'"{token()}"', "header", id="quotes"),
    pytest.param(BODY, lambda: f"{token()}, {token()}", "header", id="joined by a comma, as WSGI does with two"),
    pytest.param(b"not JSON", lambda: token(b"not JSON"), "event", id="signed, but not JSON"),
    pytest.param(b'{"event":5}', lambda: token(b'{"event":5}'), "event", id="event is a number"),
    pytest.param(b'{"createdAt":"now"}', lambda: token(b'{"createdAt":"now"}'), "event", id="time is a word"),
    pytest.param(b'{"id":"\xff"}', lambda: token(b'{"id":"\xff"}'), "event", id="not UTF-8"),
]


@pytest.mark.parametrize(("body", "header", "wrong"), VERDICTS)
def test_verdict_is_that_of_livekits_receiver(body: bytes, header: Callable[[], str], wrong: str) -> None:
    """The oracle looks at the clock, so the tokens are made when they are judged."""
    authorization = header()
    delivery = judge(body, authorization, now=now())
    assert failed(delivery) == wrong
    assert delivery.ok is oracle(body, authorization) is (not wrong)


@pytest.mark.parametrize("body", [b"[]", b'{"room":"demo"}', b'{"room":[]}'])
def test_what_go_cannot_read_is_no_event(body: bytes) -> None:
    """Python's reader of protobuf JSON lets these pass; Go's refuses them (read in source: protojson decode.go)."""
    assert failed(judge(body, token(body))) == "event"


@pytest.mark.parametrize("header", [None, []])
def test_missing_header(header: list[str] | None) -> None:
    delivery = judge_delivery(BODY, header, PAIR, now=now())
    assert (failed(delivery), said(delivery, "header")) == ("header", "there is no Authorization header")
    assert [check.ok for check in delivery.checks] == [False, None, None, None, None, True]


LASTING = token(exp=now() + 3600)  # until its test runs


@pytest.mark.parametrize(
    ("headers", "ok"), [([LASTING, "nonsense"], True), (["nonsense", LASTING], False)], ids=["good first", "bad first"]
)
def test_of_several_headers_the_first_counts(headers: list[str], ok: bool) -> None:
    """Go's http.Header.Get, aiohttp and Node take the first one."""
    delivery = judge(BODY, headers)
    assert (delivery.ok, delivery.notes) == (ok, ("the Authorization header came 2 times; the first one counts",))


def test_blanks_around_the_header_are_http() -> None:
    assert judge(BODY, f" {token()}\r\n").ok


CHANGES = [
    pytest.param(BODY, BODY + b"\n", "a line break was added at its end", id="line break"),
    pytest.param(BODY, BODY + b"\r\n", "a line break was added at its end", id="Windows line break"),
    pytest.param(BODY, b"\xef\xbb\xbf" + BODY, "blanks or a byte order mark were added around it", id="BOM"),
    pytest.param(BODY, BODY + b"  ", "blanks or a byte order mark were added around it", id="blanks"),
    pytest.param(BODY + b"\n", BODY, "a line break was taken from its end", id="line break lost"),
    pytest.param(BODY, COMPACT, "it was parsed and written again", id="JSON.stringify"),
    pytest.param(BODY, json.dumps(json.loads(BODY)).encode(), "it was parsed and written again", id="json.dumps"),
    pytest.param(BODY, json.dumps(json.loads(BODY), indent=2).encode(), "it was parsed and written again", id="indent"),
    pytest.param(COMPACT, BODY, "it was parsed and written again", id="a build of Go without blanks"),
    pytest.param(
        BODY, json.dumps(BODY.decode()).encode(), "it was written as JSON once more, as a text", id="text in JSON"
    ),
    pytest.param(BODY, b64encode(BODY), "it is still base64", id="base64"),
    pytest.param(
        BODY, BODY.decode("latin-1").encode(), "it was read as Latin-1 and written as UTF-8", id="wrong encoding"
    ),
    pytest.param(BODY, BODY.decode().encode("utf-16"), "it was saved as UTF-16", id="UTF-16"),
]


@pytest.mark.parametrize(("sent", "came", "told"), CHANGES)
def test_change_of_the_body_is_named(sent: bytes, came: bytes, told: str) -> None:
    delivery = judge(came, token(sent))
    assert said(delivery, "body") == f"the body was changed: {told}"


UNTRUSTED = [
    pytest.param(lambda: forge(claims(), secret="x" * 43), False, id="other secret"),
    pytest.param(lambda: forge(claims(), secret="x" * 43), True, id="other secret, recorded"),
    pytest.param(lambda: forge(claims(iss="APIother123456"), secret="x" * 43), False, id="other key"),
    pytest.param(lambda: forge(claims(), {"alg": "none"}), False, id="no algorithm"),
]


@pytest.mark.parametrize(("header", "recorded"), UNTRUSTED)
def test_change_is_not_looked_for_where_anybody_may_have_signed(header: Callable[[], str], recorded: bool) -> None:
    """The search would find a line break here; it takes time, and strangers could have it made over and over."""
    message = said(judge(BODY + b"\n", header(), recorded=recorded), "body")
    assert message == f"the body is not the one that was signed ({len(BODY) + 1} bytes)"


MANY = 50_001
TOO_MANY = [
    pytest.param(b'{"x":[' + b"[]," * MANY + b"[]]}", id="lists"),
    pytest.param(b'{"x":[' + b"0," * MANY + b"0]}", id="numbers"),
    pytest.param(b"{" + b'"x":"",' * MANY + b'"x":0}', id="keys"),
    pytest.param(b'{"x":[' + (b"[" * 50 + b"]" * 50 + b",") * (MANY // 50) + b"[]]}", id="nested"),
    pytest.param(b'{"x":["' + b'","' * (2 * MANY) + b'"]}', id="texts"),
]


@pytest.mark.parametrize("body", TOO_MANY)
def test_more_than_any_event_holds_is_not_read(body: bytes) -> None:
    """Nor written again, in search of what changed it."""
    assert said(judge(body, token(body)), "event") == "the body is no event: it holds more than 50000 values"
    delivery = judge(body, token(json.dumps(json.loads(body)).encode()))
    assert said(delivery, "body") == f"the body is not the one that was signed ({len(body)} bytes)"


FULL = [
    pytest.param(json.dumps({"x": '[{,"\\' * MANY}), id="a text full of them"),
    pytest.param(json.dumps({"x": {f"k{number}": "," for number in range(49_000)}}), id="many"),
    pytest.param(json.dumps({"x": "\\" * MANY, "y": [","] * 49_000}), id="backslashes"),
]


@pytest.mark.parametrize("text", FULL)
def test_texts_may_hold_anything(text: str) -> None:
    """Metadata is JSON often, written as a text."""
    assert judge(text.encode(), token(text.encode())).ok


def test_hash_in_another_spelling_is_named() -> None:
    bodies = (BODY + b" " * blanks for blanks in range(99))
    body = next(body for body in bodies if set(digest(body)) & set("+/"))  # else base64url spells it alike
    for written in (sha256(body).hexdigest(), urlsafe_b64encode(sha256(body).digest()).decode()):
        assert said(judge(body, token(sha256=written)), "body") == "sha256 is not written in base64"


def test_other_body_is_not_explained_away() -> None:
    assert said(judge(b'{"event":"room_started"}'), "body") == "the body is not the one that was signed (24 bytes)"


MEANT = [
    pytest.param(Pair("", KEY, f" {SECRET}\n"), "without the blanks around it", id="blanks"),
    pytest.param(Pair("", KEY, f'"{SECRET}"'), "without the quotes around it", id="quotes"),
    pytest.param(Pair("", SECRET, KEY), "key and secret are swapped", id="swapped"),
    pytest.param(Pair("", KEY, "y" * 43), "the secret of .env.staging", id="other file"),
    pytest.param(Pair("", "APIother123456", SECRET), "the configured secret, but not its key", id="other key"),
]


@pytest.mark.parametrize(("pair", "told"), MEANT)
def test_secret_that_was_meant_is_named(pair: Pair, told: str) -> None:
    delivery = judge(pair=pair, others=(Pair(".env.staging", KEY, SECRET),))
    assert told in said(delivery, "signature")
    assert not delivery.ok


def test_server_in_dev_mode_is_named() -> None:
    assert "devkey/secret" in said(judge(header=forge(claims(), secret="secret")), "signature")


TIMES = [
    pytest.param(10, "it is valid for 4 min 50 s more, signed 10 s ago", id="fresh"),
    pytest.param(330, "it expired 30 s ago, within the minute that receivers grant, signed 5 min 30 s ago", id="late"),
    pytest.param(86_700, "it expired 1 d ago, signed 1 d 5 min ago", id="old"),
    pytest.param(-120, "it is not valid yet, but in 2 min", id="early"),
]


@pytest.mark.parametrize(("later", "told"), TIMES)
def test_time_is_told(later: int, told: str) -> None:
    assert said(judge(now=now() + later), "time") == told


def test_old_delivery_is_told_from_a_forged_one() -> None:
    """Signature and hash still hold; --recorded takes it for what it is."""
    old = judge(now=now() + 86_400)
    assert failed(old) == "time"
    assert "replay" in old.failed[0].hint
    assert judge(now=now() + 86_400, recorded=True).ok
    assert failed(judge(header=token(exp=...), recorded=True)) == "time"
    assert failed(judge(header=token(exp=now() - 9), recorded=True)) == "time"


def test_event_is_read() -> None:
    event = read_event(BODY)
    assert (event.name, event.room, event.participant, event.id) == (
        "participant_joined", "demo", "alice", "EV_V4vWm8D6S2QT",
    )  # fmt: skip
    assert (event.created_at, event.meaning) == (MADE, "alice joined room demo")


EVENTS = [
    pytest.param({"event": "room_finished", "room": {"name": "r"}}, "room r was closed", id="room"),
    pytest.param(
        {"event": "track_published", "room": {"name": "r"}, "participant": {"identity": "a"}, "track": {"sid": "TR_1"}},
        "a publishes TR_1 in room r",
        id="track",
    ),
    pytest.param(
        {"event": "egress_ended", "egressInfo": {"egressId": "EG_1", "roomName": "r"}},
        "egress EG_1 of room r ended",
        id="egress",
    ),
    pytest.param(
        {"event": "ingress_started", "ingressInfo": {"ingressId": "IN_1", "roomName": "r"}},
        "ingress IN_1 into room r started",
        id="ingress",
    ),
    pytest.param({"event": "room_started"}, "room (unnamed) was opened", id="room left out"),
    pytest.param({"event": "{room.__class__}"}, "", id="no template"),
]


@pytest.mark.parametrize(("fields", "meaning"), EVENTS)
def test_event_in_words(fields: dict[str, Any], meaning: str) -> None:
    assert read_event(json.dumps(fields).encode()).meaning == meaning


def test_secrets_of_the_event_are_left_out() -> None:
    fields = {
        "room": {"name": "r", "turnPassword": "tp-value"},
        "ingressInfo": {"ingressId": "IN_1", "streamKey": "sk-value", "url": "rtmp://example.com"},
        "egressInfo": {"file": {"s3": {"accessKey": "ak-value", "secret": "se-value", "bucket": "b"}}},
        "list": [{"turn_password": "tq-value"}],
    }
    shown = to_json(judge(json.dumps(fields).encode()).json())
    assert "-value" not in shown
    assert '"bucket"' in shown


def test_what_is_said_of_an_event_is_short() -> None:
    body = json.dumps({"event": "x" * 100_000}).encode()
    delivery = judge(body, token(body))
    assert delivery.ok
    assert max(map(len, (*delivery.notes, *(check.message for check in delivery.checks)))) < 150


def test_notes() -> None:
    delivery = judge(b'{"event":"room_exploded","numDropped":3}')
    assert delivery.notes == (
        "'room_exploded' is none of the 12 events that lkctl knows",
        "LiveKit gave up 3 deliveries before this one",
    )


def test_json_holds_every_key() -> None:
    document = json.loads(to_json(judge().json()))
    assert list(document) == ["ok", "checks", "event", "notes"]
    assert [check["id"] for check in document["checks"]] == ["header", "key", "signature", "time", "body", "event"]
    assert list(document["checks"][0]) == ["id", "ok", "message", "hint"]
    assert list(document["event"]) == [
        "name", "known", "id", "created_at", "age_s", "room", "participant", "track", "job", "payload",
    ]  # fmt: skip
    assert TURN_PASSWORD not in json.dumps(document)


def mutated(text: bytes, chance: random.Random) -> bytes:
    """Change up to two bytes."""
    changed = bytearray(text)
    for _ in range(chance.randrange(3)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def test_anything_can_be_judged() -> None:
    """Nothing that anybody may send makes it raise."""
    chance = random.Random(4)  # noqa: S311
    good = token()  # its last character carries two bits that count for nothing, and is left alone
    deep = b'{"event":' * 5000
    for body in (
        deep,
        b'"' * 9,
        b"[" * 100_000,
        b"1" * 100_000,
        b'{"createdAt":' + b"9" * 5000 + b"}",
        b"NaN",
        b"\x00",
    ):
        assert not judge(body).ok
    for _ in range(2000):
        came, header = mutated(BODY, chance), mutated(good[:-1].encode(), chance).decode("latin-1") + good[-1]
        delivery = judge(came, header)
        assert delivery.ok is (came == BODY and header == good)
        to_json(delivery.json())


HEADERS = [
    pytest.param("eyJ.a.b\n", ("eyJ.a.b",), id="bare"),
    pytest.param("Bearer eyJ.a.b", ("Bearer eyJ.a.b",), id="Bearer"),
    pytest.param("Authorization: eyJ.a.b", ("eyJ.a.b",), id="header"),
    pytest.param("Host: x\r\nauthorization:eyJ.a.b \r\nAccept: */*\r\n", ("eyJ.a.b",), id="headers"),
    pytest.param("POST /hook HTTP/1.1\r\nHost: x\r\nAuthorization: eyJ.a.b\r\n", ("eyJ.a.b",), id="with request line"),
    pytest.param("> Host: x\n> Authorization: eyJ.a.b\n", ("eyJ.a.b",), id="curl -v"),
    pytest.param("{\n  host: 'x',\n  authorization: 'eyJ.a.b',\n}", ("eyJ.a.b",), id="console.log of Node"),
    pytest.param('{"host": "x",\n "Authorization": "eyJ.a.b"}', ("eyJ.a.b",), id="JSON"),
    pytest.param("Authorization: one\nAuthorization: two\n", ("one", "two"), id="twice"),
    pytest.param("Host: x\nAccept: */*\n", (), id="headers without it"),
    pytest.param("undefined", ("undefined",), id="a word"),
]


@pytest.mark.parametrize(("text", "found"), HEADERS)
def test_authorization_is_found(text: str, found: tuple[str, ...]) -> None:
    assert read_authorizations(text) == found


REQUESTS = [
    pytest.param(b"POST / HTTP/1.1\r\nAuthorization: t\r\n\r\n{}", b"{}", id="no length"),
    pytest.param(
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nAuthorization: t\r\n\r\n{}\n", b"{}", id="file's line break"
    ),
    pytest.param(b"Authorization: t\nContent-Type: x\n\n{\n\n}\n", b"{\n\n}\n", id="no request line, body kept"),
    pytest.param(b"\nPOST / HTTP/1.0\nauthorization: t\n\n", b"", id="no body"),
]


@pytest.mark.parametrize(("content", "body"), REQUESTS)
def test_recorded_request(content: bytes, body: bytes) -> None:
    assert is_request(content)
    assert read_request(content) == (("t",), body)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"POST / HTTP/1.1\r\nHost: x\r\n", "no blank line"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "cut into chunks"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}", "Content-Length is 9, and 2 bytes are there"),
    ],
)
def test_unusable_request(content: bytes, why: str) -> None:
    with pytest.raises(LkctlError, match=why) as caught:
        read_request(content)
    assert caught.value.code == "input-malformed"


@pytest.mark.parametrize("content", [BODY, b"", b"[]", b"eyJ.a.b", b'{"a": "x: y"}'])
def test_body_is_no_request(content: bytes) -> None:
    assert not is_request(content)
