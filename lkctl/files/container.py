"""Whether this process runs in a container, and which ports of its network are taken."""

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

_MARKS = (".dockerenv", "run/.containerenv")  # made by Docker and by Podman
_VARIABLES = ("KUBERNETES_SERVICE_HOST", "container")  # set by kubelet; by Podman, systemd-nspawn and LXC
_CGROUPS = ("docker", "kubepods", "containerd", "libpod", "lxc")
_LISTENING = b"0A"  # TCP_LISTEN of the kernel (include/net/tcp_states.h)
_MOST_BYTES, _MOST_ROWS = 64 * 1024, 30_000


def in_container(environ: Mapping[str, str], root: Path = Path("/")) -> bool:
    """Whether this process runs in a container: mark files, variables, control groups."""
    if any(environ.get(name) for name in _VARIABLES) or any(os.path.lexists(root / mark) for mark in _MARKS):
        return True
    groups = _read(root / "proc/self/cgroup") or ""
    return any(word in groups for word in _CGROUPS)


def listening_ports(root: Path = Path("/"), *, until: int = 0) -> frozenset[int] | None:
    """Give the TCP ports that something listens on in this network namespace; None where the system does not tell.

    With `until` only those before that port is found: the tables are long where there are many connections, and Linux
    names the listeners first.
    """
    found: set[int] = set()
    for name in ("tcp", "tcp6"):
        try:
            with (root / "proc/net" / name).open("rb") as rows:
                for port in _listeners(rows):
                    found.add(port)
                    if port == until:
                        return frozenset(found)
        except OSError:
            if name == "tcp":
                return None
    return frozenset(found)


def _listeners(rows: Iterable[bytes]) -> Iterator[int]:
    for row in islice(rows, 1, _MOST_ROWS):
        cells = row.split(None, 4)
        if len(cells) > 3 and cells[3] == _LISTENING:  # noqa: PLR2004
            yield int(cells[1].rpartition(b":")[2], 16)


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return None
