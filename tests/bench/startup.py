"""How long the offline commands take, as ratios to what the same interpreter needs anyhow.

python tests/bench/startup.py [rounds]     (default 15; run it on a quiet machine)

Whole processes, spawned in turn A B C … C B A …; the ratio is the median of the ratios of each round.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lkctl.tokens.signer import sign

SMALLEST = """
import os, sys, typer
app = typer.Typer(add_completion=False)
@app.command()
def main(name: str = typer.Option("x", "--name")) -> None:
    sys.stdout.write(name)
    sys.stdout.flush()
    os._exit(0)
app()
"""
TOKEN = sign(
    {"iss": "APIabcdefghijkl", "sub": "user_1704067200000_abc123", "exp": int(time.time()) + 3600,
     "video": {"roomJoin": True, "room": "demo"}, "metadata": '{"userId":"user_1704067200000_abc123"}'},
    "x" * 43,
)  # fmt: skip
RESOLVE = ["agent", "resolve", "--snapshot", "snapshot.json"]


def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "smallest.py").write_text(SMALLEST)
        (Path(folder) / "snapshot.json").write_text('{"room": {"name": "mcp-chrome-user-user_1704067200000_abc123"}}')
        lkctl = [str(Path(sys.executable).parent / "lkctl")]
        rows = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "smallest Typer app": [sys.executable, "smallest.py"],
            "lkctl --version": [*lkctl, "--version"],
            "lkctl --help": [*lkctl, "--help"],
            "lkctl token mint": [*lkctl, "token", "mint", "--user-id", "user_1704067200000_abc123"],
            "lkctl token mint --nonsense": [*lkctl, "token", "mint", "--nonsense"],
            "lkctl token decode": [*lkctl, "token", "decode", TOKEN],
            "lkctl env show": [*lkctl, "env", "show"],
            "lkctl agent resolve (file)": [*lkctl, *RESOLVE],
        }
        times = measure(rows, folder, rounds)
    report(times, budgets={"lkctl --version": (0, 1.25), "lkctl token mint": (1, 1.20)})


def measure(rows: dict[str, list[str]], folder: str, rounds: int) -> dict[str, list[float]]:
    """Give the wall seconds of each row in each round, after one warm-up."""
    environment = {**os.environ, "HOME": folder, "LIVEKIT_API_KEY": "APIabcdefghijkl", "LIVEKIT_API_SECRET": "x" * 43}
    times: dict[str, list[float]] = {name: [] for name in rows}
    for number in range(rounds + 1):
        order = list(rows.items())
        for name, command in order if number % 2 else reversed(order):
            started = time.perf_counter()
            subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
            if number:
                times[name].append(time.perf_counter() - started)
    return times


def report(times: dict[str, list[float]], budgets: dict[str, tuple[int, float]]) -> None:
    """Print medians and ratios, and the budget where there is one."""
    floors = list(times.values())[:2]
    print(f"{'command':32} {'median ms':>9} {'x python':>9} {'x typer':>9}  budget")
    for name, spent in times.items():
        ratios = [statistics.median(a / b for a, b in zip(spent, floor, strict=True)) for floor in floors]
        budget = budgets.get(name)
        words = "" if budget is None else f"<= {budget[1]} x {('python', 'typer')[budget[0]]}"
        print(f"{name:32} {statistics.median(spent) * 1000:9.1f} {ratios[0]:9.2f} {ratios[1]:9.2f}  {words}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
