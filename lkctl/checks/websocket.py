"""Does a WebSocket get through to LiveKit? Without a token it answers 401 to an upgrade, an empty 404 to a mere GET.

(Measured on 1.13.5. `/rtc/v1` is asked first by clients of 2026, and only after a 404 `/rtc`.)
"""

from typing import NamedTuple

from lkctl.checks.inquiry import (
    TIMEOUT,
    VALIDATE,
    ask_elsewhere,
    asks_for_token,
    is_livekits_404,
    say_answer,
    trying,
    waiting,
)
from lkctl.checks.result import Check, Problem, Severity
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.deadline import side_by_side
from lkctl.server.http import Answer, Request, exchange
from lkctl.settings.url import ServerUrl

_V0, _V1 = "/rtc", "/rtc/v1"
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "bGtjdGwgZGlhZ25vc2lzLg==",
}
_SWITCHED, _OK, _BAD, _MISSING, _UPGRADE_REQUIRED = 101, 200, 400, 404, 426
_LOGINS = {401, 403, 407}
_SERVER_ERROR = 500
_HINTS = {
    "nginx": "nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "
    '"upgrade";',
    "apache": "Apache 2.4.47 and newer: ProxyPass / http://…:7880/ upgrade=websocket",
}
_HINT = "Let the proxy pass the headers Upgrade and Connection on, over HTTP/1.1"


class _Tried(NamedTuple):
    """What came of an upgrade: an answer, or why there was none."""

    answer: Answer | None
    error: LkctlError | None

    @property
    def said(self) -> str:
        """Say what came."""
        return self.error.message if self.error is not None else say_answer(self.answer)


def _websocket(world: World) -> str:
    """An upgrade of /rtc and /rtc/v1 without a token is refused by LiveKit itself: 401 (measured).

    This proves that the request gets through; that the answer 101 does is seen only by joining (--media).
    """
    url = world.server_url()
    v0, v1 = side_by_side([lambda: _upgrade(world, url, _V0), lambda: _upgrade(world, url, _V1)])
    if not asks_for_token(v0.answer):
        raise _broken(world, url, _V0, v0)
    if asks_for_token(v1.answer):
        return f"upgrades of {_V0} and {_V1} reach LiveKit (401 without a token); this does not prove the way back"
    if v1.answer is not None and v1.answer.status == _MISSING and (v1.answer.body or not _passes(world, url)):
        raise Problem(
            f"{_V0} gets through, {_V1} does not: {v1.said}; new clients try it first, and then fall back",
            hint="LiveKit before 1.9.10 has no such path: update it; else let the proxy pass all of /rtc on",
            severity=Severity.warn,
        )
    raise _broken(world, url, _V1, v1)


def _upgrade(world: World, url: ServerUrl, path: str) -> _Tried:
    try:
        return _Tried(exchange(url, Request("GET", path, _UPGRADE), waiting(world)), None)
    except LkctlError as error:
        return _Tried(None, error)


def _broken(world: World, url: ServerUrl, path: str, tried: _Tried) -> Problem:
    """Tell the causes of a failed upgrade apart by the same without upgrade, and by the same past the proxy."""
    from lkctl.checks.elsewhere import direct_ways

    deadline = trying(world)
    direct = direct_ways(world, url)
    plain, validate, *past = side_by_side(
        [
            lambda: ask_elsewhere(url, Request("GET", path), deadline),
            lambda: ask_elsewhere(url, Request("GET", VALIDATE), deadline),
            *(lambda one=one: ask_elsewhere(one, Request("GET", path, _UPGRADE), deadline) for one in direct),
        ]
    )
    there = [one for one, answer in zip(direct, past, strict=True) if asks_for_token(answer)]
    evidence = [f"upgrade of {url.http}{path}: {tried.said}", f"GET {path} without upgrade: {say_answer(plain)}"]
    evidence += [f"{one}{path}, past the proxy, takes the upgrade (401 without a token)" for one in there]
    ruled_out = ("LiveKit being down: its API answers", *_reaches(validate))
    said, hint = _meaning(url, path, tried, plain)
    return Problem(
        said, hint=hint, code=_code(tried), evidence=evidence, ruled_out=ruled_out, explains=("media.*", "token.*")
    )


def _reaches(validate: Answer | None) -> tuple[str, ...]:
    return (f"the path: {VALIDATE} reaches LiveKit",) if asks_for_token(validate) else ()


def _meaning(url: ServerUrl, path: str, tried: _Tried, plain: Answer | None) -> tuple[str, str]:
    """Say what stands behind, and the next step."""
    answer = tried.answer
    where = f"{url.websocket}{path}"
    if answer is None:
        return f"{where} does not answer an upgrade: {tried.said}", f"The proxy holds WebSockets back. {_hint(plain)}"
    if answer.status == _MISSING and not answer.body:
        said = f"{where} reaches LiveKit without its Upgrade headers (an empty 404): a proxy takes them away"
        return said, _hint(answer)
    if answer.status == _MISSING:
        who = "LiveKit gets another path" if is_livekits_404(answer) else "it is not passed on to LiveKit"
        return f"{where} is not found ({tried.said}): {who}", "Let the proxy pass /rtc, and all below it, on as it is"
    return _by_status(where, answer, tried.said)


def _by_status(where: str, answer: Answer, seen: str) -> tuple[str, str]:
    if answer.status == _SWITCHED:
        return f"{where} takes a WebSocket without a token: that is not LiveKit", "Let /rtc lead to LiveKit"
    if answer.status == _OK:
        what = "LiveKit's `/`, whatever was asked for" if answer.body.strip() == b"OK" else "another program"
        return f"{where} answers an upgrade with {seen}: it leads to {what}", "Let the proxy pass /rtc on as it is"
    if answer.status in {_BAD, _UPGRADE_REQUIRED}:
        said = f"{where} does not understand the upgrade ({seen}): a proxy changes its headers"
        return said, _hint(answer)
    if answer.status >= _SERVER_ERROR:
        said = f"for WebSockets a proxy does not reach LiveKit: {where} answers {seen}"
        return said, "It passes /rtc to another port than /twirp, or the connection breaks there: look into its log"
    if answer.status in _LOGINS:
        return f"a proxy refuses WebSockets: {where} answers {seen}", "Let it pass /rtc without a login of its own"
    return f"{where} answers an upgrade with {seen}, which is not LiveKit's answer", _hint(answer)


def _hint(answer: Answer | None) -> str:
    server = answer.headers.get("server", "").lower() if answer is not None else ""
    return next((hint for name, hint in _HINTS.items() if name in server), f"{_HINT}. {_HINTS['nginx']}")


def _code(tried: _Tried) -> str:
    if tried.error is not None:
        return tried.error.code
    gateway = tried.answer is not None and tried.answer.status in {502, 503, 504}
    return "http-gateway" if gateway else ""


def _passes(world: World, url: ServerUrl) -> bool:
    """Whether the proxy passes on what is below /rtc."""
    return asks_for_token(ask_elsewhere(url, Request("GET", VALIDATE), trying(world)))


WEBSOCKET_CHECKS: tuple[Check[World], ...] = (
    Check("http.websocket", "WebSockets get through", _websocket, needs=("http.livekit",), timeout=TIMEOUT),
)
