"""What keeps a livekit-server from starting on this very machine: Redis, addresses, STUN.

Judged only where the server should run here and nothing listens on its port. The texts were seen on a real one, 1.13.5.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from socket import AF_INET, AF_INET6

from lkctl.checks.result import Finding, Severity
from lkctl.checks.source.serverconfig import ServerConfig
from lkctl.checks.source.serverlint import DOWN, port_of
from lkctl.checks.world import World
from lkctl.server.link import is_own
from lkctl.settings.url import is_loopback

_HOST_PORT = re.compile(r"\[?([^\]]*?)\]?:(\d+)")


def judge_place(config: ServerConfig, world: World) -> Iterator[Finding]:
    """Say what this machine lacks for a server that does not run; the surest reason first."""
    url, listening = world.likely_url(), world.taken_ports()
    if url is None or listening is None or not is_loopback(url.host) or port_of(config, "port") in listening:
        return
    yield from _bound(config)
    yield from _redis(config, listening)
    yield from _external_address(config)


def _bound(config: ServerConfig) -> Iterator[Finding]:
    for node in config.values("bind_addresses"):
        if not _can_be_bound(node.text.strip()):
            said = f"bind_addresses holds {node.text.strip()}, which is no address of this machine: livekit-server "
            said += "stops with `bind: cannot assign requested address`"
            hint = "Write one of its addresses (see: ip address), or remove bind_addresses to listen on all"
            yield Finding(said, hint, config.at(node.line), Severity.warn, DOWN)


def _can_be_bound(text: str) -> bool:
    try:
        family = AF_INET6 if ip_address(text).version == 6 else AF_INET  # noqa: PLR2004
    except ValueError:
        return True  # a name, or a variable: who knows
    try:
        return is_own(family, text)
    except OSError:  # a machine without IPv6
        return False


def _redis(config: ServerConfig, listening: frozenset[int]) -> Iterator[Finding]:
    found = _HOST_PORT.fullmatch(config.value("redis.address"))
    several = config.values("redis.sentinel_addresses") or config.values("redis.cluster_addresses")  # they win
    if found and not several and is_loopback(found[1]) and int(found[2]) not in listening:
        said = f"redis.address is {config.value('redis.address')}, and nothing listens there: livekit-server stops "
        said += "with `unable to connect to redis`"
        hint = "Start Redis, or remove redis: one server alone needs none"
        yield Finding(said, hint, config.where("redis.address"), Severity.warn, DOWN)


def _external_address(config: ServerConfig) -> Iterator[Finding]:
    """That STUN is blocked is not tried: its servers are others'. It is the likeliest reason where no other is seen."""
    if config.flag("rtc.use_external_ip"):
        said = (
            f"nothing listens on {port_of(config, 'port')}, and use_external_ip is on: where no STUN server answers, "
        )
        said += "livekit-server stops after its start, with `could not resolve external IP`"
        hint = "Start it and read its last words: open UDP to the STUN servers, or set use_external_ip: false and "
        hint += "node_ip to the address by which clients come"
        yield Finding(said, hint, config.where("rtc.use_external_ip"), Severity.warn, DOWN)
