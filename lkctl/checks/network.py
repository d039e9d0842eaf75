"""Is the server reachable? DNS, TCP to each address, and HTTP proxies; TLS and what answers are judged elsewhere."""

from collections.abc import Iterator, Sequence

from lkctl.checks.browsers import BROWSER_CHECKS
from lkctl.checks.certificate import CERTIFICATE_CHECKS
from lkctl.checks.front import FRONT_CHECKS
from lkctl.checks.inquiry import TIMEOUT, addresses, waiting
from lkctl.checks.proxies import PROXY_CHECKS
from lkctl.checks.result import Check, Finding, Severity
from lkctl.checks.timing import TIMING_CHECKS
from lkctl.checks.verdict import settle
from lkctl.checks.websocket import WEBSOCKET_CHECKS
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server import link
from lkctl.settings.hosts import ANY_ADDRESSES, is_private
from lkctl.settings.url import ServerUrl, is_loopback

_V6 = ":"


def _dns(world: World) -> str:
    """The host of the URL resolves to addresses from here; which families, and whether a public name leads outside."""
    url = world.server_url()
    try:
        found = addresses(world, url)
    except LkctlError as error:
        from lkctl.checks.reachcause import nameless

        raise nameless(world, error) from None
    said = f"{url.host} is {', '.join(address for _, address in found)}"
    return settle(_odd_addresses(url, [address for _, address in found]), said)


def _odd_addresses(url: ServerUrl, found: Sequence[str]) -> Iterator[Finding]:
    odd = [address for address in found if is_loopback(address) or address in ANY_ADDRESSES]
    if odd and not is_private(url.host):
        said = f"{url.host} is {', '.join(odd)} here, which is this machine: by /etc/hosts, or a filter for names"
        hint = f"If the server runs elsewhere, look {url.host} up with another name server, and mend the entry here"
        yield Finding(said, hint, severity=Severity.info, explains=("net.tcp",))


def _tcp(world: World) -> str:
    """Every address of the host takes TCP connections; where none does, LiveKit is looked for near it.

    A pass proves neither TLS nor that it is LiveKit.
    """
    url, deadline = world.server_url(), waiting(world)
    attempts = link.reach_each(addresses(world, url), url.port, deadline)
    taken = [one for one in attempts if one.failure is None]
    if not taken:
        from lkctl.checks.reachcause import unreachable

        raise unreachable(world, url, link.unreached(url.host, url.port, attempts, deadline), attempts)
    detail = f"{url.host}:{url.port} takes connections ({min(one.seconds for one in taken) * 1000:.0f} ms)"
    return settle(_dead_addresses(url, attempts), detail)


def _dead_addresses(url: ServerUrl, attempts: Sequence[link.Attempt]) -> Iterator[Finding]:
    """Some addresses of several: silence costs every client its patience, the rest next to nothing."""
    dead = [one for one in attempts if one.failure is not None]
    alive = ", ".join(one.address for one in attempts if one.failure is None)
    for one in dead:
        silent = isinstance(one.failure, TimeoutError)
        refused = isinstance(one.failure, ConnectionRefusedError)
        said = f"{one.address}:{url.port} {one.said}; {alive} takes connections"
        record = "AAAA" if _V6 in one.address else "A"
        hint = f"Take the {record} record for {one.address} away, or let the server listen there"
        if silent:
            said += ": clients that try it first wait for nothing"
        harmless = not silent and (not refused or is_loopback(one.address))
        yield Finding(said, "" if harmless else hint, severity=Severity.info if harmless else Severity.warn)


NETWORK_CHECKS: tuple[Check[World], ...] = (
    Check("net.dns", "Host name resolves", _dns, needs=("url.cloud",), timeout=TIMEOUT),
    Check("net.tcp", "Port takes connections", _tcp, needs=("net.dns",), timeout=TIMEOUT),
    *CERTIFICATE_CHECKS,
    *PROXY_CHECKS,
    *FRONT_CHECKS,
    *WEBSOCKET_CHECKS,
    *BROWSER_CHECKS,
    *TIMING_CHECKS,
)
