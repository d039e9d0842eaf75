"""Whether this process runs in a container, and which ports of its network are taken."""

import os
from collections.abc import Mapping
from pathlib import Path

_MARKS = (".dockerenv", "run/.containerenv")  # made by Docker and by Podman
_VARIABLES = ("KUBERNETES_SERVICE_HOST", "container")  # set by kubelet; by Podman, systemd-nspawn and LXC
_CGROUPS = ("docker", "kubepods", "containerd", "libpod", "lxc")
_LISTENING = "0A"  # TCP_LISTEN of the kernel (include/net/tcp_states.h)
_MOST_BYTES = 4 * 1024 * 1024


def in_container(environ: Mapping[str, str], root: Path = Path("/")) -> bool:
    """Whether this process runs in a container: mark files, variables, control groups."""
    if any(environ.get(name) for name in _VARIABLES) or any(os.path.lexists(root / mark) for mark in _MARKS):
        return True
    groups = _read(root / "proc/self/cgroup") or ""
    return any(word in groups for word in _CGROUPS)


def listening_ports(root: Path = Path("/")) -> frozenset[int] | None:
    """Give the TCP ports that something listens on in this network namespace; None where the system does not tell."""
    tables = [_read(root / "proc/net" / name) for name in ("tcp", "tcp6")]
    if tables[0] is None:
        return None
    rows = [line.split() for table in tables if table for line in table.splitlines()[1:]]
    return frozenset(int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == _LISTENING)  # noqa: PLR2004


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return None
