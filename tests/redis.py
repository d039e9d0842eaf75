"""A Redis for tests, and the nodes that share it; all on loopback, on free ports, with nothing kept on disk."""

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lkctl.localserver.child import Child
from lkctl.localserver.config import HOST, free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.url import parse_url
from tests.harness import SECRETS, lacking

PROGRAM = "redis-server"
_READY_WITHIN = 10.0


class Redis:
    """A redis-server that can be stopped, started again on the same port (empty then), and frozen."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_tcp_port()
        self._words = [program, "--port", str(self.port), "--bind", HOST, "--dir", str(folder)]
        self._words += ["--save", "", "--appendonly", "no"]
        self._child: Child | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What a livekit-server is told to use it."""
        return {"redis": {"address": f"{HOST}:{self.port}"}}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._child = child = Child(self._words, env={"PATH": os.environ["PATH"]})
        end = time.monotonic() + _READY_WITHIN
        while not self._answers():
            assert not child.wait(0.02), child.lines()
            assert time.monotonic() < end, child.lines()

    def stop(self) -> None:
        """End it at once, as a crash does."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()

    def freeze(self) -> None:
        """Let it keep its connections and answer nothing; only `stop` helps then."""
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGSTOP)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), 1.0) as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@contextmanager
def running_redis() -> Iterator[Redis]:
    """Run a Redis; without the program the test is skipped, but fails in CI: there nobody would see that."""
    program = shutil.which(PROGRAM)
    if program is None:
        lacking(f"no {PROGRAM} on PATH (Debian: apt-get install --no-install-recommends {PROGRAM})")
    with tempfile.TemporaryDirectory(prefix="lkctl-redis-") as folder:
        redis = Redis(program, Path(folder))
        try:
            redis.start()
            yield redis
        finally:
            redis.stop()


def api_of(server: LocalServer, timeout: float = 10.0) -> Api:
    """Give the API of a server, with the time limit that commands have by themselves."""
    SECRETS.add(server.secret.reveal())
    return Api(Twirp(Target(parse_url(server.url), Credentials(server.key, server.secret)), timeout=timeout))


def kill(server: LocalServer) -> None:
    """End a server as a crash does: nobody is told."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert server.wait(5)


def eventually(look: Callable[[], Any], *, within: float = 15.0) -> Any:
    """Look until there is something true; give it."""
    end = time.monotonic() + within
    while not (seen := look()):
        assert time.monotonic() < end, f"still {seen!r}"
        time.sleep(0.1)
    return seen


def node(program: Path, redis: Redis, keys: Mapping[str, str]) -> LocalServer:
    """Make a server that shares what is in this Redis; nodes need the same keys."""
    return LocalServer(program, keys=keys, settings=redis.settings)
