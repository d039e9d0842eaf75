"""HTTP proxies that the environment names: who goes through them, and whether they let LiveKit's clients through.

Measured on livekit.rtc 1.2.1: its WebSocket asks HTTP_PROXY for ws and HTTPS_PROXY for wss, by CONNECT, whatever
NO_PROXY says. Read in livekit-agents 1.8.9 (worker.py): a worker takes HTTPS_PROXY, or else HTTP_PROXY. livekit.api and
lkctl take none.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lkctl.checks.inquiry import TIMEOUT, attempt, waiting
from lkctl.checks.result import Check, Finding, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.secret import remember
from lkctl.server.deadline import Deadline, side_by_side
from lkctl.settings.url import ServerUrl, parse_url

_OK = range(200, 300)
_LOGIN_NEEDED = 407


class _Proxy(NamedTuple):
    """A proxy, with the variable that names it; `url` is None where it is no HTTP proxy."""

    name: str
    url: ServerUrl | None
    login: str


def _proxies(world: World) -> str:
    """Proxies in HTTP_PROXY and HTTPS_PROXY let a connection to the server through: livekit.rtc and agents use them."""
    url = world.server_url()
    used = list(_used(world, url))
    if not used:
        return "HTTP_PROXY and HTTPS_PROXY name no proxy"
    deadline = waiting(world)
    said = side_by_side([lambda one=one: _refusal(one, url, deadline) for one in used])  # type: ignore[misc]
    findings = [_finding(world, url, one, why) for one, why in zip(used, said, strict=True) if why]
    tried = ", ".join(one.name for one in used if one.url is not None)
    passed = f"livekit.rtc and agents go through the proxy of {tried}, and it lets them; lkctl does not use it"
    return settle(findings, passed if tried else f"the proxy of {used[0].name} is not one of HTTP, and was not tried")


def way_out(world: World, url: ServerUrl, deadline: Deadline) -> str:
    """Give the variable whose proxy reaches a server that cannot be reached directly; "" where none does."""
    return next((one.name for one in _used(world, url) if not _refusal(one, url, deadline)), "")


def _used(world: World, url: ServerUrl) -> Iterator[_Proxy]:
    """Give what livekit.rtc and a worker would use, each proxy once."""
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY") if url.secure else ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY")
    seen = set()
    for name in names:
        text = world.environ.get(name, "").strip()
        if text and text not in seen:
            seen.add(text)
            yield _read(name, text)


def _read(name: str, text: str) -> _Proxy:
    scheme, mark, rest = text.partition("://")
    login, at, place = (rest if mark else text).rpartition("@")
    remember(login.partition(":")[2])
    if mark and scheme.lower() != "http":
        return _Proxy(name, None, "")
    return _Proxy(name, attempt(lambda: parse_url(f"http://{place}")), login if at else "")


def _refusal(proxy: _Proxy, url: ServerUrl, deadline: Deadline) -> str:
    """Say why a proxy lets nobody through; "" where it does, or where it cannot be tried."""
    if proxy.url is None:
        return ""
    from lkctl.server.tunnel import ask_tunnel

    try:
        status = ask_tunnel(proxy.url, proxy.login, url.host, url.port, deadline)
    except LkctlError as error:
        return error.message
    if status in _OK:
        return ""
    why = "wants a login" if status == _LOGIN_NEEDED else "refuses"
    return f"{proxy.url.netloc} {why} ({status} to CONNECT {url.host}:{url.port})"


def _finding(world: World, url: ServerUrl, proxy: _Proxy, why: str) -> Finding:
    said = f"livekit.rtc and agents go to {url.netloc} through the proxy of {proxy.name}, and that way is closed: {why}"
    hint = f"Unset {proxy.name} for agents, or let the proxy pass CONNECT {url.host}:{url.port}"
    if (world.environ.get("NO_PROXY") or world.environ.get("no_proxy") or "").strip():
        hint += "; NO_PROXY does not help, livekit.rtc does not look at it"
    return Finding(said, hint, f"env {proxy.name}", Severity.warn)


PROXY_CHECKS: tuple[Check[World], ...] = (
    Check(
        "net.proxy",
        "No HTTP proxy is in the way",
        _proxies,
        needs=("url.cloud",),
        severity=Severity.warn,
        timeout=TIMEOUT,
    ),
)
