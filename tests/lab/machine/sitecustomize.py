"""The machine that lkctl believes to run on in a laboratory case: its names and its clock. Nothing beyond it answers.

Python runs this by itself at its start. What a case wants is in two variables: LAB_NAMES (JSON: a host name to an
address, or "ADDRESS:PORT" to the "ADDRESS:PORT" that is behind it, as NAT has it) and LAB_CLOCK (seconds ahead).
"""

import errno
import ipaddress
import json
import os
import socket
import time
from collections.abc import Callable
from typing import Any

NAMES: dict[str, str] = json.loads(os.environ.get("LAB_NAMES", "{}"))
AHEAD = float(os.environ.get("LAB_CLOCK", "0"))
TAKEN = {80, 443, 6379, 7880, 7881, 8081}  # ports on which something of the real machine's may listen

_look_up, _now = socket.getaddrinfo, time.time


def look_up(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
    """Resolve the case's own names and addresses; no resolver is asked."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in NAMES or name in {None, "localhost"} or _is_address(name):
        return _look_up(NAMES.get(name, host), port, *arguments, **named)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True


def _guarded(talk: Callable[..., Any]) -> Callable[..., Any]:
    """Let a socket reach loopback and names of the case; beyond them is nothing, as on a machine without a network."""

    def guarded(link: socket.socket, *arguments: Any) -> Any:
        if link.family not in {socket.AF_INET, socket.AF_INET6}:
            return talk(link, *arguments)
        host, port, *rest = arguments[-1]
        address, _, behind = NAMES.get(f"{host}:{port}", "").rpartition(":")
        if not address and not _is_inward(host):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        if not address and port in TAKEN:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        return talk(link, *arguments[:-1], (address or host, int(behind or port), *rest))

    return guarded


def _is_inward(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in {"localhost", "", "0.0.0.0", "::", *NAMES, *NAMES.values()}:  # noqa: S104
        return True
    return _is_address(name) and ipaddress.ip_address(name.partition("%")[0]).is_loopback


socket.getaddrinfo = look_up
socket.socket.connect = _guarded(socket.socket.connect)  # type: ignore[method-assign]
socket.socket.connect_ex = _guarded(socket.socket.connect_ex)  # type: ignore[method-assign]
socket.socket.sendto = _guarded(socket.socket.sendto)  # type: ignore[method-assign]
if AHEAD:
    time.time = lambda: _now() + AHEAD
