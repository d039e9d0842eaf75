"""The machine of the cases is cut off from all others: else they would ask resolvers, and depend on what answers."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes import reply, serving
from tests.lab.bench import Bench

_CONNECT = "import socket; socket.create_connection(({host!r}, {port}), 5).close(); print('connected')"
OUTSIDE = {
    "a name of the internet": ("livekit.io", 443, "Name or service not known"),
    "an address of the internet": ("203.0.113.7", 7880, "Network is unreachable"),
    "a port where something of this machine's may listen": ("127.0.0.1", 7880, "Connection refused"),
}


def tried(bench: Bench, program: str) -> str:
    """Run Python on the machine of a case; give what it says in the end."""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=bench.environ, timeout=20, check=False
    )
    return (ended.stdout + ended.stderr).decode().splitlines()[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A case's place; no server runs in it."""
    return Bench(tmp_path / "bench", Path("no-server"), ExitStack())


@pytest.mark.parametrize(("host", "port", "why"), OUTSIDE.values(), ids=OUTSIDE.keys())
def test_nothing_beyond_answers(host: str, port: int, why: str, bench: Bench) -> None:
    """No packet leaves the machine."""
    assert why in tried(bench, _CONNECT.format(host=host, port=port))


def test_names_and_ports_of_the_case(bench: Bench) -> None:
    """A name leads to this machine, and a port to the one behind it."""
    with serving(reply("200 OK")) as port:
        bench.names |= {"livekit.lkctl-lab.net": "127.0.0.3", "127.0.0.3:443": f"127.0.0.1:{port}"}
        assert tried(bench, _CONNECT.format(host="livekit.lkctl-lab.net", port=443)) == "connected"


def test_clock_of_the_case(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes ahead; and nothing of this process's settings is there."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:1")
    bench.clock = 3600
    said = tried(
        bench, "import os, time; print(round(time.time() - time.clock_gettime(0)), 'LIVEKIT_URL' in os.environ)"
    )
    assert said == "3600 False"
