"""Servers that lie, stall and flood: diagnose ends in time, names what it is, and passes nothing on."""

import json
import socket
import time
from pathlib import Path

import pytest

from tests import fakes
from tests.checks.worlds import KEY, SECRET
from tests.harness import Done, invoke

SECONDS = 3.0  # --timeout
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"
LONG = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}" + b"HTTP/1.1 200 OK\r\n" * 1000
EVIL = f"\x1b]0;owned\x07\x1b[31m {fakes.JWT} {SECRET} [bold]x[/bold] \u202e".encode()
EVIL_ERROR = json.dumps({"code": "internal", "msg": EVIL.decode()}).encode()


def json_head(body: bytes) -> bytes:
    """Write an answer in JSON."""
    return b"HTTP/1.1 500 X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def run(url: str, *options: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Done, float]:
    """Diagnose a URL, and say how long it took."""
    for name, value in (("URL", url), ("API_KEY", KEY), ("API_SECRET", SECRET)):
        monkeypatch.setenv(f"LIVEKIT_{name}", value)
    started = time.monotonic()
    done = invoke("diagnose", "--timeout", f"{SECONDS:g}s", *options)
    return done, time.monotonic() - started


def assert_clean(done: Done) -> None:
    """Nothing of what the server said can do harm."""
    printed = done.out + done.err
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "\u202e" not in printed
    assert fakes.JWT not in printed
    assert SECRET not in printed


HOSTILE = [
    pytest.param(fakes.reply("200 OK", fakes.HTML, "Content-Type: text/html"), "not-livekit", id="HTML"),
    pytest.param(fakes.reply("404 Not Found", EVIL), "not-livekit", id="escape sequences and tokens"),
    pytest.param(fakes.raw(json_head(EVIL_ERROR)), "not-livekit", id="the same as an error of Twirp's"),
    pytest.param(fakes.raw(b"HTTP/1.1 200 " + EVIL + b"\r\n\r\n"), "not-livekit", id="the same in the status line"),
    pytest.param(
        fakes.raw(b"HTTP/1.1 302 X\r\nLocation: http://x/" + EVIL + b"\r\nContent-Length: 0\r\n\r\n"),
        "http-redirect",
        id="the same in a header",
    ),
    pytest.param(fakes.endless, "not-livekit", id="endless body"),
    pytest.param(fakes.repeating(CHUNKED, b"3e8\r\n" + b"x" * 1000 + b"\r\n"), "not-livekit", id="endless chunks"),
    pytest.param(fakes.repeating(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "http-malformed", id="endless 100 Continue"),
    pytest.param(fakes.repeating(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), "http-malformed", id="endless headers"),
    pytest.param(fakes.repeating(b"HTTP/1.1 200 OK\r\nA: ", b"b" * 999), "http-malformed", id="an endless header"),
    pytest.param(fakes.repeating(CHUNKED + b"0\r\n", b"A: b\r\n"), "net-timeout", id="endless trailers"),
    pytest.param(fakes.drip, "net-timeout", id="slow drip"),
    pytest.param(fakes.trickle(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000), "net-timeout", id="slow drip of headers"),
    pytest.param(fakes.silent, "net-timeout", id="silence"),
    pytest.param(fakes.half_close, "net-failed", id="half closed"),
    pytest.param(fakes.hang_up, "net-failed", id="closed without a word"),
    pytest.param(fakes.raw(SHORT), "http-malformed", id="wrong length: too long"),
    pytest.param(fakes.raw(LONG), "not-livekit", id="wrong length: too short"),
    pytest.param(fakes.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "http-malformed", id="length below 0"),
    pytest.param(fakes.resetting(None), "net-failed", id="reset at once"),
    pytest.param(fakes.resetting(b""), "net-failed", id="reset after the request"),
    pytest.param(fakes.resetting(b"HTTP/1.1 2"), "net-failed", id="reset in the head"),
    pytest.param(fakes.resetting(SHORT), "net-failed", id="reset in the body"),
    pytest.param(fakes.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "http-malformed", id="another protocol"),
    pytest.param(fakes.raw(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18), "http-malformed", id="HTTP/2 only"),
    pytest.param(fakes.raw(b"\xff\xfe\x00" * 100), "http-malformed", id="noise"),
]


@pytest.mark.parametrize(("talk", "code"), HOSTILE)
def test_a_hostile_server_is_named_in_time(talk: fakes.Talk, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cause, the right code, within the time limit; the rest is folded."""
    with fakes.serving(talk) as port:
        done, spent = run(f"ws://127.0.0.1:{port}", "-o", "json", monkeypatch=monkeypatch)
    assert_clean(done)
    assert done.code == 1
    assert spent < SECONDS + 1.5
    cause = json.loads(done.out)["probable_cause"]
    assert (cause["check"] in {"http.livekit", "net.tcp"}, cause["code"]) == (True, code)  # a reset may come early


@pytest.mark.parametrize(("talk", "_"), HOSTILE[:5])
def test_people_see_nothing_of_it(talk: fakes.Talk, _: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is shown to people goes through the same filter."""
    with fakes.serving(talk) as port:
        done, _spent = run(f"ws://127.0.0.1:{port}", "-o", "table", "--color", "never", monkeypatch=monkeypatch)
    assert_clean(done)
    assert (done.code, "Probable cause" in done.out) == (1, True)


FINGERPRINT = "/twirp/livekit.RoomService/ListRooms"
BAD_ROUTE = b'{"code":"bad_route","msg":"unsupported method"}'
LIVEKIT = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\nDate: x\r\n\r\n%b" % (
    len(BAD_ROUTE),
    BAD_ROUTE,
)
LATER = [param for param in HOSTILE if param.id != "wrong length: too short"]


@pytest.mark.parametrize(("talk", "_"), LATER)
def test_a_server_that_turns_hostile_later(talk: fakes.Talk, _: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks like LiveKit at first: all that is asked after ends in time as well, and WebSockets are judged."""
    with fakes.serving(fakes.by_path({FINGERPRINT: LIVEKIT}, talk)) as port:
        done, spent = run(f"ws://127.0.0.1:{port}", "-o", "json", "--skip", "api.*", monkeypatch=monkeypatch)
    assert_clean(done)
    assert spent < SECONDS + 1.5
    report = json.loads(done.out)
    status = {result["id"]: result["status"] for result in report["results"]}
    assert (done.code, status["http.livekit"], status["http.websocket"]) == (1, "pass", "fail")
    assert not [name for name, ended in status.items() if ended == "crash"]


def alert(link: socket.socket) -> None:
    """Refuse the version of TLS."""
    link.recv(65536)
    link.sendall(b"\x15\x03\x03\x00\x02\x02\x46")


TLS = [
    pytest.param(fakes.silent, "net-timeout", id="a handshake that never ends"),
    pytest.param(fakes.resetting(None), "tls-failed", id="reset in the handshake"),
    pytest.param(fakes.raw(b"HTTP/1.1 200 OK\r\n\r\n"), "tls-plain-port", id="plain HTTP"),
    pytest.param(alert, "tls-failed", id="an alert: another version"),
]


@pytest.mark.parametrize(("talk", "code"), TLS)
def test_a_hostile_tls_server(talk: fakes.Talk, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handshake is bounded, too."""
    with fakes.serving(talk) as port:
        done, spent = run(f"wss://127.0.0.1:{port}", "-o", "json", monkeypatch=monkeypatch)
    cause = json.loads(done.out)["probable_cause"]
    assert done.code == 1
    assert cause["check"] in {"net.tls", "net.tcp"}
    assert cause["code"] in {code, "net-failed"}  # a reset may come early
    assert spent < SECONDS + 1.5


def test_black_holes_cost_one_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with many dead addresses, and dead ports beside them: all are tried at the same time."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.1.{number}", 7880)) for number in range(1, 25)]

    def connect(link: socket.socket, _: object) -> None:
        time.sleep(link.gettimeout() or 60)
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket.socket, "connect", connect)
    done, spent = run("ws://holes.acme.lan:7880", "-o", "json", monkeypatch=monkeypatch)
    cause = json.loads(done.out)["probable_cause"]
    assert (done.code, cause["check"], cause["code"]) == (1, "net.tcp", "net-timeout")
    assert spent < SECONDS * 1.3


def test_ruled_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What was tried in vain is part of the report."""
    (tmp_path / "here" / "livekit.yaml").write_text(f"port: {fakes.closed_port()}\n")
    done, _ = run(f"ws://127.0.0.1:{fakes.closed_port()}", "-o", "json", monkeypatch=monkeypatch)
    cause = json.loads(done.out)["probable_cause"]
    assert cause["code"] == "net-refused"
    assert any(":7880: it does not answer there" in said for said in cause["ruled_out"])
    assert len([said for said in cause["ruled_out"] if "it does not answer there" in said]) > 2
