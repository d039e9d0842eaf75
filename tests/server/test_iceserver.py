"""STUN and TURN servers: their URLs, and those that answer otherwise than they should. Real ones: tests/live."""

import ssl
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.secret import Secret
from lkctl.server.deadline import Deadline
from lkctl.server.iceserver import IceUrl, read_ice_url, speaks_http, try_ice_server
from lkctl.server.signal import IceServer
from tests.datagrams import answering, closed_udp_port, silent
from tests.fakes import HTML, Talk, certificate, closed_port, hang_up, raw, serving
from tests.fakes import silent as mute

SERVER = IceServer((), "user", Secret("credential-for-tests"))
NOBODY = ((), None)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("stun:127.0.0.1:9", IceUrl("stun", "127.0.0.1", 9, "udp"), id="stun"),
        pytest.param("stun:stun.example.org", IceUrl("stun", "stun.example.org", 3478, "udp"), id="its own port"),
        pytest.param(
            "turn:10.0.0.5:3478?transport=udp", IceUrl("turn", "10.0.0.5", 3478, "udp"), id="as the server has it"
        ),
        pytest.param("turn:[fd00::2]:3478", IceUrl("turn", "fd00::2", 3478, "udp"), id="IPv6"),
        pytest.param("turn:[fd00::2]", IceUrl("turn", "fd00::2", 3478, "udp"), id="IPv6 without a port"),
        pytest.param(
            "turns:turn.example.org:443?transport=tcp", IceUrl("turns", "turn.example.org", 443, "tcp"), id="TLS"
        ),
        pytest.param(
            "turns:turn.example.org", IceUrl("turns", "turn.example.org", 5349, "tcp"), id="TLS, its own port"
        ),
        pytest.param("https://example.org", None, id="another scheme"),
        pytest.param("turn:", None, id="no host"),
        pytest.param("turn:a:99999", None, id="no port"),
        pytest.param("turn:a:1?transport=carrier-pigeon", None, id="no transport"),
    ],
)
def test_urls_are_read(url: str, expected: IceUrl | None) -> None:
    assert read_ice_url(url) == expected


def test_a_silent_server_over_udp() -> None:
    with answering(silent) as port:
        relay = try_ice_server(IceUrl("turn", "127.0.0.1", port, "udp"), SERVER, NOBODY, Deadline(0.4))
    assert relay.seen is None


def test_a_closed_port_over_udp() -> None:
    with pytest.raises(LkctlError, match="refuses: nothing listens") as caught:
        try_ice_server(IceUrl("stun", "127.0.0.1", closed_udp_port(), "udp"), SERVER, NOBODY, Deadline(2))
    assert caught.value.code == "net-refused"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A TLS context for localhost, and the file of its authority."""
    context, authority = certificate("localhost")
    path = tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return context, path


@pytest.mark.parametrize(
    ("talk", "code", "says"),
    [
        pytest.param(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n" + HTML), "not-livekit", "a web server", id="web server"),
        pytest.param(raw(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"), "not-livekit", "something else", id="something else"),
        pytest.param(hang_up, "not-livekit", "closes the connection", id="who hangs up"),
    ],
)
def test_something_else_behind_tls(
    talk: Talk, code: str, says: str, tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))

    def at_once(link: object) -> None:  # as a web server, which answers the first byte that is no HTTP
        link.recv(100)  # type: ignore[attr-defined]
        talk(_Fed(link))  # type: ignore[arg-type]

    with serving(at_once, tls[0]) as port, pytest.raises(LkctlError, match=says) as caught:
        try_ice_server(IceUrl("turns", "localhost", port, "tcp"), SERVER, NOBODY, Deadline(3))
    assert caught.value.code == code
    assert "credential-for-tests" not in str(caught.value)


class _Fed:
    """A link on which the request has come already."""

    def __init__(self, link: object) -> None:
        self._link = link

    def recv(self, _: int) -> bytes:
        return b"\r\n\r\n"

    def __getattr__(self, name: str) -> object:
        return getattr(self._link, name)


def test_another_name_in_the_certificate(tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[1]))
    with serving(hang_up, tls[0]) as port, pytest.raises(LkctlError) as caught:
        try_ice_server(IceUrl("turns", "127.0.0.1", port, "tcp"), SERVER, NOBODY, Deadline(3))
    assert caught.value.code == "tls-certificate"


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        pytest.param(raw(b"HTTP/1.1 200 OK\r\n\r\n"), True, id="a web server"),
        pytest.param(hang_up, False, id="who hangs up"),
        pytest.param(mute, False, id="silence"),
    ],
)
def test_web_servers_are_known(talk: Talk, expected: bool) -> None:
    with serving(talk) as port:
        assert speaks_http(IceUrl("turn", "127.0.0.1", port, "tcp"), Deadline(0.7)) is expected


def test_nothing_there_is_no_web_server() -> None:
    assert not speaks_http(IceUrl("turns", "127.0.0.1", closed_port(), "tcp"), Deadline(1))
