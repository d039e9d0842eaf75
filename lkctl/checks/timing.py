"""Clocks and round trips."""

from lkctl.checks.inquiry import FINGERPRINT, TIMEOUT, ask, fingerprint
from lkctl.checks.result import Check, NotApplicable, Problem, Severity
from lkctl.checks.world import World
from lkctl.duration import say_duration
from lkctl.server.answers import clock_skew
from lkctl.server.http import Request

_CLOCK_WARN, _CLOCK_FAIL = 10, 55  # seconds; the server's leeway is 60
_ROUNDS = 3
_FAR = 300  # milliseconds


def _latency(world: World) -> str:
    """The median of three round trips over HTTP, on a connection that is open already; media has a way of its own."""
    fingerprint(world)
    spent = []
    for _ in range(_ROUNDS):
        answer = ask(world, Request("GET", FINGERPRINT))
        spent.append((answer.answered_at - answer.sent_at) * 1000)
    median = sorted(spent)[_ROUNDS // 2]
    said = (
        f"a round trip takes {median:.0f} ms (median of {_ROUNDS})" if median >= 1 else "a round trip takes under 1 ms"
    )
    if median > _FAR:
        hint = "Joining a room takes several of them; is the server far away, or the proxy busy?"
        raise Problem(said, hint=hint, severity=Severity.info)
    return said


def _clock(world: World) -> str:
    """The Date header and this machine's clock agree: tokens are refused from 60 s of difference on."""
    url = world.server_url()
    skew = clock_skew(fingerprint(world))
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
    raise Problem(said, hint=hint, code="auth-clock", severity=severity, explains=("auth-clock",))


TIMING_CHECKS: tuple[Check[World], ...] = (
    Check(
        "http.latency",
        "Round trip is short",
        _latency,
        needs=("http.livekit",),
        severity=Severity.info,
        timeout=TIMEOUT,
    ),
    Check("clock.skew", "Clocks agree", _clock, needs=("http.livekit",), timeout=TIMEOUT),
)
