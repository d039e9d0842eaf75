"""`lkctl smoke` of a healthy local server: the whole process beside one call, its own work, and that of each step.

python -m tests.bench.smoke [rounds]     (default 15 rounds: half a minute on a quiet machine)

Whole processes, spawned in turn A B … B A; medians, and the median of the ratios of each round. The work beyond
start-up is what the report tells (duration_ms); the goal is 2 s. Then the same through a relay that keeps each request
back for 50 ms, as a server far away would.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lkctl.localserver.process import LocalServer
from tests.lab.parts.relay import Fault, relaying

GOAL = 2.0  # seconds
FAR = 0.05  # seconds


def main(rounds: int) -> None:
    """Measure and print."""
    lkctl = str(Path(sys.executable).parent / "lkctl")
    with tempfile.TemporaryDirectory() as folder, LocalServer() as server:
        environ = {**os.environ, "HOME": folder, **server.environ}
        calls, runs, reports = measure(lkctl, folder, environ, rounds)
        ratio = statistics.median(run / call for run, call in zip(runs, calls, strict=True))
        print(f"lkctl room list    {statistics.median(calls) * 1000:7.0f} ms")
        print(f"lkctl smoke        {statistics.median(runs) * 1000:7.0f} ms   x {ratio:.2f}")
        tell("a local server", reports)
        port = int(server.url.rpartition(":")[2])
        with relaying(port, Fault(hold=lambda _: asyncio.sleep(FAR))) as far:
            there = {**environ, "LIVEKIT_URL": f"ws://127.0.0.1:{far}"}
            tell(f"{FAR * 1000:.0f} ms away", [smoke(lkctl, folder, there) for _ in range(max(3, rounds // 3))])


def measure(
    lkctl: str, folder: str, environ: Mapping[str, str], rounds: int
) -> tuple[list[float], list[float], list[dict[str, Any]]]:
    """Make one call and one smoke run in turn, there and back; give the seconds of each, and the reports."""
    calls, runs, reports = list[float](), list[float](), list[dict[str, Any]]()
    for number in range(rounds):
        for what in ("call", "run") if number % 2 else ("run", "call"):
            started = time.perf_counter()
            if what == "call":
                subprocess.run([lkctl, "room", "list"], cwd=folder, env=environ, capture_output=True, check=True)
            else:
                reports.append(smoke(lkctl, folder, environ))
            (calls if what == "call" else runs).append(time.perf_counter() - started)
    return calls, runs, reports


def smoke(lkctl: str, folder: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """Run it, and give its report."""
    done = subprocess.run([lkctl, "smoke", "-o", "json"], cwd=folder, env=environ, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def tell(where: str, reports: Sequence[Mapping[str, Any]]) -> None:
    """Print the work beyond start-up, and that of each step."""
    work = [report["duration_ms"] / 1000 for report in reports]
    print(
        f"\n{where}: work beyond start-up {statistics.median(work):.2f} s, at most {max(work):.2f} s"
        f"   x {statistics.median(work) / GOAL:.2f} of the goal ({GOAL:g} s)"
    )
    steps = [one["id"] for one in reports[0]["results"] if one["area"] in {"api", "smoke"}]
    for step in steps:
        spent = [one["duration_ms"] for report in reports for one in report["results"] if one["id"] == step]
        print(f"  {step:<16} {statistics.median(spent):6.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
