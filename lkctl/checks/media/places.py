"""What kinds of addresses there are, as far as it matters for who can reach them."""

import socket
from collections.abc import Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from lkctl.server import link
from lkctl.server.routes import only_by_default


class Place(StrEnum):
    """Where an address leads, from the narrowest to the widest."""

    machine = "machine"
    network = "network"
    internet = "internet"


_SAMPLES = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
_KINDS = (
    ("a container's", tuple(ip_network(f"172.{second}.0.0/16") for second in range(17, 31))),  # Docker's own choice
    ("a pod's", tuple(map(ip_network, ("10.42.0.0/16", "10.244.0.0/16")))),  # k3s, flannel and kind
    ("a carrier's", (ip_network("100.64.0.0/10"),)),  # RFC 6598; Tailscale's, too
    ("a link-local", tuple(map(ip_network, ("169.254.0.0/16", "fe80::/10")))),
)


def place_of(addresses: Sequence[str]) -> Place:
    """Tell where a host leads, by its addresses: the widest of them."""
    places = [_place(parsed) for one in addresses if (parsed := parse(one)) is not None]
    return max(places, key=list(Place).index, default=Place.internet)


def kind_of(address: str) -> str:
    """Name the kind of an address: `a container's address`, `a private address`, `an address of documentation` …"""
    parsed = parse(address)
    if parsed is None:
        return "no address"
    if is_sample(address):
        return "an address of documentation"
    named = next((name for name, networks in _KINDS if any(parsed in network for network in networks)), "")
    if named:
        return f"{named} address"
    if parsed.is_loopback:
        return "loopback"
    return "a private address" if _place(parsed) is Place.network else "a public address"


def is_sample(address: str) -> bool:
    """Whether an address is one of those that examples use (RFC 5737, RFC 3849), and so nobody's."""
    parsed = parse(address)
    return parsed is not None and any(parsed in network for network in _SAMPLES)


def is_wide(address: str) -> bool:
    """Whether an address is one of the internet."""
    parsed = parse(address)
    return parsed is not None and not is_sample(address) and _place(parsed) is Place.internet


def is_mine(address: str) -> bool:
    """Whether an address is this machine's own."""
    parsed = parse(address)
    if parsed is None:
        return False
    family = socket.AF_INET6 if isinstance(parsed, IPv6Address) else socket.AF_INET
    return parsed.is_loopback or link.is_own(family, address)


def is_worth_asking(address: str, place: Place) -> bool:
    """Whether a client that is here could come to an address at all; nothing is sent where it could not.

    What an example uses belongs to nobody. Where the URL leads to this very machine, an inner address that is none of
    its own and of no network that it is in leads to a stranger.
    """
    parsed = parse(address)
    if parsed is None or is_mine(address):
        return parsed is not None
    strange = place is Place.machine and _place(parsed) is Place.network and only_by_default(address)
    return not (is_sample(address) or strange)


def parse(address: str) -> IPv4Address | IPv6Address | None:
    """Read an address; None for a name."""
    try:
        return ip_address(address)
    except ValueError:
        return None


def _place(address: IPv4Address | IPv6Address) -> Place:
    if address.is_loopback or address.is_unspecified:
        return Place.machine
    return Place.internet if address.is_global else Place.network
