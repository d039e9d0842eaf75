"""Asking a server about a token: one code for each answer, in every generation's words, and nothing else is shown."""

import socket
import time
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.validate import Verdict, is_sendable, validate
from lkctl.settings.url import parse_url
from tests import fakes
from tests.tokens.forge import token

JWT = token()
PLAIN = "Content-Type: text/plain; charset=utf-8"
PAGE = "Content-Type: text/html"


def ask(talk: fakes.Talk, timeout: float = 5.0, path: str = "") -> Verdict:
    """Ask a fake."""
    with fakes.serving(talk) as port:
        return validate(parse_url(f"http://127.0.0.1:{port}{path}"), JWT, Deadline(timeout))


def livekit(status: str, text: str, *headers: str) -> fakes.Talk:
    """Answer as LiveKit does."""
    return fakes.reply(status, text.encode(), PLAIN, *headers)


# What no server of ours can be made to say: the words of other generations, read in source (see test_refusal.py)
VERDICTS = [
    pytest.param(livekit("200 OK", "success"), 200, "accepted", "success", id="accepted"),
    pytest.param(livekit("401 Unauthorized", "invalid API key"), 401, "key", "invalid API key", id="key, 1.13.6"),
    pytest.param(livekit("401 Unauthorized", "invalid API key: APIsecret"), 401, "key", "invalid API key", id="key"),
    pytest.param(livekit("401 Unauthorized", f"invalid token: {JWT}, error: go-jose/go-jose: error in cryptographic"
                         " primitive"), 401, "signature", "go-jose/go-jose: error in cryptographic primitive",
                 id="signature, 1.12"),
    pytest.param(livekit("401 Unauthorized", "invalid authorization token: token has invalid claims: token is missing"
                         " required claim: exp claim is required"), 401, "no-expiry",
                 "invalid authorization token: token has invalid claims: token is missing required claim: exp claim is"
                 " required", id="no expiry, 1.13.6"),
    pytest.param(livekit("401 Unauthorized", f"new words on {JWT}"), 401, "other", "new words on <JWT>", id="new"),
    pytest.param(livekit("401 Unauthorized", ""), 401, "other", "", id="no words"),
    pytest.param(livekit("400 Bad Request", "no room name"), 400, "room", "no room name", id="room"),
    pytest.param(livekit("404 Not Found", "requested room does not exist"), 404, "room-missing",
                 "requested room does not exist", id="no such room"),
    pytest.param(livekit("503 Service Unavailable", "node has exceeded its configured limit"), 503, "node-full",
                 "node has exceeded its configured limit", id="node full"),
    pytest.param(fakes.reply("431 Request Header Fields Too Large", b"<html>", PAGE), 431, "too-large",
                 "request header fields too large", id="a proxy's 431"),
    pytest.param(fakes.reply("400 Bad Request", b"<html>Request Header Or Cookie Too Large", PAGE), 400, "too-large",
                 "request header fields too large", id="nginx's 400"),
]  # fmt: skip


@pytest.mark.parametrize(("talk", "status", "code", "reason"), VERDICTS)
def test_verdicts(talk: fakes.Talk, status: int, code: str, reason: str) -> None:
    """LiveKit's own answers."""
    verdict = ask(talk)
    assert (verdict.status, verdict.code, verdict.reason) == (status, code, reason)
    assert verdict.accepted is (code == "accepted")


FAULTS = [
    pytest.param(fakes.reply("200 OK", fakes.HTML, PAGE), "not-livekit", id="page"),
    pytest.param(livekit("200 OK", "OK"), "not-livekit", id="200 without success"),
    pytest.param(livekit("200 OK", "successful"), "not-livekit", id="nearly success"),
    pytest.param(fakes.reply("401 Unauthorized", b"<html>invalid API key", PAGE), "not-livekit", id="page, 401"),
    pytest.param(livekit("401 Unauthorized", "Unauthorized", "WWW-Authenticate: Basic"), "not-livekit", id="login"),
    pytest.param(livekit("403 Forbidden", "permissions denied"), "not-livekit", id="right words, wrong status"),
    pytest.param(livekit("404 Not Found", "404 page not found"), "not-livekit", id="404"),
    pytest.param(livekit("404 Not Found", "invalid API key"), "not-livekit", id="404 with other words"),
    pytest.param(livekit("400 Bad Request", "bad request"), "not-livekit", id="400"),
    pytest.param(livekit("500 Internal Server Error", f"dial tcp 10.0.0.1:6379: {JWT}"), "server-error", id="500"),
    pytest.param(fakes.reply("500 Internal Server Error", fakes.HTML, PAGE), "not-livekit", id="500, page"),
    pytest.param(fakes.reply("502 Bad Gateway", fakes.HTML, PAGE), "http-gateway", id="502"),
    pytest.param(livekit("503 Service Unavailable", "no server"), "http-gateway", id="503"),
    pytest.param(livekit("429 Too Many Requests", ""), "server-limit", id="429"),
    pytest.param(livekit("308 Moved", "", f"Location: https://x.example/?access_token={JWT}"), "http-redirect",
                 id="redirect"),
    pytest.param(fakes.raw(b"SSH-2.0-OpenSSH\r\n"), "http-malformed", id="not HTTP"),
    pytest.param(fakes.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuc"), "http-malformed", id="cut short"),
    pytest.param(fakes.hang_up, "net-failed", id="hang up"),
    pytest.param(fakes.silent, "net-timeout", id="silence"),
    pytest.param(fakes.drip, "net-timeout", id="drop by drop"),
]  # fmt: skip


@pytest.mark.parametrize(("talk", "code"), FAULTS)
def test_faults(talk: fakes.Talk, code: str) -> None:
    """What is no answer of LiveKit's is no verdict on the token; in time, with a next step, and without the token."""
    started = time.monotonic()
    with pytest.raises(LkctlError) as caught:
        ask(talk, 0.5)
    error = caught.value
    assert (error.code, bool(error.hint)) == (code, True)
    assert "eyJ" not in error.message + error.hint
    assert time.monotonic() - started < 3


def test_nobody_listens() -> None:
    """Refused."""
    with pytest.raises(LkctlError) as caught:
        validate(parse_url(f"http://127.0.0.1:{fakes.closed_port()}"), JWT, Deadline(2))
    assert caught.value.code == "net-refused"


@pytest.mark.parametrize("trusted", [True, False])
def test_tls(trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token goes only to whom the certificate is for."""
    context, authority = fakes.certificate("localhost")
    seen: list[bytes] = []

    def talk(link: socket.socket) -> None:
        seen.append(link.recv(65536))
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nsuccess")

    if trusted:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with fakes.serving(talk, context) as port:
        url = parse_url(f"wss://localhost:{port}")
        if trusted:
            assert validate(url, JWT, Deadline(5)).accepted
        else:
            with pytest.raises(LkctlError) as caught:
                validate(url, JWT, Deadline(5))
            assert caught.value.code == "tls-certificate"
    assert len(seen) == trusted


def test_what_is_sent() -> None:
    """One GET below the path of the URL, the token in the header and nowhere else."""
    seen: list[str] = []

    def talk(link: socket.socket) -> None:
        seen.append(link.recv(65536).decode())
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nsuccess")

    trace: list[str] = []
    with fakes.serving(talk) as port:
        validate(parse_url(f"ws://127.0.0.1:{port}/livekit"), JWT, Deadline(5), trace.append)
    (request,) = seen
    assert request.startswith("GET /livekit/rtc/validate HTTP/1.1\r\n")
    assert f"\r\nAuthorization: Bearer {JWT}\r\n" in request
    assert request.count(JWT) == 1
    assert len(trace) == 1
    assert trace[0].startswith(f"debug: GET http://127.0.0.1:{port}/livekit/rtc/validate -> 200 in ")


@pytest.mark.parametrize("ahead", [600, -600, 0])
def test_the_clock(ahead: int) -> None:
    """By the Date header, to a second or two."""
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + ahead))
    skew = ask(livekit("401 Unauthorized", "token is expired", f"Date: {date}")).skew
    assert skew is not None
    assert abs(skew - ahead) < 2


@pytest.mark.parametrize("date", [(), ("Date: yesterday",)])
def test_no_clock(date: tuple[str, ...]) -> None:
    """Nothing is made up."""
    assert ask(livekit("200 OK", "success", *date)).skew is None


@pytest.mark.parametrize(
    ("text", "fits"), [(JWT, True), ("a.b.c", True), ("a.b.c\nd", False), ("a.b.é", False), ("a.b.\x7f", False)]
)
def test_what_can_be_sent(text: str, fits: bool) -> None:
    """A header is printable ASCII."""
    assert is_sendable(text) is fits
