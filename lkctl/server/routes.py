"""Which way this machine would take to an address."""

import socket
from pathlib import Path

_TABLE = Path("/proc/net/route")  # Linux; hexadecimal, the bytes in the order of the machine
_UP = 1


def only_by_default(address: str) -> bool:
    """Whether nothing but the default route leads to an IPv4 address; False where that cannot be told."""
    try:
        target = int.from_bytes(socket.inet_aton(address), "little")
        rows = [row.split() for row in _TABLE.read_text("ascii").splitlines()[1:]]
        routes = [(int(row[1], 16), int(row[7], 16)) for row in rows if int(row[3], 16) & _UP]
    except (OSError, ValueError, IndexError):
        return False
    return not any(mask and target & mask == network for network, mask in routes)
