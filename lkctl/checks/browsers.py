"""What browsers need, and what strangers must not see."""

from collections.abc import Iterator

from lkctl.checks.inquiry import TIMEOUT, VALIDATE, ask, asks_for_token, attempt, say_answer
from lkctl.checks.result import Check, Finding, NotApplicable, Problem, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.server.deadline import side_by_side
from lkctl.server.http import Answer, Request
from lkctl.settings.hosts import is_private
from lkctl.settings.url import ServerUrl

_ORIGIN = "https://app.example"
_ALLOWED = "access-control-allow-origin"
_ROOMS, _PROFILES = "/debug/rooms", "/debug/pprof/"


def _cors(world: World) -> str:
    """`/rtc/validate`, from where browsers fetch the reason of a refusal, allows every origin, exactly once."""
    url = world.server_url()
    answer = ask(world, Request("GET", VALIDATE, {"Origin": _ORIGIN}))
    allowed = answer.headers.get(_ALLOWED, "")
    if allowed in {"*", _ORIGIN}:
        return f"{VALIDATE} may be fetched by pages of any origin"
    seen = f"GET {url.http}{VALIDATE} with Origin {_ORIGIN}: {say_answer(answer)}"
    effect = "browsers then report a CORS error instead of the reason why somebody cannot join"
    if "," in allowed:
        said = f"Access-Control-Allow-Origin comes {allowed.count(',') + 1} times ({allowed[:100]}): {effect}"
        hint = "LiveKit sends it itself: take it out of the proxy, or let the proxy hide LiveKit's"
    elif allowed:
        said = f"Access-Control-Allow-Origin is {allowed[:100]}, so other pages are shut out: {effect}"
        hint = "LiveKit answers `*`; let the proxy leave it, or make sure that all your pages are of that origin"
    elif asks_for_token(answer):
        said, hint = f"Access-Control-Allow-Origin is missing: {effect}", "LiveKit sends it; let the proxy pass it on"
    else:
        said = f"{VALIDATE} does not come from LiveKit: {say_answer(answer)}; {effect}"
        hint = "Let the proxy pass all of /rtc on to LiveKit"
    raise Problem(said, hint=hint, evidence=(seen,), severity=Severity.warn)


def _debug(world: World) -> str:
    """Rooms, identities and profiles of the server, which it shows with `--dev`, are not open to the internet."""
    url = world.server_url()
    if is_private(url.host):
        raise NotApplicable(f"{url.host} is not public")
    asked = [lambda path=path: attempt(lambda: ask(world, Request("GET", path))) for path in (_ROOMS, _PROFILES)]
    rooms, profiles = side_by_side(asked)
    return settle(_shown(url, rooms, profiles), f"{_ROOMS} and {_PROFILES} are not shown")


def _shown(url: ServerUrl, rooms: Answer | None, profiles: Answer | None) -> Iterator[Finding]:
    hint = "Do not run livekit-server with --dev in public, or let the proxy refuse /debug"
    if rooms is not None and rooms.status == 200 and rooms.body.lstrip().startswith(b"{"):  # noqa: PLR2004
        yield Finding(f"{url.http}{_ROOMS} shows rooms and identities to everybody", hint, severity=Severity.security)
    if profiles is not None and profiles.status == 200 and b"goroutine" in profiles.body:  # noqa: PLR2004
        said = f"{url.http}{_PROFILES} shows the inside of the process to everybody, and lets them slow it down"
        yield Finding(said, hint, severity=Severity.security)


BROWSER_CHECKS: tuple[Check[World], ...] = (
    Check(
        "http.cors",
        "Browsers may read refusals",
        _cors,
        needs=("http.websocket",),
        severity=Severity.warn,
        timeout=TIMEOUT,
    ),
    Check(
        "http.debug",
        "Debug pages are not public",
        _debug,
        needs=("http.livekit",),
        severity=Severity.security,
        timeout=TIMEOUT,
    ),
)
