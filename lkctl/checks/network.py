"""Is the server reachable, and is it LiveKit? DNS, TCP, TLS, health, fingerprint, clock."""

import time
from datetime import UTC, datetime

from lkctl.checks.result import Check, NotApplicable, Problem, Severity
from lkctl.checks.world import World
from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.server import http, link
from lkctl.server.answers import clock_skew, read_reply
from lkctl.server.deadline import Deadline

_FINGERPRINT = "/twirp/livekit.RoomService/ListRooms"
_CLOCK_WARN, _CLOCK_FAIL = 10, 55  # seconds; the server's leeway is 60
_CERTIFICATE_WARN = 14  # days
_PHASE = 5.0  # seconds


def _dns(world: World) -> str:
    """The host of the URL resolves to an address from here."""
    url = world.server_url()
    found = link.resolve(url.host, url.port, _deadline(world))
    return f"{url.host} is {', '.join(address for _, address in found)}"


def _tcp(world: World) -> str:
    """A TCP connection to host and port can be opened."""
    url = world.server_url()
    started = time.monotonic()
    with link.connect(url.host, url.port, _deadline(world)):
        return f"{url.host}:{url.port} takes connections ({(time.monotonic() - started) * 1000:.0f} ms with the lookup)"


def _tls(world: World) -> str:
    """For https and wss: the chain is trusted here, the name fits, and the certificate does not end within 14 days."""
    url = world.server_url()
    if not url.secure:
        raise NotApplicable(f"{url.scheme} speaks no TLS")
    deadline = _deadline(world)
    with link.connect(url.host, url.port, deadline) as plain, link.secure(plain, url.host, deadline) as spoken:
        left = _days_left(str((spoken.getpeercert() or {}).get("notAfter", "")))
    if left < _CERTIFICATE_WARN:
        hint = "Renew it; check that the renewal job still runs"
        raise Problem(f"the certificate of {url.host} ends in {left} days", hint=hint, severity=Severity.warn)
    return f"the certificate of {url.host} is valid for {left} days"


def _health(world: World) -> str:
    """`GET /` answers 200 `OK`; 406 means that the node runs, but is not ready (measured)."""
    url = world.server_url()
    answer = http.exchange(url, http.Request("GET", "/"), _deadline(world))
    took = f"{(answer.answered_at - answer.sent_at) * 1000:.0f} ms"
    if answer.status == 200 and answer.body.strip() == b"OK":  # noqa: PLR2004
        return f"GET / answers OK in {took}; this proves neither the API nor media"
    if answer.status == 406:  # noqa: PLR2004
        raise Problem(
            f"LiveKit runs, but is not ready (406: {answer.text[:100].strip()})",
            hint="A node without Redis, or with a stalled clock, says so; look into its log",
            code="server-unavailable",
        )
    said = f"GET / answers {answer.status} ({answer.headers.get('content-type', 'no content type')}) instead of OK"
    raise Problem(
        said, hint="Load balancers ask this path; http.livekit tells what answers there", severity=Severity.warn
    )


def _livekit(world: World) -> str:
    """`GET` on a Twirp path answers 404 with the JSON code `bad_route`, as only LiveKit does (measured)."""
    url = world.server_url()
    answer = http.exchange(url, http.Request("GET", _FINGERPRINT), _deadline(world))
    if answer.status == 404 and b'"bad_route"' in answer.body:  # noqa: PLR2004
        return f"{url.http}{_FINGERPRINT} answers as LiveKit does"
    try:
        read_reply(answer, url)
    except LkctlError as error:
        hint = error.hint
        if url.path:
            hint += f". The URL has the path {url.path}: does the proxy expect it?"
        raise Problem(error.message, hint=hint, code=error.code) from None
    raise Problem(f"{url.http} answers GET with a reply", hint="This is a stand-in, not LiveKit", code="not-livekit")


def _clock(world: World) -> str:
    """The Date header and this machine's clock agree: tokens are refused from 60 s of difference on."""
    url = world.server_url()
    skew = clock_skew(http.exchange(url, http.Request("GET", _FINGERPRINT), _deadline(world)))
    if skew is None:
        raise NotApplicable("the server sends no usable Date header")
    if abs(skew) <= _CLOCK_WARN:
        return f"this clock and the server's are within {max(1, round(abs(skew)))} s"
    side = "behind" if skew > 0 else "ahead of"
    said = f"this machine's clock is {say_duration(skew)} {side} that of {url.http}"
    hint = (
        "Set the clock that is wrong, with NTP for example: timedatectl set-ntp true. Tokens are refused from 60 s on"
    )
    severity = Severity.fail if abs(skew) > _CLOCK_FAIL else Severity.warn
    raise Problem(said, hint=hint, code="auth-clock", severity=severity)


def _days_left(not_after: str) -> int:
    """Days until `Jun  1 12:00:00 2030 GMT`, as the ssl module words it."""
    end = datetime.strptime(not_after, "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    return (end - datetime.now(UTC)).days


def _deadline(world: World) -> Deadline:
    return Deadline(min(world.patience, _PHASE))


NETWORK_CHECKS: tuple[Check[World], ...] = (
    Check("net.dns", "Host name resolves", _dns, needs=("url.form",), timeout=_PHASE + 1),
    Check("net.tcp", "Port takes connections", _tcp, needs=("net.dns",), timeout=_PHASE + 1),
    Check("net.tls", "Certificate is valid", _tls, needs=("net.tcp",), timeout=_PHASE + 1),
    Check("http.livekit", "LiveKit answers there", _livekit, needs=("net.tls",), timeout=_PHASE + 1),
    Check("http.health", "Server says that it is ready", _health, needs=("http.livekit",), timeout=_PHASE + 1),
    Check("clock.skew", "Clocks agree", _clock, needs=("http.livekit",), timeout=_PHASE + 1),
)
