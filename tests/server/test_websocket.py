"""WebSockets, and the handshake of a worker on them: with fakes that no real server is, and with a real one."""

import json
import socket
import time
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from typing import Any

import pytest
from google.protobuf import json_format
from livekit.protocol import agent

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.server.agentlink import ServerInfo, register, registration
from lkctl.server.deadline import Deadline
from lkctl.server.websocket import ClosedError, opened
from lkctl.settings.shape import Pair
from lkctl.settings.url import parse_url
from tests import fakes

PAIR = Pair("test", "APItest12345678", "s" * 43)
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def upgraded(*frames: bytes, then: Callable[[socket.socket], None] = fakes.silent) -> fakes.Talk:
    """Take the handshake, send these frames, and go on."""

    def talk(link: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += link.recv(65536)
        key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
        accept = b64encode(sha1(key + _MAGIC, usedforsecurity=False).digest())
        start = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        link.sendall(start + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + b"".join(frames))
        then(link)

    return talk


def frame(content: bytes, opcode: int = 1, *, final: bool = True) -> bytes:
    size = len(content)
    length = bytes([size]) if size < 126 else bytes([126]) + size.to_bytes(2, "big")
    return bytes([(0x80 if final else 0) | opcode]) + length + content


def receive(talk: fakes.Talk, seconds: float = 3) -> str | bytes:
    with fakes.serving(talk) as port:
        deadline = Deadline(seconds)
        with opened(parse_url(f"ws://127.0.0.1:{port}"), "/agent", {}, deadline) as one:
            return one.receive(deadline)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        pytest.param([frame(b"hello")], "hello", id="text"),
        pytest.param([frame(b"\x00\xff", 2)], b"\x00\xff", id="binary"),
        pytest.param([frame(b"hel", final=False), frame(b"lo", 0)], "hello", id="in parts"),
        pytest.param([frame(b"hel", final=False), frame(b"?", 9), frame(b"lo", 0)], "hello", id="a ping in between"),
        pytest.param([frame(b"x" * 40_000)], "x" * 40_000, id="long"),
        pytest.param([frame(b"\xff\xfe")], "\ufffd\ufffd", id="broken UTF-8"),
    ],
)
def test_messages(frames: list[bytes], message: str | bytes) -> None:
    """As RFC 6455 has them."""
    assert receive(upgraded(*frames)) == message


@pytest.mark.parametrize(
    ("talk", "code"),
    [
        pytest.param(upgraded(bytes([0x81, 127]) + (2**62).to_bytes(8, "big")), "http-malformed", id="endless frame"),
        pytest.param(upgraded(*[frame(b"x" * 60_000, final=False)] * 20), "http-malformed", id="endless message"),
        pytest.param(upgraded(bytes([0x81, 0x85]) + b"maskhello"), "http-malformed", id="a masked frame"),
        pytest.param(upgraded(bytes([0xC1, 5]) + b"hello"), "http-malformed", id="reserved bits"),
        pytest.param(upgraded(), "net-timeout", id="nothing comes"),
        pytest.param(fakes.silent, "net-timeout", id="no answer at all"),
        pytest.param(fakes.hang_up, "net-failed", id="hangs up"),
        pytest.param(fakes.raw(b"HTTP/1.1 101 Sure\r\n\r\n"), "http-malformed", id="101 without the answer to the key"),
        pytest.param(fakes.raw(b"SSH-2.0\r\n"), "http-malformed", id="no HTTP"),
    ],
)
def test_what_is_no_message(talk: fakes.Talk, code: str) -> None:
    """Ends in time, with one of our own errors."""
    started = time.monotonic()
    with pytest.raises(LkctlError) as raised:
        receive(talk, 0.7)
    assert raised.value.code == code
    assert time.monotonic() - started < 2


def test_the_other_side_closes() -> None:
    """With a code and a reason, or without a word."""
    with pytest.raises(ClosedError, match=r"closed \(1008\) no such agent"):
        receive(upgraded(frame((1008).to_bytes(2, "big") + b"no such agent", 8)))
    with pytest.raises(ClosedError, match=r"closed \(0\)"):
        receive(upgraded(then=lambda _: None))


def test_the_registration_is_livekits_own_message() -> None:
    """It reads as a WorkerMessage."""
    message = json_format.Parse(registration("helper"), agent.WorkerMessage())
    assert (message.register.agent_name, message.register.type) == ("helper", agent.JT_ROOM)


def said(answer: Any) -> fakes.Talk:
    return upgraded(frame(json.dumps(answer).encode()))


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        pytest.param({"edition": "Cloud", "version": "1.14.0", "region": "eu", "nodeId": "N", "protocol": 17,
                      "agentProtocol": 1}, ServerInfo("1.14.0", "Cloud", "eu", "N", 17, 1), id="Cloud"),
        pytest.param({"version": "1.8.0"}, ServerInfo("1.8.0", "Standard", "", "", 0, 0), id="zero is left out"),
        pytest.param({"version": 7, "edition": ["x"], "protocol": "x", "nodeId": None, "region": True, "x": 1},
                     ServerInfo("", "", "", "", 0, 0), id="wrong types"),
    ],
)  # fmt: skip
def test_what_the_server_says_of_itself(info: dict[str, Any], expected: ServerInfo) -> None:
    """The fields of livekit.ServerInfo, as protobuf's JSON has them."""
    with fakes.serving(said({"register": {"workerId": "AW_1", "serverInfo": info}})) as port:
        assert register(parse_url(f"ws://127.0.0.1:{port}"), PAIR, "x", Deadline(3)) == expected


@pytest.mark.parametrize(
    ("talk", "code", "words"),
    [
        pytest.param(fakes.reply("404 Not Found"), "not-livekit", "the upgrade to a WebSocket was lost", id="stripped"),
        pytest.param(fakes.reply("200 OK", fakes.HTML), "not-livekit", "a web page", id="page"),
        pytest.param(fakes.reply("502 Bad Gateway"), "http-gateway", "answers 502", id="gateway"),
        pytest.param(
            fakes.reply("401 Unauthorized", b"invalid API key: eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"),
            "auth-refused", "takes no worker with this key", id="401",
        ),
        pytest.param(said({"pong": {}}), "not-livekit", "as LiveKit does not", id="another message"),
        pytest.param(said([]), "not-livekit", "as LiveKit does not", id="JSON of something else"),
        pytest.param(upgraded(frame(b"\xff", 2)), "not-livekit", "as LiveKit does not", id="no JSON"),
        pytest.param(upgraded(then=lambda _: None), "server-error", "closes at once", id="closed"),
    ],
)  # fmt: skip
def test_a_server_that_takes_no_worker(talk: fakes.Talk, code: str, words: str) -> None:
    """Each has its own words, without the token that it may echo."""
    with fakes.serving(talk) as port, pytest.raises(LkctlError) as raised:
        register(parse_url(f"ws://127.0.0.1:{port}"), PAIR, "x", Deadline(2))
    assert raised.value.code == code
    assert words in raised.value.message
    assert "eyJ" not in raised.value.message


@pytest.mark.live
def test_a_real_server(livekit_server: LocalServer) -> None:
    """It answers in JSON, tells its version, and refuses a wrong secret."""
    url = parse_url(livekit_server.url)
    pair = Pair("test", livekit_server.key, livekit_server.secret.reveal())
    info = register(url, pair, "lkctl-nobody", Deadline(5))
    assert (info.version, info.edition, info.agent_protocol) == ("1.13.5", "Standard", 1)
    assert info.node_id.startswith("ND_")
    with pytest.raises(LkctlError, match="takes no worker with this key"):
        register(url, pair._replace(secret="x" * 43), "lkctl-nobody", Deadline(5))
