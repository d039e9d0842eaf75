"""Many tokens, and the start-up for one, beside what livekit-api and the smallest Typer app need in the same run.

python tests/bench/tokens.py [rows] [rounds]     (default 20000 rows, 5 rounds: two minutes on a quiet machine)

Whole processes, spawned in turn A B C … C B A …; medians, and medians of the ratios of each round. The peers read and
write what lkctl reads and writes: JSON lines in, JSON lines out. lkctl judges every token by its rules as well.
"""

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

KEY, SECRET = "APIabcdefghijkl", "x" * 43
STARTS = 15  # rounds for what takes a moment only
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
PEER_MINTS = """
import json, os, sys
from datetime import timedelta
from livekit.api import AccessToken, VideoGrants
key, secret = os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"]
for line in open(sys.argv[1]):
    row = json.loads(line)
    token = (
        AccessToken(key, secret)
        .with_identity(row["identity"])
        .with_name(row["name"])
        .with_metadata(row["metadata"])
        .with_ttl(timedelta(hours=6))
        .with_grants(VideoGrants(room_join=True, room=row["room"]))
        .to_jwt()
    )
    sys.stdout.write(json.dumps({"identity": row["identity"], "room": row["room"], "token": token}) + "\\n")
"""
PEER_VERIFIES = """
import json, os, sys
from livekit.api import TokenVerifier
verifier = TokenVerifier(os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])
for line in open(sys.argv[1]):
    claims = verifier.verify(line.strip())
    sys.stdout.write(json.dumps({"identity": claims.identity, "room": claims.video.room, "valid": True}) + "\\n")
"""


class Spent(NamedTuple):
    """What one run took: seconds on the clock and of the processor, and the most memory in MiB."""

    wall: float
    cpu: float
    memory: float


def main(rows: int, rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, rows)
        lkctl, python = [str(Path(sys.executable).parent / "lkctl"), "token"], [sys.executable]
        bulk = [*lkctl, "mint", "--from", "rows.jsonl", "-o", "jsonl"]
        minted = {
            "livekit.api AccessToken loop": [*python, "mints.py", "rows.jsonl"],
            "lkctl token mint --from": bulk,
            "lkctl token mint --from --jobs 2": [*bulk, "--jobs", "2"],
            "lkctl, CSV in, bare tokens out": [*lkctl, "mint", "--from", "rows.csv"],
        }
        decoded = {
            "livekit.api TokenVerifier loop": [*python, "verifies.py", "tokens.txt"],
            "lkctl token decode -o jsonl": [*lkctl, "decode", "@tokens.txt", "-o", "jsonl"],
        }
        one = ["--user-id", "user_1704067200000_abc123"]
        with (folder / "tokens.txt").open() as tokens:
            token = tokens.readline().strip()
        started = {
            "smallest Typer app": [*python, "smallest.py"],
            "lkctl token mint": [*lkctl, "mint", *one],
            "lkctl token decode": [*lkctl, "decode", token],
        }
        report(f"mint {rows:,} tokens", measure(minted, folder, rounds), "budget: 6 times as fast")
        report(f"read {rows:,} tokens", measure(decoded, folder, rounds), "")
        report("one token", measure(started, folder, max(rounds, STARTS)), "budget of mint: 1.20 times as long")


def prepare(folder: Path, rows: int) -> None:
    """Write what is read: the rows in both forms, tokens of them, the peers."""
    for name, text in (("smallest", SMALLEST), ("mints", PEER_MINTS), ("verifies", PEER_VERIFIES)):
        (folder / f"{name}.py").write_text(text)
    with (folder / "rows.jsonl").open("w") as lines, (folder / "rows.csv").open("w") as table:
        cells = csv.writer(table)
        cells.writerow(["identity", "room", "name", "metadata"])
        for number in range(rows):
            identity, room, name = f"user-{number:06}", f"room-{number % 500:03}", f"User {number}"
            metadata = json.dumps({"userId": f"user_{1704067200000 + number}_abc{number}", "plan": "pro"})
            row = {"identity": identity, "room": room, "name": name, "metadata": metadata}
            lines.write(json.dumps(row) + "\n")
            cells.writerow([identity, room, name, metadata])
    with (folder / "tokens.txt").open("w") as tokens:
        subprocess.run(
            [sys.executable, "-m", "lkctl", "token", "mint", "--from", "rows.jsonl"],
            cwd=folder, env=environment(folder), stdout=tokens, check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def environment(folder: Path) -> dict[str, str]:
    """Give an environment with a pair and nothing of the user's."""
    return {**os.environ, "HOME": str(folder), "LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}


def measure(commands: dict[str, list[str]], folder: Path, rounds: int) -> dict[str, list[Spent]]:
    """Give what each command took in each round, after one warm-up."""
    spent: dict[str, list[Spent]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        order = list(commands.items())
        for name, command in order if number % 2 else reversed(order):
            took = run(command, folder)
            if number:
                spent[name].append(took)
    return spent


def run(command: list[str], folder: Path) -> Spent:
    """Run one command to its end; its own children are counted in, their memory as the most of one process."""
    begun = time.perf_counter()
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment(folder), stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:100]} ended with {process.returncode}")
    return Spent(time.perf_counter() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def report(title: str, spent: dict[str, list[Spent]], budget: str) -> None:
    """Print medians, and how much faster or slower than the first row it is."""
    first = next(iter(spent.values()))
    print(f"\n{title:34} {'median s':>9} {'cpu s':>7} {'MiB':>6} {'x as fast':>10} {'x as long':>10}  {budget}")
    for name, runs in spent.items():
        walls = [run.wall for run in runs]
        faster = statistics.median(one.wall / other.wall for one, other in zip(first, runs, strict=True))
        cpu, memory = statistics.median(run.cpu for run in runs), max(run.memory for run in runs)
        print(f"{name:34} {statistics.median(walls):9.3f} {cpu:7.2f} {memory:6.0f} {faster:10.2f} {1 / faster:10.2f}")


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(given[0] if given else 20_000, given[1] if len(given) > 1 else 5)
