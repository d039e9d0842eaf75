"""The network checks: names, addresses, TLS, proxies, clocks, debug pages. Nothing but loopback is asked."""

import datetime as dt
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import trustme

from lkctl.checks.network import NETWORK_CHECKS
from lkctl.checks.report import Report
from lkctl.checks.result import Status
from lkctl.server.certificate import read_certificate
from tests import fakes
from tests.certificates import NOW, self_signed, without_intermediate
from tests.checks.nets import examine, result_of, said, trouble, world_at

BAD_ROUTE = b'{"code":"bad_route","msg":"unsupported method"}'
NO_TOKEN = b"no permissions to access the room"
VARY = "Vary: Origin"


def livekit(*headers: str) -> fakes.Talk:
    """Answer as LiveKit does to all that is asked without a token (measured on 1.13.5)."""
    refusal = fakes.reply("401 Unauthorized", NO_TOKEN, VARY, "Access-Control-Allow-Origin: *", *headers)
    bad_route = fakes.reply("404 Not Found", BAD_ROUTE, "Content-Type: application/json", VARY, *headers)
    paths: dict[str, bytes | fakes.Talk] = {
        "/": fakes.reply("200 OK", b"OK", VARY, *headers),
        "/rtc": refusal,
        "/rtc/v1": refusal,
        "/rtc/validate": refusal,
        "/twirp/livekit.RoomService/ListRooms": bad_route,
    }
    return fakes.by_path(paths, fakes.reply("404 Not Found", b"404 page not found\n", VARY, *headers))


def names(found: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every name have these addresses."""
    families = {address: socket.AF_INET6 if ":" in address else socket.AF_INET for address in found}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **options: Any) -> Any:
        if host.replace(".", "").isdigit() or ":" in host:
            return real(host, port, *rest, **options)
        return [(families[address], socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_the_fake_is_healthy() -> None:
    """Else the tables below would prove nothing."""
    with fakes.serving(livekit()) as port:
        assert trouble(examine(world_at(f"ws://localhost:{port}"))) == {}


def silent_address(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an address swallow what is sent to it."""
    real = socket.socket.connect

    def connect(link: socket.socket, place: tuple[str, int]) -> None:
        if place[0] == address:
            time.sleep(link.gettimeout() or 60)
            raise TimeoutError
        real(link, place)

    monkeypatch.setattr(socket.socket, "connect", connect)


ADDRESSES = [
    pytest.param("127.0.0.1", "", "pass", "", id="one"),
    pytest.param("127.0.0.3", "127.0.0.3", "warn", "127.0.0.3:{port} is silent", id="a silent one"),
    pytest.param("127.0.0.3", "", "pass", "127.0.0.3:{port} refuses them", id="a refusing one, of loopback"),
]


@pytest.mark.parametrize(("address", "swallows", "status", "words"), ADDRESSES)
def test_every_address_is_tried(
    address: str, swallows: str, status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several addresses it is told which does not work, and whether that matters."""
    with fakes.serving(livekit()) as port:
        names(dict.fromkeys((address, "127.0.0.1")), monkeypatch)  # type: ignore[arg-type]
        if swallows:
            silent_address(swallows, monkeypatch)
        result = result_of(examine(world_at(f"ws://two.acme.lan:{port}")), "net.tcp")
    assert result.status.value == status
    found = result.findings[0].message if result.findings else ""
    assert found.startswith(words.format(port=port))


def test_a_public_name_that_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of /etc/hosts: told, and where nothing listens, the cause."""
    names(["127.0.0.1"], monkeypatch)
    report = examine(world_at(f"ws://lk.acme.dev:{fakes.closed_port()}"))
    cause = report.probable_cause
    assert cause is not None
    assert (cause.check, "lk.acme.dev is 127.0.0.1 here" in cause.message) == ("net.dns", True)


@pytest.mark.parametrize(("error", "hint"), [(socket.EAI_NONAME, "typo"), (socket.EAI_AGAIN, "No name server answers")])
def test_a_name_that_does_not_resolve(error: int, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the name is unknown, or nobody could be asked."""

    def look_up(*_: object, **__: object) -> None:
        raise socket.gaierror(error, "x")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    result = result_of(examine(world_at("wss://lk.acme.dev")), "net.dns")
    assert (result.status, result.code) == (Status.fail, "net-dns")
    assert hint in (result.hint or "")


def test_a_service_name_outside_of_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a compose service, outside: LiveKit is found at the published port."""
    real = socket.getaddrinfo

    def look_up(host: str, *rest: Any, **options: Any) -> Any:
        return fakes.no_such_name() if host == "livekit" else real(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with fakes.serving(livekit()) as port:
        compose = f"services:\n  livekit:\n    image: livekit/livekit-server\n    ports:\n      - '{port}:7880'\n"
        report = examine(world_at("ws://livekit:7880", files={"docker-compose.yml": compose}))
    cause = report.probable_cause
    assert cause is not None
    assert cause.check == "net.dns"
    assert cause.hint == f"Write ws://127.0.0.1:{port}"
    assert cause.fix is not None


def test_localhost_inside_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """localhost is the container itself: LiveKit is found where the host is."""
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == "host.docker.internal" else host, port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    real_connect = socket.socket.connect
    with fakes.serving(livekit()) as port:

        def connect(link: socket.socket, place: tuple[str, int]) -> None:
            if place[0] == "::1":
                raise ConnectionRefusedError
            real_connect(link, place)

        monkeypatch.setattr(socket.socket, "connect", connect)
        files = {"livekit.yaml": f"port: {port}\n"}
        closed = fakes.closed_port()
        world = world_at(f"ws://localhost:{closed}", files=files, in_container=True, listening=frozenset())
        report = examine(world)
    cause = report.probable_cause
    assert cause is not None
    assert cause.check == "net.tcp"
    assert any(f":{port} answers as LiveKit does" in seen for seen in cause.evidence)


MANY = frozenset((22, 80, 443, 6379, 27017, 40000, *range(20000, 20040)))
NEAREST = [20039, 20038, 20037, 20036, 20035]
PORTS_TRIED = [
    pytest.param("ws://localhost:{}", MANY, NEAREST, "ws://localhost", id="nearest"),
    pytest.param("wss://127.0.0.1:{}", MANY, NEAREST, "ws://127.0.0.1", id="TLS"),
    pytest.param("ws://127.0.0.2:{}", frozenset({20000}), [20000], "ws://127.0.0.1", id="another loopback"),
    pytest.param("ws://localhost:{}", frozenset((22, 80, 6379, 40000)), [], "", id="none that may be one"),
    pytest.param("ws://localhost:{}", None, [], "", id="it cannot be told"),
    pytest.param("ws://livekit:{}", MANY, [], "", id="a neighbour"),
]


@pytest.mark.parametrize(("url", "listening", "ports", "host"), PORTS_TRIED)
def test_ports_that_are_listened_on(
    url: str, listening: frozenset[int] | None, ports: list[int], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this machine alone, few, and none that systems hand out or that are surely something else's."""
    names(["127.0.0.1" if "localhost" in url else "192.0.2.7"], monkeypatch)
    monkeypatch.setattr(socket.socket, "connect", refused)
    report = examine(world_at(url.format(50_000), in_container=True, listening=listening))
    cause = report.probable_cause
    assert cause is not None
    assert cause.check == "net.tcp"
    tried = [said for said in cause.ruled_out if any(f":{port}:" in said for port in MANY)]
    assert tried == [f"LiveKit at {host}:{port}: it does not answer there" for port in ports]


def refused(*_: object) -> None:
    raise ConnectionRefusedError


NEXT_STEPS = [
    pytest.param(
        "localhost", False, "Start livekit-server there, or correct the port: LiveKit's own is 7880", id="here"
    ),
    pytest.param(
        "localhost", True,
        "Start livekit-server here, or write the host that it runs on: localhost is this container itself",
        id="in a container",
    ),
    pytest.param(
        "192.168.1.7", False,
        "Start livekit-server on 192.168.1.7; with --dev it needs --bind 0.0.0.0 to be reached from elsewhere",
        id="another machine",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("host", "in_container", "hint"), NEXT_STEPS)
def test_one_next_step(host: str, in_container: bool, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing listens: the cause says where the URL is set, and the hint one thing to do."""
    monkeypatch.setattr(socket.socket, "connect", refused)
    cause = examine(world_at(f"ws://{host}:7881", in_container=in_container, listening=frozenset())).probable_cause
    assert cause is not None
    assert cause.message == f"{host}:7881 refused the connection: nothing listens there (LIVEKIT_URL of .env:1)"
    assert cause.hint == hint


def test_a_slow_answer_is_no_silence() -> None:
    """What has begun to answer does not hang."""
    with fakes.serving(fakes.drip) as port:
        slow = examine(world_at(f"ws://127.0.0.1:{port}", seconds=2)).probable_cause
    with fakes.serving(fakes.silent) as port:
        silent = examine(world_at(f"ws://127.0.0.1:{port}", seconds=2)).probable_cause
    assert slow is not None
    assert silent is not None
    assert slow.code == silent.code == "net-timeout"
    assert "answers nothing: the server hangs" not in slow.message
    assert "answers nothing: the server hangs" in silent.message


def test_one_failure_for_one_fact() -> None:
    """In a container that nothing listens is what net.tcp finds; that localhost is the container is a remark."""
    report = examine(world_at(f"ws://localhost:{fakes.closed_port()}", in_container=True, listening=frozenset()))
    assert [result.id for result in report.failures] == ["net.tcp"]
    assert result_of(report, "url.container").status is Status.warn
    assert "localhost is this container itself" in (result_of(report, "net.tcp").hint or "")


def expired(authority: trustme.CA) -> trustme.LeafCert:
    """Ended 12 days ago."""
    return authority.issue_cert("localhost", not_before=NOW - dt.timedelta(90), not_after=NOW - dt.timedelta(12, 60))


def early(authority: trustme.CA) -> trustme.LeafCert:
    """Begins in a day."""
    return authority.issue_cert("localhost", not_before=NOW + dt.timedelta(1, 60), not_after=NOW + dt.timedelta(90))


def ending(authority: trustme.CA) -> trustme.LeafCert:
    """Ends in five days."""
    return authority.issue_cert("localhost", not_after=NOW + dt.timedelta(5, 3600))


def of_others(authority: trustme.CA) -> trustme.LeafCert:
    """For other hosts."""
    return authority.issue_cert("other.acme.dev", "*.acme.dev")


def stand_in(authority: trustme.CA) -> trustme.LeafCert:
    """Traefik's own."""
    return authority.issue_cert("x.traefik.default", common_name="TRAEFIK DEFAULT CERT")


def right(authority: trustme.CA) -> trustme.LeafCert:
    """For this host."""
    return authority.issue_cert("localhost")


Issue = Callable[[trustme.CA], trustme.LeafCert]

CERTIFICATES = [
    pytest.param(right, True, 0, "pass", "", "is valid for", "", id="right"),
    pytest.param(expired, True, 0, "fail", "tls-certificate", "ended 12 d", "Renew", id="expired"),
    pytest.param(early, True, 0, "fail", "tls-certificate", "begins in", "Use another", id="not yet valid"),
    pytest.param(early, True, 2 * 86400, "fail", "auth-clock", "behind that of", "NTP", id="our clock is behind"),
    pytest.param(expired, True, -30 * 86400, "fail", "auth-clock", "ahead of", "NTP", id="our clock is ahead"),
    pytest.param(ending, True, 0, "warn", "", "ends in 5 days", "Renew", id="ends soon"),
    pytest.param(
        of_others, True, 0, "fail", "tls-certificate", "is for other.acme.dev, *.acme.dev, not for", "for this host",
        id="wrong name",
    ),
    pytest.param(stand_in, True, 0, "fail", "tls-certificate", "x.traefik.default", "own stand-in", id="default"),
    pytest.param(right, False, 0, "fail", "tls-certificate", "trusted here", "SSL_CERT_FILE", id="private authority"),
]  # fmt: skip


@pytest.mark.parametrize(("issue", "trusted", "skew", "status", "code", "words", "hint"), CERTIFICATES)
def test_certificates(  # noqa: PLR0913, PLR0917
    issue: Issue, trusted: bool, skew: int, status: str, code: str, words: str, hint: str,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    """Each way to be wrong has its own words; a wrong clock is told from a wrong certificate by the server's Date."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issue(authority).configure_cert(context)
    if trusted:
        authority.cert_pem.write_to_path(f"{tmp_path}/ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/ca.pem")
    talk = livekit(f"Date: {formatdate(time.time() + skew, usegmt=True)}")
    with fakes.serving(talk, context) as port:
        report = examine(world_at(f"wss://localhost:{port}"))
    assert_tls(report, status, code, words, hint)


def assert_tls(report: Report, status: str, code: str, words: str, hint: str) -> None:
    """It is net.tls that says so, and what follows is skipped."""
    result = result_of(report, "net.tls")
    assert (result.status.value, result.code) == (status, code), result
    assert words in result.detail
    assert hint in (result.hint or "")
    if status == "fail":
        assert set(trouble(report)) == {"net.tls"}
        assert result.proof.evidence


def test_a_self_signed_certificate(tmp_path: Path) -> None:
    """Nobody vouches for it."""
    with fakes.serving(livekit(), self_signed(tmp_path)) as port:
        report = examine(world_at(f"wss://localhost:{port}"))
    assert_tls(report, "fail", "tls-certificate", "self-signed (my server)", "development")


def test_an_incomplete_chain(tmp_path: Path) -> None:
    """The server's own certificate alone, of an authority that says where to fetch its own."""
    with fakes.serving(livekit(), without_intermediate(tmp_path)) as port:
        report = examine(world_at(f"wss://localhost:{port}"))
    assert_tls(report, "fail", "tls-certificate", "leaves out the certificate of Example R11", "fullchain.pem")
    assert "1 certificate" in str(result_of(report, "net.tls").proof.evidence)


@pytest.mark.parametrize("named", [True, False])
def test_no_bundle_of_authorities(named: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Failure 38: slim images, and Python of python.org on macOS, trust nobody."""
    context, _ = fakes.certificate("localhost")
    nowhere = f"{tmp_path}/none"
    (tmp_path / "empty.pem").write_text("")
    monkeypatch.setenv("SSL_CERT_DIR", nowhere)
    monkeypatch.setenv("SSL_CERT_FILE", nowhere)
    with fakes.serving(livekit(), context) as port:
        environ = {"SSL_CERT_FILE": nowhere} if named else {}
        report = examine(world_at(f"wss://localhost:{port}", environ=environ))
    assert_tls(report, "fail", "tls-certificate", "no authority is trusted here", "ca-certificates")


def test_a_server_that_speaks_old_tls_only() -> None:
    """TLS 1.1 and older."""
    context, _ = fakes.certificate("localhost")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with fakes.serving(livekit(), context) as port:
        report = examine(world_at(f"wss://localhost:{port}"))
    assert_tls(report, "fail", "tls-failed", "speaks no TLS of 1.2 or newer", "TLS 1.2 and 1.3")


def test_a_server_without_a_certificate_for_the_name() -> None:
    """It ends the handshake over the name."""
    context, _ = fakes.certificate("localhost")
    context.sni_callback = lambda *_: ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    with fakes.serving(livekit(), context) as port:
        report = examine(world_at(f"wss://localhost:{port}"))
    assert_tls(report, "fail", "tls-failed", "has no certificate for this name", "names that the TLS proxy serves")


def test_a_server_that_demands_a_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Mutual TLS: told by the first exchange, for TLS 1.3 lets the handshake end before."""
    context, authority = fakes.certificate("localhost")
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.cert_pem.write_to_path(f"{tmp_path}/ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", f"{tmp_path}/ca.pem")
    with fakes.serving(livekit(), context) as port:
        result = result_of(examine(world_at(f"wss://localhost:{port}")), "http.livekit")
    assert (result.code, "demands a certificate of its clients" in result.detail) == ("tls-failed", True)


@pytest.mark.parametrize("cut", [1, 10, 50, 200, -1])
def test_certificates_that_cannot_be_read(cut: int) -> None:
    """Bytes of a hostile server: no other error than those that are expected."""
    pem = trustme.CA().issue_cert("localhost").cert_chain_pems[0].bytes().decode()
    whole = ssl.PEM_cert_to_DER_cert(pem)
    with pytest.raises((ValueError, IndexError, OverflowError)):
        read_certificate(whole[:cut])


def test_certificates_are_read_as_openssl_reads_them() -> None:
    """Names and times."""
    own = trustme.CA().issue_cert("localhost", "127.0.0.1", "::1", common_name="me", not_after=NOW + dt.timedelta(7))
    read = read_certificate(ssl.PEM_cert_to_DER_cert(own.cert_chain_pems[0].bytes().decode()))
    assert (read.subject, set(read.names), read.own, read.fetchable) == (
        "me",
        {"localhost", "127.0.0.1", "::1"},
        False,
        False,
    )
    assert abs(read.ends - (NOW + dt.timedelta(7)).timestamp()) < 2


def tunnel(status: str) -> fakes.Talk:
    """An HTTP proxy that answers so to CONNECT, and keeps the connection open."""

    def talk(link: socket.socket) -> None:
        fakes.raw(f"HTTP/1.1 {status}\r\n\r\n".encode())(link)
        fakes.silent(link)

    return talk


PROXIES = [
    pytest.param("HTTP_PROXY", "http://127.0.0.1:{port}", "200 OK", "pass", "it lets them", id="open"),
    pytest.param("http_proxy", "127.0.0.1:{port}", "200 OK", "pass", "it lets them", id="lower case, no scheme"),
    pytest.param("HTTPS_PROXY", "http://me:hunter2secret@127.0.0.1:{port}", "403 X", "warn", "refuses (403", id="shut"),
    pytest.param("HTTP_PROXY", "http://127.0.0.1:{port}", "407 X", "warn", "wants a login (407", id="login"),
    pytest.param("HTTP_PROXY", "http://127.0.0.1:1", "200 OK", "warn", "refused the connection", id="dead"),
    pytest.param("HTTP_PROXY", "socks5://127.0.0.1:1", "200 OK", "pass", "was not tried", id="no HTTP proxy"),
    pytest.param("ALL_PROXY", "http://127.0.0.1:1", "200 OK", "pass", "name no proxy", id="one that nobody uses"),
    pytest.param("HTTP_PROXY", "http://", "200 OK", "pass", "", id="no URL"),
]


@pytest.mark.parametrize(("name", "value", "answer", "status", "words"), PROXIES)
def test_proxies_of_the_environment(name: str, value: str, answer: str, status: str, words: str) -> None:
    """livekit.rtc and agents go through them, whatever NO_PROXY says; lkctl reaches the server without."""
    with fakes.serving(livekit()) as port, fakes.serving(tunnel(answer)) as proxy:
        environ = {name: value.format(port=proxy), "NO_PROXY": "localhost"}
        report = examine(world_at(f"ws://localhost:{port}", environ=environ))
    result = result_of(report, "net.proxy")
    assert (result.status.value, words in result.detail) == (status, True), result
    assert report.probable_cause is None
    assert "hunter2secret" not in said(report)
    if status == "warn":
        assert "NO_PROXY does not help" in (result.hint or "")


def test_a_server_that_only_the_proxy_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall: the way out is told."""
    silent_address("127.0.0.9", monkeypatch)
    names(["127.0.0.9"], monkeypatch)
    with fakes.serving(tunnel("200 OK")) as proxy:
        environ = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy}"}
        result = result_of(examine(world_at("wss://lk.acme.lan:7443", environ=environ)), "net.tcp")
    assert result.code == "net-timeout"
    assert "the proxy of HTTPS_PROXY lets connections through, which livekit.api does not use" in result.detail


ROOMS = fakes.reply("200 OK", b'{"rooms": []}', "Content-Type: application/json")
PPROF = fakes.reply("200 OK", b"<html><a href='goroutine?debug=1'>goroutine</a>", "Content-Type: text/html")
PAGE = fakes.reply("200 OK", b"<!doctype html>the app", "Content-Type: text/html")
DEBUG = [
    pytest.param("lk.acme.dev", {"/debug/rooms": ROOMS, "/debug/pprof/": PPROF}, "warn", 2, id="open in public"),
    pytest.param("lk.acme.dev", {"/debug/rooms": PAGE, "/debug/pprof/": PAGE}, "pass", 0, id="the app's own page"),
    pytest.param("lk.acme.dev", {}, "pass", 0, id="not there"),
    pytest.param("localhost", {"/debug/rooms": ROOMS, "/debug/pprof/": PPROF}, "skip", 0, id="open at home"),
]


@pytest.mark.parametrize(("host", "paths", "status", "count"), DEBUG)
def test_debug_pages(
    host: str, paths: dict[str, bytes | fakes.Talk], status: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What --dev shows is a matter of security where the host is public."""
    names(["127.0.0.1"], monkeypatch)
    with fakes.serving(fakes.by_path(paths, livekit())) as port:
        result = result_of(examine(world_at(f"ws://{host}:{port}")), "http.debug")
    assert (result.status.value, len(result.findings)) == (status, count)


HEALTH = [
    pytest.param(fakes.reply("200 OK", fakes.HTML, "Content-Type: text/html"), "pass", "", id="a site of one's own"),
    pytest.param(fakes.reply("302 Found", b"", "Location: /app"), "pass", "", id="a redirect"),
    pytest.param(fakes.reply("502 Bad Gateway"), "warn", "", id="a dead one"),
    pytest.param(
        fakes.reply("406 Not Acceptable", b"Not Ready\nNode Updated At 2026-11-21"), "fail", "server-unavailable",
        id="not ready",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("talk", "status", "code"), HEALTH)
def test_health(talk: fakes.Talk, status: str, code: str) -> None:
    """`GET /` is asked by load balancers only; 406 is LiveKit's own word."""
    with fakes.serving(fakes.by_path({"/": talk}, livekit())) as port:
        result = result_of(examine(world_at(f"ws://localhost:{port}")), "http.health")
    assert (result.status.value, result.code) == (status, code)


@pytest.mark.parametrize(("skew", "status"), [(0, "pass"), (30, "warn"), (-30, "warn"), (90, "fail"), (-90, "fail")])
def test_clocks(skew: int, status: str) -> None:
    """Half a minute is a warning, a minute a failure."""
    with fakes.serving(livekit(f"Date: {formatdate(time.time() + skew, usegmt=True)}")) as port:
        result = result_of(examine(world_at(f"ws://localhost:{port}")), "clock.skew")
    assert result.status.value == status


def test_a_slow_server() -> None:
    """Told, and no more."""
    with fakes.serving(fakes.delayed(0.35, livekit())) as port:
        result = result_of(examine(world_at(f"ws://localhost:{port}", seconds=8)), "http.latency")
    assert (result.status.value, "median of 3" in result.detail) == ("pass", True)
    assert result.findings


def test_needs() -> None:
    """What cannot be reached is judged no further."""
    assert {check.id: check.needs for check in NETWORK_CHECKS} == {
        "net.dns": ("url.cloud",),
        "net.tcp": ("net.dns",),
        "net.tls": ("net.tcp",),
        "net.proxy": ("url.cloud",),
        "http.livekit": ("net.tls",),
        "http.health": ("http.livekit",),
        "http.websocket": ("http.livekit",),
        "http.cors": ("http.websocket",),
        "http.debug": ("http.livekit",),
        "http.latency": ("http.livekit",),
        "clock.skew": ("http.livekit",),
    }
