"""Many rooms of a real server, each asked who is in it, beside a livekit.api program that does the same.

python tests/bench/fleet.py [rounds] [most rooms]     (default 15 rounds, 5000 rooms: two minutes on a quiet machine)

Whole processes, spawned in turn A B … B A; medians, and medians of the ratios of each round. The peer is written as
its documentation has it: one LiveKitAPI, 32 calls at once. The server shares the machine with both.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Settings, environment_layer

MEASURED = 2000  # rooms, for the comparison
GROWTH = (100, 1000, 2000, 5000)
PEER_LISTS = """
import asyncio
from livekit import api

async def main():
    async with api.LiveKitAPI() as client:
        for room in (await client.room.list_rooms(api.ListRoomsRequest())).rooms:
            print(room.name, room.sid, room.num_participants, room.metadata, sep="\\t")

asyncio.run(main())
"""
PEER_ASKS = """
import asyncio
from livekit import api

async def main():
    async with api.LiveKitAPI() as client:
        rooms = (await client.room.list_rooms(api.ListRoomsRequest())).rooms
        gate = asyncio.Semaphore(32)

        async def ask(name):
            async with gate:
                return await client.room.list_participants(api.ListParticipantsRequest(room=name))

        found = await asyncio.gather(*(ask(room.name) for room in rooms))
        for room, answer in zip(rooms, found):
            agents = sum(one.kind == 4 for one in answer.participants)
            print(room.name, len(answer.participants) - agents, agents, sep="\\t")

asyncio.run(main())
"""


class Spent(NamedTuple):
    """What a process took: wall clock and processor in seconds, memory at its peak in MiB."""

    wall: float
    cpu: float
    memory: float


def main(rounds: int, most: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, LocalServer() as server:
        (Path(folder) / "lists.py").write_text(PEER_LISTS)
        (Path(folder) / "asks.py").write_text(PEER_ASKS)
        environ = {**os.environ, "HOME": folder, **server.environ}
        api = Api(Twirp(Settings((environment_layer(server.environ),)).target(), timeout=600))
        lkctl = str(Path(sys.executable).parent / "lkctl")
        grow(api, 0, 1)
        rows = {"livekit.api, list": [sys.executable, "lists.py"], "lkctl room list": [lkctl, "room", "list"]}
        report("1 room", measure(rows, folder, environ, rounds), "<= 0.33")
        made = 1
        for count in (count for count in GROWTH if count <= most):
            grow(api, made, count)
            made = count
            if count == MEASURED:
                rows = {
                    "livekit.api, 32 at once": [sys.executable, "asks.py"],
                    "lkctl room list --agents": [lkctl, "room", "list", "--agents"],
                    "lkctl agent resolve --all": [lkctl, "agent", "resolve", "--all"],
                }
                report(f"{count} rooms", measure(rows, folder, environ, rounds), "<= 0.45 for --agents")
            else:
                rows = {"lkctl room list --agents": [lkctl, "room", "list", "--agents", "--timeout", "2m"]}
                report(f"{count} rooms", measure(rows, folder, environ, max(3, rounds // 3)), "")


def grow(api: Api, made: int, count: int) -> None:
    """Create the rooms that are not there yet."""

    def create(number: int) -> None:
        metadata = f'{{"userId":"user_1704067200000_abc{number}"}}'
        api.create_room(RoomRequest(f"room-{number:05}", metadata=metadata, empty_timeout=86400))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(made, count)))


def measure(rows: dict[str, list[str]], folder: str, environ: dict[str, str], rounds: int) -> dict[str, list[Spent]]:
    """Run each row in each round, after one warm-up."""
    found: dict[str, list[Spent]] = {name: [] for name in rows}
    for number in range(rounds + 1):
        order = list(rows.items())
        for name, command in order if number % 2 else reversed(order):
            spent = run(command, folder, environ)
            if number:
                found[name].append(spent)
    return found


def run(command: list[str], folder: str, environ: dict[str, str]) -> Spent:
    """Run a command to its end; it must succeed."""
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, command
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def report(what: str, found: dict[str, list[Spent]], budget: str) -> None:
    """Print medians, and the ratio to the first row."""
    floor = next(iter(found.values()))
    print(f"\n{what:28} {'wall s':>8} {'cpu s':>8} {'MiB':>6} {'x first':>8}  {budget}")
    for name, spent in found.items():
        ratio = statistics.median(one.wall / other.wall for one, other in zip(spent, floor, strict=True))
        wall, cpu, memory = (statistics.median(values) for values in zip(*spent, strict=True))
        print(f"{name:28} {wall:8.3f} {cpu:8.3f} {memory:6.1f} {ratio:8.2f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15, int(sys.argv[2]) if len(sys.argv) > 2 else GROWTH[-1])
