"""The transport: every way in which a server can fail to answer has its own code, and ends in time."""

import socket
import time
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.http import Request, _host, exchange
from lkctl.server.link import resolve
from lkctl.server.wire import MOST_BYTES
from lkctl.settings.url import parse_url
from tests import fakes

GET = Request("GET", "/")


def ask(url: str, seconds: float = 5.0, request: Request = GET) -> str:
    """Give the code of the failure, or the status of the answer."""
    try:
        return str(exchange(parse_url(url), request, Deadline(seconds)).status)
    except LkctlError as error:
        return error.code if error.hint else "no hint"


TABLE = [
    pytest.param(fakes.reply("200 OK", b"OK"), "200", id="an answer"),
    pytest.param(
        fakes.reply("302 Found", b"", "Location: http://127.0.0.1:9/"), "302", id="a redirect is not followed"
    ),
    pytest.param(fakes.raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "http-malformed", id="another protocol"),
    pytest.param(fakes.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), "http-malformed", id="cut short"),
    pytest.param(
        fakes.raw(b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 5000 + b"\r\n"), "http-malformed", id="too many headers"
    ),
    pytest.param(
        fakes.raw(b"HTTP/1.1 200 OK\r\nX-Y: " + b"z" * 200_000 + b"\r\n\r\n"), "http-malformed", id="huge header"
    ),
    pytest.param(
        fakes.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "http-malformed", id="bad chunk"
    ),
    pytest.param(fakes.raw(b"\x15\x03\x01\x00\x02\x02\x16"), "tls-needed", id="a TLS alert"),
    pytest.param(fakes.hang_up, "net-failed", id="closed without a word"),
    pytest.param(
        fakes.raw(b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n\x81\x00"), "101", id="another protocol from now"
    ),
    pytest.param(fakes.raw(b"HTTP/1.1 100 X\r\n\r\n" * 99 + b"HTTP/1.1 204 X\r\n\r\n"), "204", id="announcements"),
    pytest.param(fakes.raw(b"HTTP/1.1 100 X\r\n\r\n" * 101), "http-malformed", id="too many announcements"),
]


@pytest.mark.parametrize(("talk", "outcome"), TABLE)
def test_answers_and_failures(talk: fakes.Talk, outcome: str) -> None:
    """Each fault has its code."""
    with fakes.serving(talk) as port:
        assert ask(f"http://127.0.0.1:{port}") == outcome


def test_http_2_is_named() -> None:
    """Of a front that speaks nothing else: its first frame is SETTINGS."""
    with fakes.serving(fakes.raw(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")) as port, pytest.raises(LkctlError) as caught:
        exchange(parse_url(f"http://127.0.0.1:{port}"), GET, Deadline(5))
    assert caught.value.code == "http-malformed"
    assert "speaks HTTP/2 only" in caught.value.message


def test_headers_that_come_twice_are_joined() -> None:
    """As RFC 9110 has it; of those that can have one value only the last one counts."""
    head = b"HTTP/1.1 200 OK\r\nA: 1\r\nA: 2\r\nDate: x\r\nDate: y\r\nContent-Length: 0\r\n\r\n"
    with fakes.serving(fakes.raw(head)) as port:
        headers = exchange(parse_url(f"http://127.0.0.1:{port}"), GET, Deadline(5)).headers
    assert (headers["a"], headers["date"]) == ("1, 2", "y")


@pytest.mark.parametrize(
    "talk", [pytest.param(fakes.silent, id="silence"), pytest.param(fakes.drip, id="drop by drop")]
)
def test_ends_in_time(talk: fakes.Talk) -> None:
    """A server that says nothing, or never ends, holds nobody up."""
    started = time.monotonic()
    with fakes.serving(talk) as port:
        assert ask(f"http://127.0.0.1:{port}", 0.5) == "net-timeout"
    assert time.monotonic() - started < 5


def test_an_endless_body_is_cut() -> None:
    """At most MOST_BYTES are kept."""
    with fakes.serving(fakes.endless) as port:
        answer = exchange(parse_url(f"http://127.0.0.1:{port}"), GET, Deadline(20))
    assert answer.truncated
    assert len(answer.body) == MOST_BYTES


def test_refused() -> None:
    """Nothing listens."""
    assert ask(f"http://127.0.0.1:{fakes.closed_port()}") == "net-refused"


@pytest.mark.parametrize("host", ["nowhere.lan", "a" * 64 + ".example", "b..c"])
def test_unresolvable(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that does not resolve, or is none. (No resolver is asked: the tests stay on this machine.)"""
    if host == "nowhere.lan":
        monkeypatch.setattr(socket, "getaddrinfo", fakes.no_such_name)
    with pytest.raises(LkctlError) as caught:
        resolve(host, 7880, Deadline(5))
    assert caught.value.code == "net-dns"


def test_a_dead_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two addresses the first swallows packets: the second is tried before the time is up."""
    real = socket.socket.connect

    def connect(link: socket.socket, place: tuple[str, int]) -> None:
        if place[0] == "127.0.0.2":
            time.sleep(link.gettimeout() or 60)
            raise TimeoutError
        real(link, place)

    with fakes.serving(fakes.reply("200 OK", b"OK")) as port:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        monkeypatch.setattr(socket.socket, "connect", connect)
        assert ask(f"http://two.example.com:{port}", 1.0) == "200"


def test_nothing_is_sent_after_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that comes too late is not used: what was given up must not happen."""
    heard: list[bytes] = []
    real = socket.socket.connect

    def connect(link: socket.socket, place: tuple[str, int]) -> None:
        time.sleep(0.5)
        real(link, place)

    def listen(link: socket.socket) -> None:
        heard.append(link.recv(100))

    with fakes.serving(listen) as port:
        monkeypatch.setattr(socket.socket, "connect", connect)
        assert ask(f"http://127.0.0.1:{port}", 0.2) == "net-timeout"
        time.sleep(1)
    assert heard in ([], [b""])


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://example.com", "example.com"),
        ("https://example.com", "example.com"),
        ("https://example.com:7443", "example.com:7443"),
        ("ws://[::1]:7880", "[::1]:7880"),
        ("wss://b\u00fccher.example", "xn--bcher-kva.example"),
    ],
)
def test_the_host_header(url: str, host: str) -> None:
    """As browsers write it: some proxies compare it letter by letter."""
    assert _host(parse_url(url)) == host


def test_https_to_a_plain_port() -> None:
    """The commonest mistake with a local server."""
    with fakes.serving(fakes.reply("200 OK", b"OK")) as port:
        assert ask(f"https://127.0.0.1:{port}") == "tls-plain-port"


def test_http_to_a_tls_port() -> None:
    """The other way round."""
    context, _ = fakes.certificate("localhost")
    with fakes.serving(fakes.reply("200 OK", b"OK"), context) as port:
        assert ask(f"http://localhost:{port}") in {"net-failed", "tls-needed"}


def test_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An unknown CA and a wrong name are refused; with SSL_CERT_FILE the right one passes."""
    context, authority = fakes.certificate("localhost")
    with fakes.serving(fakes.reply("200 OK", b"OK"), context) as port:
        assert ask(f"https://localhost:{port}") == "tls-certificate"
        authority.cert_pem.write_to_path(f"{tmp_path}/ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/ca.pem")
        assert ask(f"https://localhost:{port}") == "200"
        assert ask(f"https://127.0.0.1:{port}") == "tls-certificate"
