"""Programs that stand in for livekit-server and go: shell scripts that do one thing."""

import subprocess
import time
from pathlib import Path

from lkctl.localserver.program import VERSION

SAYS_VERSION = f'[ "$1" = --version ] && {{ echo "livekit-server version {VERSION}"; exit 0; }}\n'


def script(path: Path, body: str) -> Path:
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def fake_go(folder: Path, before: str = "") -> Path:
    """Write a `go` that "builds" a server which says the pinned version; `before` runs first."""
    program = f"#!/bin/sh\n{SAYS_VERSION}"
    build = f'cat > "$GOBIN/server" <<\'END\'\n{program}END\nchmod +x "$GOBIN/server"'
    return script(folder / "go", f'echo "$*" >> "{folder}/calls"\n{before}\n{build}')


def path_with(*folders: Path) -> str:
    """Give a PATH of these folders and the system's own tools."""
    return ":".join([*map(str, folders), "/usr/bin", "/bin"])


def leftovers(cache: Path) -> list[str]:
    """Name the scratch folders that builds left in a cache."""
    return [str(path) for path in cache.rglob(".build-*")]


def gone(pid: int, within: float = 5.0) -> bool:
    """Wait for the end of any process; a dead one that nobody has waited for counts as gone."""
    words = ["ps", "-o", "stat=", "-p", str(pid)]
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        state = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
        if not state or state.startswith("Z"):
            return True
        time.sleep(0.02)
    return False
