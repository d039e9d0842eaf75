"""What stands in front of a real server: right proxies give no warning, wrong ones are named, with the proof."""

import gzip
import re
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lkctl.checks.report import Report
from lkctl.localserver.process import LocalServer
from tests import fakes
from tests.checks.nets import examine, result_of, said, trouble, world_at
from tests.fronts import Change, front, page, path_of, with_header, with_path, without_header

pytestmark = pytest.mark.live

PREFIX = "/livekit"


def port_of(server: LocalServer) -> int:
    """Give the port of a server."""
    return int(server.url.rpartition(":")[2])


def stripped(path: str) -> str:
    """Take the prefix away, as a right proxy does."""
    return path.removeprefix(PREFIX)


def under_prefix(head: bytes) -> bytes | None:
    """Show nothing but what is under the prefix."""
    return None if path_of(head).startswith(PREFIX + "/") else page("404 Not Found", b"nothing here")


HEALTHY: list[Any] = [
    pytest.param({}, "", id="a plain proxy"),
    pytest.param({"request": with_path(stripped), "instead": under_prefix}, PREFIX, id="a prefix"),
    pytest.param({"answer": with_header("Server: nginx/1.22.1")}, "", id="a proxy that says so"),
]


@pytest.mark.parametrize(("how", "path"), HEALTHY)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_a_right_proxy_gives_no_warning(
    how: dict[str, Any], path: str, *, secure: bool, livekit_server: LocalServer, trusted: ssl.SSLContext
) -> None:
    """No false alarm: with and without prefix, with and without TLS."""
    with fakes.serving(front(port_of(livekit_server), **how), trusted if secure else None) as port:
        report = examine(world_at(f"{'wss' if secure else 'ws'}://localhost:{port}{path}"))
    assert trouble(report) == {}
    assert result_of(report, "http.websocket").status.value == "pass"


def test_a_server_itself_gives_no_warning(livekit_server: LocalServer) -> None:
    """By address and by name."""
    for url in (livekit_server.url, livekit_server.url.replace("127.0.0.1", "localhost")):
        assert trouble(examine(world_at(url))) == {}


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ssl.SSLContext:
    """Give a TLS front whose authority is trusted."""
    context, authority = fakes.certificate("localhost")
    authority.cert_pem.write_to_path(f"{tmp_path}/ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/ca.pem")
    return context


class Fault(NamedTuple):
    """What is wrong with a proxy, and what must be said of it."""

    how: dict[str, Any]
    check: str
    words: str
    hint: str
    path: str = ""
    code: str = ""
    evidence: str = ""
    ruled_out: str = ""


def only(*prefixes: str) -> Callable[[bytes], bytes | None]:
    """Pass on what begins like this; all else is another server's."""

    def instead(head: bytes) -> bytes | None:
        served = path_of(head).startswith(prefixes)
        return None if served else page("404 Not Found", fakes.HTML, "Content-Type: text/html", "Server: nginx")

    return instead


def at(pattern: str, answer: bytes) -> Callable[[bytes], bytes | None]:
    """Answer by oneself to these paths."""
    return lambda head: answer if re.match(pattern, path_of(head)) else None


def upgrading(answer: bytes) -> Callable[[bytes], bytes | None]:
    """Answer by oneself to upgrades."""
    return lambda head: answer if b"pgrade: websocket" in head else None


def packed(head: bytes) -> bytes | None:
    """Answer as LiveKit does, and pack it unasked."""
    body = gzip.compress(b'{"code":"bad_route","msg":"unsupported method"}')
    if "/twirp/" not in path_of(head):
        return None
    return page("404 Not Found", body, "Content-Encoding: gzip", "Content-Type: application/json")


DROP_UPGRADE: Change = lambda head: without_header("Upgrade")(without_header("Connection")(head))  # noqa: E731

FAULTS = {
    "Upgrade headers dropped": Fault(
        {"request": DROP_UPGRADE, "answer": with_header("Server: nginx/1.22.1")},
        "http.websocket",
        "without its Upgrade headers (an empty 404)",
        "proxy_set_header Upgrade",
        evidence="past the proxy, takes the upgrade",
        ruled_out="the path: /rtc/validate reaches LiveKit",
    ),
    "Connection header dropped": Fault(
        {"request": without_header("Connection")}, "http.websocket", "without its Upgrade headers", "HTTP/1.1"
    ),
    "Apache drops them": Fault(
        {"request": DROP_UPGRADE, "answer": with_header("Server: Apache/2.4.62")},
        "http.websocket",
        "without its Upgrade headers",
        "upgrade=websocket",
    ),
    "400 to upgrades": Fault(
        {"instead": upgrading(page("400 Bad Request", b"Bad Request"))},
        "http.websocket",
        "does not understand the upgrade (400",
        "Upgrade",
    ),
    "426 to upgrades": Fault(
        {"instead": upgrading(page("426 Upgrade Required"))},
        "http.websocket",
        "does not understand the upgrade (426",
        "",
    ),
    "502 to upgrades": Fault(
        {"instead": upgrading(page("502 Bad Gateway", b"<html>"))},
        "http.websocket",
        "for WebSockets a proxy does not reach LiveKit",
        "another port",
        code="http-gateway",
    ),
    "403 to upgrades": Fault(
        {"instead": upgrading(page("403 Forbidden"))}, "http.websocket", "a proxy refuses WebSockets", "without a login"
    ),
    "/rtc leads to the app": Fault(
        {"instead": at("/rtc", page("200 OK", b"<!doctype html>", "Content-Type: text/html"))},
        "http.websocket",
        "leads to another program",
        "pass /rtc on",
    ),
    "/rtc leads to /": Fault(
        {"instead": at("/rtc", page("200 OK", b"OK"))}, "http.websocket", "LiveKit's `/`, whatever was asked for", ""
    ),
    "/rtc not passed on": Fault(
        {"instead": only("/twirp/")}, "http.websocket", "it is not passed on to LiveKit", "and all below it"
    ),
    "a stand-in that takes anybody": Fault(
        {
            "instead": upgrading(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            )
        },
        "http.websocket",
        "takes a WebSocket without a token",
        "LiveKit",
    ),
    "/rtc/v1 shut": Fault(
        {"instead": at("/rtc/v1", page("403 Forbidden"))}, "http.websocket", "/rtc/v1 answers 403", "without a login"
    ),
    "prefix not in the URL": Fault(
        {"request": with_path(stripped), "instead": under_prefix},
        "http.livekit",
        "LiveKit is under /livekit",
        "/livekit",
        code="not-livekit",
        evidence="/livekit answers as LiveKit does",
    ),
    "prefix too much in the URL": Fault(
        {"instead": only("/twirp/", "/rtc")},
        "http.livekit",
        "LiveKit is not under /livekit",
        "Write ws://localhost",
        path=PREFIX,
    ),
    "endpoint in the URL": Fault({}, "http.livekit", "LiveKit is not under /rtc", "Write ws://localhost", path="/rtc"),
    "prefix not taken away": Fault(
        {"instead": under_prefix},
        "http.livekit",
        "passes /livekit on to LiveKit, which knows no such path",
        "take it away",
        path=PREFIX,
        evidence="as LiveKit's own",
        ruled_out="it does not answer there",
    ),
    "path changed": Fault(
        {"request": with_path(lambda path: path.removeprefix("/twirp"))},
        "http.livekit",
        "gets another path than /twirp",
        "without a slash",
    ),
    "/twirp not passed on": Fault(
        {"instead": only("/rtc")},
        "http.livekit",
        "passes /rtc on to LiveKit, but not /twirp",
        "Let the proxy pass /twirp",
    ),
    "/twirp to a dead port": Fault(
        {"instead": at("/twirp", page("502 Bad Gateway"))},
        "http.livekit",
        "passes /rtc on to LiveKit, but for /twirp it answers 502",
        "to the same port",
        code="http-gateway",
    ),
    "a dead port behind": Fault(
        {"instead": at("/", page("502 Bad Gateway", b"", "Server: nginx/1.22.1"))},
        "http.livekit",
        "it does not reach LiveKit, which answers at ws://",
        "Point the proxy to",
        code="http-gateway",
        evidence="server nginx",
    ),
    "a login before it": Fault(
        {"instead": at("/", page("401 Unauthorized", b"", 'WWW-Authenticate: Basic realm="x"'))},
        "http.livekit",
        "wants a login",
        "without a login of its own",
    ),
    "packed": Fault({"instead": packed}, "http.livekit", "come packed with gzip", "Accept-Encoding"),
    "CORS doubled": Fault(
        {"answer": with_header("Access-Control-Allow-Origin: *")},
        "http.cors",
        "comes 2 times (*, *)",
        "take it out of the proxy",
    ),
    "CORS of another page": Fault(
        {
            "answer": lambda head: with_header("Access-Control-Allow-Origin: https://b.example")(
                without_header("Access-Control-Allow-Origin")(head)
            )
        },
        "http.cors",
        "is https://b.example",
        "`*`",
    ),
    "CORS taken away": Fault(
        {"answer": without_header("Access-Control-Allow-Origin")}, "http.cors", "is missing", "pass it on"
    ),
    "/rtc/validate shut": Fault(
        {"instead": at("/rtc/validate", page("404 Not Found", b"x"))},
        "http.cors",
        "does not come from LiveKit",
        "all of /rtc",
    ),
    "an old server": Fault(
        {"instead": at("/rtc/v1", page("404 Not Found", b"404 page not found\n"))},
        "http.websocket",
        "/rtc gets through, /rtc/v1 does not",
        "before 1.9.10",
    ),
}
WARNINGS = {"packed", "CORS doubled", "CORS of another page", "CORS taken away", "/rtc/validate shut", "an old server"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_proxy_is_named(name: str, livekit_server: LocalServer, tmp_path: Path) -> None:
    """The one cause, its proof, and what was ruled out; livekit.yaml tells the port behind the proxy."""
    fault = FAULTS[name]
    with fakes.serving(front(port_of(livekit_server), **fault.how)) as port:
        files = {"livekit.yaml": f"port: {port_of(livekit_server)}\n"}
        report = examine(world_at(f"ws://localhost:{port}{fault.path}", files=files))
    result = result_of(report, fault.check)
    assert fault.words in result.detail, trouble(report)
    assert fault.hint in (result.hint or "")
    assert fault.evidence in str(result.proof.evidence)
    assert fault.ruled_out in str(result.proof.ruled_out)
    assert not fault.code or result.code == fault.code
    _assert_one_cause(report, fault.check, warning=name in WARNINGS)


def _assert_one_cause(report: Report, check: str, *, warning: bool) -> None:
    cause = report.probable_cause
    if warning:
        assert (cause, result_of(report, check).status.value) == (None, "warn")
        return
    assert cause is not None
    assert cause.check == check
    assert set(trouble(report)) <= {check, "url.path"}
    assert "\x1b" not in said(report)
    assert fakes.JWT not in said(report)


def redirecting(status: str, to: str) -> Callable[[bytes], bytes | None]:
    """Redirect everything; `{path}` is the path that was asked for."""
    return lambda head: page(status, b"", f"Location: {to.format(path=path_of(head))}")


def test_http_redirects_to_https(livekit_server: LocalServer, trusted: ssl.SSLContext) -> None:
    """Failure 26: POST becomes GET; the other URL is proven and written."""
    with ExitStack() as stack:
        secure = stack.enter_context(fakes.serving(front(port_of(livekit_server)), trusted))
        instead = redirecting("301 Moved Permanently", f"https://localhost:{secure}{{path}}")
        port = stack.enter_context(fakes.serving(front(1, instead=instead)))
        report = examine(world_at(f"ws://localhost:{port}"))
    result = result_of(report, "http.livekit")
    assert result.code == "http-redirect"
    assert f"redirects to https://localhost:{secure} (301), where LiveKit answers" in result.detail
    assert 'unsupported method "GET"' in result.detail
    (finding,) = result.findings
    assert finding.fix is not None
    assert (finding.fix.path, finding.fix.line, finding.fix.new) == (".env", 1, f"LIVEKIT_URL=wss://localhost:{secure}")


REDIRECTS = [
    pytest.param(
        "301 Moved Permanently", "http://localhost:{port}{{path}}", "redirects in a circle", "Flexible", id="circle"
    ),
    pytest.param("302 Found", "{{path}}/x", "redirects in a circle", "Two proxies", id="deeper and deeper"),
    pytest.param(
        "302 Found",
        "https://sso.example/login?next=x",
        "redirects to https://sso.example/login",
        "login page",
        id="login",
    ),
    pytest.param(
        "302 Found", "https://other.example/", "redirects to https://other.example/", "do not follow", id="other host"
    ),
    pytest.param("302 Found", "//[", "redirects to //[", "do not follow", id="no URL"),
    pytest.param(
        "302 Found",
        "\x1b[31meyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln",
        "redirects in a circle",
        "Two proxies",
        id="hostile",
    ),
]


@pytest.mark.parametrize(("status", "to", "words", "hint"), REDIRECTS)
def test_redirects(status: str, to: str, words: str, hint: str) -> None:
    """They are followed on the same host alone, and never for ever."""
    place: list[int] = []

    def instead(head: bytes) -> bytes | None:
        return redirecting(status, to.format(port=place[0]))(head)

    with fakes.serving(front(1, instead=instead)) as port:
        place.append(port)
        report = examine(world_at(f"ws://localhost:{port}"))
    result = result_of(report, "http.livekit")
    assert (result.code, result.status.value) == ("http-redirect", "fail")
    assert words in result.detail
    assert hint in (result.hint or "")
    assert "eyJhbGciOiJIUzI1NiJ9" not in said(report)


PLACES = [
    pytest.param("ws://127.0.0.1:{closed}", "net.tcp", "net-refused", id="wrong port"),
    pytest.param("ws://127.0.0.2:{port}", "net.tcp", "net-refused", id="loopback only"),
    pytest.param("wss://127.0.0.1:{port}", "net.tls", "tls-plain-port", id="TLS to a plain port"),
    pytest.param("https://localhost:{port}", "net.tls", "tls-plain-port", id="https to a plain port"),
]


@pytest.mark.parametrize(("url", "check", "code"), PLACES)
def test_livekit_is_found_where_it_is(url: str, check: str, code: str, livekit_server: LocalServer) -> None:
    """The wrong port, scheme or address: the right one is tried, proven and written down."""
    port = port_of(livekit_server)
    wrong = url.format(port=port, closed=fakes.closed_port())
    report = examine(world_at(wrong, files={"livekit.yaml": f"port: {port}\n"}))
    cause = report.probable_cause
    assert cause is not None
    assert (cause.check, cause.code) == (check, code)
    assert any("answers as LiveKit does" in seen for seen in cause.evidence)
    if "127.0.0.2" in url:
        assert "listens on loopback only" in cause.message
        assert "--bind" in cause.hint
        assert cause.fix is None
        return
    right = wrong.replace("wss://", "ws://").replace("https://", "http://").rpartition(":")[0] + f":{port}"
    assert cause.hint == f"Write {right}"
    assert cause.fix is not None
    assert cause.fix.new == f"LIVEKIT_URL={right}"


def test_plain_to_a_tls_front(livekit_server: LocalServer, trusted: ssl.SSLContext) -> None:
    """The reverse: ws:// where TLS is spoken."""
    with fakes.serving(front(port_of(livekit_server)), trusted) as port:
        report = examine(world_at(f"ws://localhost:{port}"))
    cause = report.probable_cause
    assert cause is not None
    assert (cause.check, cause.code) == ("http.livekit", "tls-needed")
    assert cause.hint == f"Write wss://localhost:{port}"
    assert cause.fix is not None
    assert cause.fix.new == f"LIVEKIT_URL=wss://localhost:{port}"


@pytest.mark.parametrize(
    "body", ["Client sent an HTTP request to an HTTPS server.", "The plain HTTP request was sent to HTTPS port"]
)
def test_a_tls_port_that_says_so(body: str) -> None:
    """Go and nginx answer in plain words."""
    with fakes.serving(fakes.reply("400 Bad Request", body.encode())) as port:
        report = examine(world_at(f"ws://localhost:{port}"))
    assert result_of(report, "http.livekit").code == "tls-needed"
