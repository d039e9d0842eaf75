"""The API edge: every answer that is not a reply has its own code, and nothing that the server echoes is shown."""

import json
import re
import time
from typing import Any

import pytest
from google.protobuf import json_format
from livekit.protocol import models
from livekit.protocol import room as pb

from lkctl.errors import ExitCode, LkctlError
from lkctl.models import RoomRequest
from lkctl.secret import Secret
from lkctl.server import decode
from lkctl.server.api import Api, room_body
from lkctl.server.twirp import Twirp
from lkctl.server.wire import MOST_BYTES
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.url import parse_url
from tests import fakes

SECRET = "api-edge-secret-of-the-tests-0123456789abcd"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"
ECHO = f"invalid token: {JWT}, error: "
DATE = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))


def api_of(port: int, timeout: float = 5.0, secret: str = SECRET) -> Api:
    """Make an API edge to a fake."""
    credentials = Credentials("APIabcdefghijkl", Secret(secret), ".env:2", ".env:3")
    return Api(Twirp(Target(parse_url(f"http://127.0.0.1:{port}"), credentials), timeout=timeout))


def twirp(status: str, code: str, text: str) -> fakes.Talk:
    """Answer like LiveKit does."""
    body = json.dumps({"code": code, "msg": text}).encode()
    return fakes.reply(status, body, "Content-Type: application/json")


# As livekit-server 1.13.5 told it of a Redis that was away, hung, wanted a password, was full, and was a replica
REDIS_AWAY = (
    "could not get rooms: dial tcp 127.0.0.1:9: connect: connection refused",
    "dial tcp: lookup redis on 10.0.0.1:53: no such host",
    "could not get node for room: i/o timeout",
    "NOAUTH Authentication required.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    "could not get rooms: MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
)

TABLE = [
    pytest.param(fakes.reply("200 OK", fakes.HTML, "Content-Type: text/html"), "not-livekit", id="page, 200"),
    pytest.param(fakes.reply("404 Not Found", fakes.HTML, "Content-Type: text/html"), "not-livekit", id="page, 404"),
    pytest.param(fakes.reply("200 OK", b"[]"), "not-livekit", id="JSON that is no object"),
    pytest.param(fakes.reply("200 OK", b"[" * 100_000), "not-livekit", id="nested too deep"),
    pytest.param(fakes.reply("200 OK", b"\xff\xfe\x00"), "not-livekit", id="no text"),
    pytest.param(fakes.reply("404 Not Found", b"404 page not found\n"), "not-livekit", id="another path prefix"),
    pytest.param(fakes.reply("403 Forbidden", b"denied"), "not-livekit", id="a proxy's 403"),
    pytest.param(fakes.reply("301 Moved", b"", "Location: https://x.example/" + JWT), "http-redirect", id="redirect"),
    pytest.param(fakes.reply("502 Bad Gateway", fakes.HTML), "http-gateway", id="502"),
    pytest.param(fakes.reply("503 Service Unavailable", b""), "http-gateway", id="503 of a proxy"),
    pytest.param(fakes.reply("504 Gateway Timeout", b""), "http-gateway", id="504"),
    pytest.param(fakes.reply("429 Too Many Requests", b""), "server-limit", id="429"),
    pytest.param(twirp("503 Service Unavailable", "unavailable", "twirp error unknown: no response from servers"),
                 "server-unavailable", id="503 of LiveKit"),
    pytest.param(twirp("500 Internal Server Error", "unknown", "reached configured limit for node"),
                 "server-limit", id="a node that is full"),
    pytest.param(twirp("500 Internal", "unknown", "twirp error unknown: could not find any available nodes"),
                 "server-unavailable", id="no nodes yet"),
    pytest.param(twirp("401 Unauthorized", "unauthenticated", "permissions denied"), "auth-grant", id="grant"),
    pytest.param(twirp("500 Internal", "internal", "twirp error unknown: egress not connected (redis required)"),
                 "server-redis", id="redis"),
    *(pytest.param(twirp("500 Internal", "unknown", f"twirp error unknown: {said}"), "server-redis", id=said)
      for said in REDIS_AWAY),
    pytest.param(twirp("500 Internal", "unknown", "twirp error unknown: agent dial tcp"), "server-error", id="no dial"),
    pytest.param(twirp("500 Internal", "internal", "Internal service panic"), "server-error", id="panic"),
    pytest.param(twirp("404 Not Found", "bad_route", "no handler"), "not-livekit", id="bad route"),
    pytest.param(fakes.reply("401 Unauthorized", b"invalid API key: APIabcdefghijkl"), "auth-key", id="key"),
    pytest.param(fakes.reply("401 Unauthorized", f"{ECHO}token signature is invalid: x".encode()),
                 "auth-secret", id="secret"),
    pytest.param(fakes.reply("401 Unauthorized", f"{ECHO}token is expired".encode(), f"Date: {DATE}"),
                 "auth-clock", id="clock"),
    pytest.param(fakes.reply("401 Unauthorized", b"invalid authorization token"), "auth-refused", id="another reason"),
    pytest.param(fakes.endless, "not-livekit", id="endless body"),
    pytest.param(fakes.silent, "net-timeout", id="silence"),
]  # fmt: skip


@pytest.mark.parametrize(("talk", "code"), TABLE)
def test_faults(talk: fakes.Talk, code: str) -> None:
    """Each has its code, a next step, and shows no token."""
    with fakes.serving(talk) as port, pytest.raises(LkctlError) as caught:
        api_of(port, 10.0 if talk is fakes.endless else 1.0).list_rooms()
    error = caught.value
    assert error.code == code
    assert error.hint
    assert "eyJ" not in error.message + error.hint
    assert SECRET not in error.message + error.hint


def test_the_clock_is_measured() -> None:
    """Minutes and side are told from the Date header."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600))
    talk = fakes.reply("401 Unauthorized", b"x, error: token is expired", f"Date: {date}")
    with fakes.serving(talk) as port, pytest.raises(LkctlError) as caught:
        api_of(port).list_rooms()
    assert re.search(r"clock is (10 min|9 min 59 s|10 min 1 s) behind", caught.value.message)
    assert caught.value.exit_code is ExitCode.AUTH


@pytest.mark.parametrize(
    "request_",
    [
        RoomRequest("r"),
        RoomRequest("r", "{}", 0, 1, 2),
        RoomRequest("ä" * 10, '{"userId": "x"}', 300, None, 9),
    ],
)
def test_requests_are_livekits_own(request_: RoomRequest) -> None:
    """What we send parses into LiveKit's message without an unknown field, and comes out as it went in."""
    body = room_body(request_)
    message = json_format.ParseDict(body, pb.CreateRoomRequest(), ignore_unknown_fields=False)
    for name, value in body.items():
        assert getattr(message, name) == value


def test_replies_are_livekits_own() -> None:
    """A Room that LiveKit's own library writes is read field by field; the TURN password is left behind."""
    room = models.Room(sid="RM_1", name="r", metadata="{}", creation_time=1700000000, creation_time_ms=1700000000123,
                       empty_timeout=5, departure_timeout=6, max_participants=7, num_participants=8, num_publishers=9,
                       active_recording=True, turn_password="hidden-turn-password")  # fmt: skip
    raw: dict[str, Any] = json_format.MessageToDict(
        room, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    ours = decode.room(raw)
    for name in (
        "sid", "name", "metadata", "empty_timeout", "departure_timeout", "max_participants", "num_participants",
        "num_publishers", "active_recording",
    ):  # fmt: skip
        assert getattr(ours, name) == getattr(room, name)
    assert ours.created_at is not None
    assert int(ours.created_at.timestamp() * 1000) == 1700000000123
    assert "hidden-turn-password" not in repr(ours)


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"name": 5, "metadata": None, "creation_time_ms": "x", "empty_timeout": [], "active_recording": "yes"},
        {"creation_time_ms": "9" * 30, "max_participants": 1e400, "num_participants": float("nan")},
        {"creation_time_ms": 10**18},
        {"creation_time": "-5"},
    ],
)
def test_odd_replies_are_read_as_absent(raw: dict[str, Any]) -> None:
    """A server may lie; reading it never fails."""
    room = decode.room(raw)
    assert (room.name, room.metadata, room.created_at, room.max_participants) == ("", "", None, 0)
    assert decode.participant(raw).kind == "STANDARD"
    assert decode.dispatch({"state": raw}).jobs == ()


def test_bodies_are_bounded() -> None:
    """The bound that the endless body hit."""
    assert MOST_BYTES == 64 * 1024 * 1024
