"""Where LiveKit answers instead: the experiment that tells a wrong URL, port or proxy from a server that is down."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lkctl.checks.inquiry import FINGERPRINT, addresses, ask_elsewhere, attempt, is_livekits, trying
from lkctl.checks.result import Fix
from lkctl.checks.urlfix import url_fix
from lkctl.checks.world import World
from lkctl.files.serverport import STANDARD, server_ports
from lkctl.server.deadline import Deadline, side_by_side
from lkctl.server.http import Request
from lkctl.server.link import is_own
from lkctl.settings.hosts import DOCKER_HOST, is_private, is_service_name
from lkctl.settings.url import ServerUrl

_MOST = 12  # experiments
_MOST_PORTS = 5  # more of them, at ports on which something listens here
_SERVERS = range(1024, 32768)  # above, systems hand ports out to whoever wants any
_OTHERS = frozenset((1433, 3306, 5432, 5672, 6379, 9042, 11211, 27017))  # databases, some of which log a stray GET
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Elsewhere(NamedTuple):
    """What came of it: the URLs that answer as LiveKit does, the likeliest first, and those that do not."""

    found: tuple[ServerUrl, ...]
    missed: tuple[ServerUrl, ...]
    fix: Fix | None

    @property
    def first(self) -> ServerUrl | None:
        """The likeliest."""
        return next(iter(self.found), None)

    @property
    def evidence(self) -> tuple[str, ...]:
        """Say where it answers."""
        return tuple(f"{url} answers as LiveKit does (404 bad_route to a GET on /twirp)" for url in self.found)

    @property
    def ruled_out(self) -> tuple[str, ...]:
        """Say where it was looked for in vain."""
        return tuple(f"LiveKit at {url}: it does not answer there" for url in self.missed)

    @property
    def hint(self) -> str:
        """Say what to write instead; "" where nothing was found."""
        return f"Write {self.found[0]}" if self.found else ""


def look_elsewhere(world: World, *candidates: ServerUrl, deadline: Deadline | None = None) -> Elsewhere:
    """Ask the candidates, or else all that is near, whether LiveKit answers there. No token is sent.

    `deadline`: where this is one of several experiments.
    """
    url, deadline = world.server_url(), deadline or trying(world)
    near = list(dict.fromkeys(candidates or _near(world, url)))[:_MOST]
    near += [] if candidates else [one for one in _listening(world, url) if one not in near]
    answers = side_by_side([lambda one=one: _answers(one, deadline) for one in near])  # type: ignore[misc]
    found = tuple(one for one, yes in zip(near, answers, strict=True) if yes)
    missed = tuple(one for one, yes in zip(near, answers, strict=True) if not yes)
    return Elsewhere(found, missed, url_fix(world, found[0]) if found else None)


def direct_ways(world: World, url: ServerUrl) -> tuple[ServerUrl, ...]:
    """Give where LiveKit itself may be found past the proxy: by its own port on the hosts that it may run on."""
    ports = [STANDARD, *(one.port for one in server_ports(world.folder))]
    hosts = dict.fromkeys([url.host, *_inner_hosts(world, url)])
    plain = [ServerUrl("ws", host, port) for port in ports for host in hosts]
    return tuple(dict.fromkeys(one for one in plain if (one.host, one.port) != (url.host, url.port)))


def _near(world: World, url: ServerUrl) -> Iterator[ServerUrl]:
    if url.cloud:
        return
    yield _other_scheme(url)
    yield from _same_port(world, url)
    yield from direct_ways(world, url)
    if not url.secure and not is_private(url.host):
        yield ServerUrl("wss", url.host, 443, url.path)


def _listening(world: World, url: ServerUrl) -> list[ServerUrl]:
    """Give the ports nearest to the URL's on which this machine listens, where nothing does on its own one."""
    taken = world.taken_ports() if runs_here(world, url) else None
    if taken is None or url.port in taken:
        return []
    ports = [port for port in taken if port in _SERVERS and port not in _OTHERS]
    nearest = sorted(ports, key=lambda port: (abs(port - url.port), port))[:_MOST_PORTS]
    scheme, host = {"https": "http", "wss": "ws"}.get(url.scheme, url.scheme), url.host
    return [ServerUrl(scheme, host if host in _LOOPBACK else _LOOPBACK[1], port) for port in nearest]


def _other_scheme(url: ServerUrl) -> ServerUrl:
    schemes = {"ws": "wss", "wss": "ws", "http": "https", "https": "http"}
    return url._replace(scheme=schemes[url.scheme])


def _same_port(world: World, url: ServerUrl) -> Iterable[ServerUrl]:
    return (url._replace(host=host) for host in _inner_hosts(world, url))


def _inner_hosts(world: World, url: ServerUrl) -> Sequence[str]:
    """Give other names of the machine that the URL may mean, where it is this one or a container's neighbour."""
    own = () if url.host == "localhost" else ("127.0.0.1", "::1")  # of localhost both are tried anyway
    if world.in_container and (url.local or url.host == DOCKER_HOST):
        services = [one.service for one in world.surroundings.declared if "livekit" in one.service]
        return [host for host in dict.fromkeys((DOCKER_HOST, "livekit", *services, *own)) if host != url.host]
    if url.host == DOCKER_HOST or is_service_name(url.host) or runs_here(world, url):
        return [host for host in own if host != url.host]
    return []


def runs_here(world: World, url: ServerUrl) -> bool:
    """Whether the host of the URL is this machine."""
    return url.local or any(is_own(*one) for one in attempt(lambda: addresses(world, url)) or ())


def _answers(url: ServerUrl, deadline: Deadline) -> bool:
    return is_livekits(ask_elsewhere(url, Request("GET", FINGERPRINT), deadline))
