"""Why nothing takes a connection: a wrong port, loopback only, a container, a firewall with a proxy, or no server."""

from collections.abc import Callable, Sequence
from typing import Any

from lkctl.checks.elsewhere import Elsewhere, look_elsewhere, runs_here
from lkctl.checks.inquiry import trying
from lkctl.checks.proxies import way_out
from lkctl.checks.result import Problem
from lkctl.checks.urlfix import with_origin
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.deadline import side_by_side
from lkctl.server.link import Attempt
from lkctl.settings.hosts import is_private
from lkctl.settings.url import ServerUrl, is_loopback

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CONTAINER = "url.container"  # what it suspects is then tried here


def nameless(world: World, error: LkctlError) -> Problem:
    """Explain a host that does not resolve."""
    other = look_elsewhere(world)
    return Problem(
        _with_place(with_origin(world, error.message), other),
        hint=other.hint or error.hint,
        code=error.code,
        evidence=other.evidence,
        ruled_out=() if other.found else other.ruled_out,
        explains=(_CONTAINER,),
        fix=other.fix,
    )


def unreachable(world: World, url: ServerUrl, error: LkctlError, attempts: Sequence[Attempt]) -> Problem:
    """Find out what stands behind a server that takes no connection."""
    deadline = trying(world)
    works: list[Callable[[], Any]] = [lambda: look_elsewhere(world, deadline=deadline)]
    if not url.local:
        works.append(lambda: way_out(world, url, deadline))
    other, *ways = side_by_side(works)
    said, hint, fix = _meaning(world, url, error, other, next(iter(ways), ""))
    return Problem(
        said,
        hint=hint,
        code=error.code,
        evidence=(*(f"{one.address}:{url.port} {one.said}" for one in attempts), *other.evidence),
        ruled_out=(
            f"the host name: it is {', '.join(one.address for one in attempts)}",
            *(() if other.found else other.ruled_out),
        ),
        explains=(_CONTAINER,),
        fix=fix,
    )


def _meaning(world: World, url: ServerUrl, error: LkctlError, other: Elsewhere, proxy: str) -> tuple[str, str, Any]:
    """Say what stands behind, the next step, and the change that mends it."""
    first = other.first
    if first is None and proxy:
        said = f"{error.message}; but the proxy of {proxy} lets connections through, which livekit.api does not use"
        return said, "Open the firewall for this machine, or hand livekit.api a session with trust_env=True", None
    if first is None:
        return with_origin(world, error.message), _advice(world, url, error), None
    if _only_loopback(world, url, first):
        said = f"{url.netloc} takes no connections, for LiveKit listens on loopback only ({first.netloc})"
        return (
            said,
            "livekit-server --dev does so; for other machines start it with --bind 0.0.0.0",
            None,
        )
    if world.in_container and url.host in _LOOPBACK and first.host not in _LOOPBACK:
        said = with_origin(world, f"{url.host} is this container itself, where nothing listens on {url.port}")
        return f"{said}; LiveKit answers at {first}", other.hint, other.fix
    return _with_place(with_origin(world, error.message), other), other.hint, other.fix


def _advice(world: World, url: ServerUrl, error: LkctlError) -> str:
    """Give the next step where LiveKit is nowhere near; a server that runs, but is not reached, refuses."""
    if error.code == "net-refused" and world.in_container and url.host in _LOOPBACK:
        return f"Start livekit-server here, or write the host that it runs on: {url.host} is this container itself"
    if error.code == "net-refused" and is_private(url.host) and not is_loopback(url.host):
        return f"Start livekit-server on {url.host}; with --dev it needs --bind 0.0.0.0 to be reached from elsewhere"
    return error.hint


def _only_loopback(world: World, url: ServerUrl, first: ServerUrl) -> bool:
    """Whether the host is this machine by its other address, and LiveKit answers at the same port of loopback."""
    here = first.host in _LOOPBACK and first.port == url.port
    return here and url.host not in _LOOPBACK and runs_here(world, url)


def _with_place(said: str, other: Elsewhere) -> str:
    return said if other.first is None else f"{said}; but LiveKit answers at {other.first}"
