"""What a local livekit-server is told: keys, ports, and to stay on loopback."""

import contextlib
import json
import os
import secrets
import socket
import string
import sys
from collections.abc import Mapping
from typing import Any

from lkctl.errors import LkctlError
from lkctl.localserver.program import without_livekit
from lkctl.secret import Secret

HOST = "127.0.0.1"
_LETTERS = string.ascii_letters + string.digits
_LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
_NOBODY = f"{HOST}:9"  # without a STUN server of its own, livekit-server sends clients to public ones
# livekit-server reads these too, and they would override the configuration
_OVERRIDING = {"NODE_IP", "UDP_PORT", "REDIS_HOST", "REDIS_PASSWORD"}


def new_key() -> str:
    """Make an API key in the form of `livekit-server generate-keys`."""
    return "API" + "".join(secrets.choice(_LETTERS) for _ in range(12))


def new_secret() -> Secret:
    """Make an API secret in the form of `livekit-server generate-keys`."""
    return Secret("".join(secrets.choice(_LETTERS) for _ in range(43)))


def configuration(keys: Mapping[str, Secret], settings: Mapping[str, Any], port: int | None) -> dict[str, Any]:
    """Make livekit-server's configuration, with free ports; `settings` are merged over it, key by key.

    `rtc.tcp_port` is 0, that is off: livekit-server would listen there on every interface, whatever it is told.
    UDP stays on loopback only with `interfaces` and `ips` set; `bind_addresses` does not reach it.
    """
    base = {
        "port": free_tcp_port() if port is None else port,
        "bind_addresses": [HOST],
        "keys": {key: secret.reveal() for key, secret in keys.items()},
        "rtc": {
            "node_ip": HOST,
            "enable_loopback_candidate": True,
            "interfaces": {"includes": [_LOOPBACK]},
            "ips": {"includes": [f"{HOST}/32"]},
            "stun_servers": [_NOBODY],
            "tcp_port": 0,
            "udp_port": free_udp_port(),
        },
        "logging": {"level": "warn", "json": True},
    }
    return _merged(base, settings)


def server_environment(environ: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, str]:
    """Give livekit-server's environment, with the configuration in it: so no secret is in a file or in its argv."""
    kept = {name: value for name, value in without_livekit(environ).items() if name not in _OVERRIDING}
    return {**kept, "LIVEKIT_CONFIG": json.dumps(config)}  # JSON is YAML


def free_tcp_port() -> int:
    """Find a TCP port that is free on loopback now; it may be taken a moment later."""
    return _bind(socket.SOCK_STREAM, 0)


def free_udp_port() -> int:
    """Find a UDP port that is free on loopback now; it may be taken a moment later."""
    return _bind(socket.SOCK_DGRAM, 0)


def insist_free(port: int) -> None:
    """Raise `livekit-server-failed` unless we can listen on the port."""
    try:
        _bind(socket.SOCK_STREAM, port)
    except OSError as error:
        raise LkctlError(
            "livekit-server-failed",
            f"cannot listen on {HOST}:{port}: {os.strerror(error.errno or 0)}",
            hint="Choose another port, or none: then a free one is taken",
        ) from None


def _bind(kind: socket.SocketKind, port: int) -> int:
    with contextlib.closing(socket.socket(socket.AF_INET, kind)) as probe:
        if port:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as livekit-server does: closed is free
        probe.bind((HOST, port))
        return int(probe.getsockname()[1])


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        below = merged.get(name)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(below, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return merged
