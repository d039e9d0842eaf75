"""A server that is restarted, killed or stopped in the middle of commands: each ends in time, with a true code."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from tests.guests import guest
from tests.harness import SECRETS, Done, freeze, invoke
from tests.redis import kill

pytestmark = pytest.mark.live
LIMIT = 15  # seconds: the commands' own limit, and what a busy machine adds
COMMANDS = [["room", "list"], ["room", "inspect", "r"], ["participant", "list", "r"], ["room", "create", "r"]]
GONE = {"net-refused", "net-failed", "http-malformed"}  # http-malformed: an answer that was cut short
Start = Callable[..., LocalServer]


@pytest.fixture
def server(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """A server that comes back on the same port; its rooms do not."""
    server = start_livekit_server(port=free_tcp_port())
    SECRETS.add(server.secret.reveal())
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    return server


def timed(*arguments: str) -> Done:
    """Run a command that must not hang."""
    started = time.monotonic()
    done = invoke(*arguments, "-o", "json")
    assert time.monotonic() - started < LIMIT, arguments
    return done


def code_of(done: Done) -> str:
    """Give the error code, or "none"."""
    return str(json.loads(done.err)["error"]["code"]) if done.code else "none"


@pytest.mark.parametrize("end", [pytest.param(LocalServer.stop, id="SIGTERM"), pytest.param(kill, id="SIGKILL")])
def test_a_restart_amid_commands(end: Callable[[LocalServer], None], server: LocalServer) -> None:
    """They succeed, say that nobody is there, or that the room is gone with the old server; then all is well again."""
    noticed = threading.Event()

    def restart() -> None:
        end(server)
        server.stop()
        noticed.wait(60)
        server.start()

    assert timed("room", "create", "r").code == 0
    with ThreadPoolExecutor(1) as pool:
        restarting = pool.submit(restart)
        seen = []
        while not restarting.done():
            for command in COMMANDS:
                done = timed(*command)
                seen.append((done.code, code_of(done)))
                if code_of(done) == "net-refused":
                    noticed.set()
        restarting.result()
    assert (5, "net-refused") in seen
    assert set(seen) <= {(0, "none"), (3, "room-missing"), *((5, code) for code in GONE)}
    assert timed("room", "create", "r").code == 0
    assert [timed(*command).code for command in COMMANDS] == [0, 0, 0, 0]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_killed_before_it_answered(command: list[str], server: LocalServer) -> None:
    """The connection is there, and then nobody: said at once, not at the end of the time limit."""
    assert server.pid is not None
    freeze(server.pid)
    killing = threading.Timer(0.5, kill, [server])
    killing.start()
    try:
        done = timed(*command, "--timeout", "60")
    finally:
        killing.join()
    assert (done.code, code_of(done), done.out) == (5, "net-failed", "")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_server_that_stands_still(command: list[str], server: LocalServer) -> None:
    """The time limit holds; when it goes on, so do we."""
    assert server.pid is not None
    freeze(server.pid)
    try:
        done = timed(*command, "--timeout", "1")
        assert (done.code, code_of(done), done.out) == (5, "net-timeout", "")
    finally:
        os.kill(server.pid, signal.SIGCONT)
    assert timed("room", "list").code == 0


def test_a_server_that_drains(server: LocalServer) -> None:
    """After SIGTERM it waits for those who are in, and answers as before until the last of them has left."""
    assert server.pid is not None
    with guest(server, "alice", "r"):
        os.kill(server.pid, signal.SIGTERM)
        assert not server.wait(1)
        assert [timed(*command).code for command in COMMANDS] == [0, 0, 0, 0]
    assert server.wait(10)
    assert [code_of(timed(*command)) for command in COMMANDS] == ["net-refused"] * len(COMMANDS)
