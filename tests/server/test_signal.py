"""Joining by the signal connection: refusals, and servers that talk as none does. Real joins: tests/live."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import aiohttp
import pytest
from aiohttp import web
from livekit.protocol import models, rtc

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.signal import Visit, answer_to, visiting
from lkctl.settings.url import ServerUrl
from tests.fakes import HTML, Talk, reply, serving, silent
from tests.lab.parts.relay import serving as serving_web

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJlLWZvci10ZXN0cw"
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 BA:39\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=setup:actpass\r\na=mid:0\r\n"
    "a=sctp-port:5000\r\na=ice-ufrag:theirs\r\na=ice-pwd:password\r\n"
)


def visit(port: int, seconds: float = 3.0) -> Visit:
    with visiting(ServerUrl("ws", "127.0.0.1", port), TOKEN, Deadline(seconds)) as seen:
        return seen


@pytest.mark.parametrize(
    ("talk", "code", "says"),
    [
        pytest.param(
            reply("401 Unauthorized", f"invalid token: {TOKEN}, error: token is expired".encode()),
            "auth-refused", "lets nobody join with this token", id="a token that is refused",
        ),
        pytest.param(
            reply("404 Not Found", b"requested room does not exist"), "room-missing", "makes no room at a join",
            id="no room is made",
        ),
        pytest.param(reply("404 Not Found"), "not-livekit", "upgrade to a WebSocket was lost", id="no upgrade"),
        pytest.param(
            reply("500 Internal Server Error", b"connection closed by media"), "server-error", "breaks the join off",
            id="a full room",
        ),
        pytest.param(
            reply("500 Internal Server Error", b"could not get node for room: dial tcp"), "server-error", "dial tcp",
            id="no Redis",
        ),
        pytest.param(reply("502 Bad Gateway", HTML), "http-gateway", "502", id="nothing behind the proxy"),
        pytest.param(reply("200 OK", HTML), "not-livekit", "a web page", id="a web page"),
        pytest.param(silent, "net-timeout", "did not come", id="silence"),
    ],
)  # fmt: skip
def test_refusals(talk: Talk, code: str, says: str) -> None:
    with serving(talk) as port, pytest.raises(LkctlError, match=says) as caught:
        visit(port, 1.0)
    assert caught.value.code == code
    assert TOKEN not in f"{caught.value}{caught.value.hint}"


def frames(*contents: bytes | str, close: bytes | None = None) -> Callable[[web.BaseRequest], object]:
    """Say these at the start, and then wait, or close for this reason."""

    async def talk(request: web.BaseRequest) -> web.StreamResponse:
        link = web.WebSocketResponse()
        await link.prepare(request)
        for content in contents:
            await (link.send_str(content) if isinstance(content, str) else link.send_bytes(content))
        if close is not None:
            await link.close(code=aiohttp.WSCloseCode.POLICY_VIOLATION, message=close)
        async for _ in link:
            pass
        return link

    return talk


@contextmanager
def saying(*contents: bytes | str, close: bytes | None = None) -> Iterator[int]:
    with serving_web(frames(*contents, close=close)) as port:  # type: ignore[arg-type]
        yield port


def join(**more: object) -> bytes:
    """Write the first message of a server."""
    info = models.ServerInfo(version="1.99.0", region="mars", node_id="ND_1", edition=models.ServerInfo.Edition.Cloud)
    told = rtc.JoinResponse(room=models.Room(name="r"), server_info=info, **more)  # type: ignore[arg-type]
    return bytes(rtc.SignalResponse(join=told).SerializeToString())


def trickle(candidate: str, *, final: bool = True) -> bytes:
    told = rtc.TrickleRequest(candidateInit=candidate, final=final)
    return bytes(rtc.SignalResponse(trickle=told).SerializeToString())


def offer() -> bytes:
    return bytes(rtc.SignalResponse(offer=rtc.SessionDescription(type="offer", sdp=OFFER)).SerializeToString())


@pytest.mark.parametrize(
    ("contents", "code", "says"),
    [
        pytest.param([b"\xff\xff\xff"], "not-livekit", "as LiveKit does not", id="no protobuf"),
        pytest.param(["{}"], "not-livekit", "as LiveKit does not", id="a text frame"),
        pytest.param([b""], "not-livekit", "as LiveKit does not", id="an empty message"),
        pytest.param(
            [rtc.SignalResponse(leave=rtc.LeaveRequest(reason=models.DisconnectReason.ROOM_DELETED)).SerializeToString()],
            "server-error", "ROOM_DELETED", id="put out at once",
        ),
        pytest.param([], "net-timeout", "did not come", id="101 and silence"),
    ],
)  # fmt: skip
def test_first_words_that_no_server_says(contents: list[bytes], code: str, says: str) -> None:
    with saying(*contents) as port, pytest.raises(LkctlError, match=says) as caught:
        visit(port, 1.0)
    assert caught.value.code == code


def test_a_close_at_once_is_told_with_its_reason() -> None:
    with saying(close=b"no \x1b[31mroom") as port, pytest.raises(LkctlError, match="closes the connection") as caught:
        visit(port)
    assert caught.value.code == "server-error"
    assert "\x1b" not in caught.value.message


def test_what_a_server_says_of_itself() -> None:
    """And its candidates, without what is none; those in the offer count, too."""
    candidate = "candidate:1 1 udp 1 10.0.0.5 7882 typ host"
    servers = [rtc.ICEServer(urls=["turn:10.0.0.5:3478"], username="u", credential="credential-for-tests")]
    messages = [
        join(ice_servers=servers), offer(), trickle(json.dumps({"candidate": candidate}), final=False),
        trickle("[" * 100_000, final=False), trickle("7", final=False), trickle(json.dumps({"candidate": 5})),
    ]  # fmt: skip
    with saying(*messages) as port:
        seen = visit(port)
    assert (seen.version, seen.edition, seen.region, seen.node) == ("1.99.0", "Cloud", "mars", "ND_1")
    assert [str(one) for one in seen.candidates] == ["udp 10.0.0.5:7882"]
    assert seen.session is not None
    assert (seen.session.ufrag, seen.session.password) == ("theirs", "password")
    assert seen.ice_servers[0].urls == ("turn:10.0.0.5:3478",)
    assert "credential-for-tests" not in repr(seen)
    assert "password" not in repr(seen.session)


def test_no_offer_is_no_failure() -> None:
    """Of a server that makes none, nothing is known of its media."""
    with saying(join()) as port:
        assert visit(port, 1.0).session is None


def test_endless_talk_ends() -> None:
    """As many candidates as you like, with names as long as you like."""
    many = [trickle(json.dumps({"candidate": f"candidate:1 1 udp 1 10.0.{n // 250}.{n % 250} 5 typ host"}), final=False)
            for n in range(1000)]  # fmt: skip
    with saying(join(), offer(), *many) as port:
        assert len(visit(port).candidates) < 100


def test_an_answer_takes_every_part_of_an_offer() -> None:
    """A part of its own for each, in their order, with our names; media are not sent to us."""
    audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=rtpmap:111 opus/48000/2\r\na=ice-pwd:password\r\n"
    lines = answer_to(OFFER + audio, "ours").split("\r\n")
    assert [line for line in lines if line.startswith("m=")] == [
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "m=audio 9 UDP/TLS/RTP/SAVPF 111",
    ]  # fmt: skip
    assert lines.count("a=ice-ufrag:ours") == lines.count("a=setup:active") == 2
    assert lines.count("a=inactive") == 1
    assert "a=ice-pwd:password" not in lines
    assert {"a=mid:0", "a=mid:1", "a=sctp-port:5000", "a=group:BUNDLE 0"} <= set(lines)
