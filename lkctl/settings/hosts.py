"""What kind of host a URL names, as far as the name alone tells."""

import re

from lkctl.settings.url import is_loopback

_LOCAL_ENDINGS = (".local", ".internal", ".lan", ".localdomain", ".home.arpa", ".test", ".svc")
_ADDRESS = re.compile(r"[0-9.]+|.*:.*")
ANY_ADDRESSES = frozenset(("0.0.0.0", "::"))  # noqa: S104  (to judge them, not to bind to them)
DOCKER_HOST = "host.docker.internal"


def is_address(host: str) -> bool:
    """Whether a host is an IP address."""
    return _ADDRESS.fullmatch(host) is not None


def is_service_name(host: str) -> bool:
    """Whether a host is a single label, as the services of a compose file have."""
    return "." not in host and ":" not in host and host != "localhost"


def is_inner(host: str) -> bool:
    """Whether a host is this machine, or inside its containers."""
    return is_loopback(host) or is_service_name(host) or host in ANY_ADDRESSES or host == DOCKER_HOST


def is_private(host: str) -> bool:
    """Whether a host is out of the reach of the internet: inner, a private address, a local name."""
    if is_inner(host) or host.endswith(_LOCAL_ENDINGS):
        return True
    if not is_address(host):
        return False
    from ipaddress import ip_address

    try:
        return not ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return False
