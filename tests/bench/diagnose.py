"""A default `lkctl diagnose` of a healthy local server, beside one call; and of servers that swallow everything.

python tests/bench/diagnose.py [rounds]     (default 25 rounds: half a minute on a quiet machine)

Whole processes, spawned in turn A B … B A; medians, and medians of the ratios of each round. `lk` is taken where it is
on PATH. Black holes are addresses of loopback whose listeners' queues are full, so that packets are dropped.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lkctl.localserver.process import LocalServer

LIMIT = 4.0  # seconds
HOLES = (1, 8, 24)
# A name with k addresses: the resolver is not asked, so that nothing leaves the machine
NAMES = """
import socket
_real = socket.getaddrinfo
def _found(host, port, *rest, **options):
    if host == "holes.lan":
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.9.{{n}}", port)) for n in range(1, {count} + 1)]
    return _real(host, port, *rest, **options)
socket.getaddrinfo = _found
"""


def main(rounds: int) -> None:
    """Measure and print."""
    lkctl = str(Path(sys.executable).parent / "lkctl")
    with tempfile.TemporaryDirectory() as folder, LocalServer() as server:
        environ = {**os.environ, "HOME": folder, **server.environ}
        rows = {"lkctl room list": [lkctl, "room", "list"], "lkctl diagnose": [lkctl, "diagnose"]}
        if lk := shutil.which("lk"):
            rows = {"lk room list": [lk, "room", "list"], **rows}
        report(rows, measure(rows, folder, environ, rounds))
        checks = subprocess.run(
            [lkctl, "diagnose", "-o", "json"], cwd=folder, env=environ, capture_output=True, check=True
        )
        told = json.loads(checks.stdout)
        print(f"{len(told['results'])} checks, {told['duration_ms']} ms of them running\n")
        for count in HOLES:
            swallowed(lkctl, folder, environ, count)


def measure(
    rows: Mapping[str, Sequence[str]], folder: str, environ: Mapping[str, str], rounds: int
) -> dict[str, list[float]]:
    """Run each of the commands in turn, there and back."""
    spent: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(rounds):
        for name in list(rows)[:: 1 if number % 2 else -1]:
            started = time.perf_counter()
            subprocess.run(rows[name], cwd=folder, env=environ, capture_output=True, check=True)
            spent[name].append(time.perf_counter() - started)
    return spent


def report(rows: Mapping[str, Sequence[str]], spent: Mapping[str, Sequence[float]]) -> None:
    """Print medians, and the ratio to the first row; the goal: 2.2 of lk, or 1.35 of `lkctl room list`."""
    first = spent[next(iter(rows))]
    for name in rows:
        ratio = statistics.median(mine / its for mine, its in zip(spent[name], first, strict=True))
        print(f"{name:<18} {statistics.median(spent[name]) * 1000:7.0f} ms   x {ratio:.2f}")


def swallowed(lkctl: str, folder: str, environ: Mapping[str, str], count: int) -> None:
    """Diagnose a name all of whose addresses are black holes."""
    (Path(folder) / "sitecustomize.py").write_text(NAMES.format(count=count))
    with black_holes(count) as port:
        changed = {"PYTHONPATH": folder, "LIVEKIT_URL": f"ws://holes.lan:{port}"}
        started = time.perf_counter()
        words = [lkctl, "diagnose", "--timeout", f"{LIMIT:g}s"]
        subprocess.run(words, cwd=folder, env={**environ, **changed}, capture_output=True, check=False)
        spent = time.perf_counter() - started
    print(f"{count:3} black holes   {spent:6.2f} s   x {spent / LIMIT:.2f} of --timeout {LIMIT:g}s (goal 1.15)")


@contextmanager
def black_holes(count: int) -> Iterator[int]:
    """Listen at addresses of loopback with queues that are full: what comes after is dropped in silence."""
    with ExitStack() as stack:
        port = 0
        for number in range(1, count + 1):
            listener = stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((f"127.0.9.{number}", port))
            listener.listen(0)
            port = port or listener.getsockname()[1]
            for _ in range(3):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex((f"127.0.9.{number}", port))
        time.sleep(0.2)
        yield port


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 25)
