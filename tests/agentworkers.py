"""Real workers of livekit-agents for tests: the bundled one and any script, with all that they write, byte by byte.

with agent_worker(server, "helper", env={"CHROME_USER_ID": ID}) as helper:
    ...dispatch helper into a room...
    told = helper.told(room)  # the lines for people and the result
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, NamedTuple

from lkctl.localserver.process import LocalServer
from tests.guests import SCRIPT

BUNDLED = ("-m", "lkctl.agents.worker")
RESULT = b"LKCTL_RESULT "


class Told(NamedTuple):
    """What the bundled worker wrote about one room: the lines before the result, and the result."""

    lines: list[bytes]
    result: dict[str, Any]


class AgentWorker:
    """A worker that runs; `lines` holds its stdout up to now, each with its end of line."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.lines: list[bytes] = []
        self.complaints: list[bytes] = []
        for stream, kept in ((process.stdout, self.lines), (process.stderr, self.complaints)):
            assert stream is not None
            threading.Thread(target=self._listen, args=(stream, kept), daemon=True).start()

    def await_line(self, wanted: Callable[[bytes], bool], timeout: float = 30) -> int:
        """Wait for a line on stdout and give its number; AssertionError with the last lines if it does not come."""
        end = time.monotonic() + timeout
        at = 0
        while True:
            while at < len(self.lines):
                if wanted(self.lines[at]):
                    return at
                at += 1
            left = end - time.monotonic()
            assert left > 0, (self.lines[-5:], self.complaints[-5:])
            time.sleep(min(0.05, left))

    def await_message(self, text: str, timeout: float = 30) -> dict[str, Any]:
        """Wait for a line of livekit-agents' own log and give it."""
        at = self.await_line(lambda line: line.startswith(b"{") and json.loads(line)["message"] == text, timeout)
        return dict(json.loads(self.lines[at]))

    def told(self, room: str, timeout: float = 30) -> Told:
        """Wait for the result about a room."""
        at = self.await_line(lambda line: line.startswith(RESULT) and _result(line)["room"] == room, timeout)
        first = at
        while first > 0 and not self.lines[first - 1].startswith((b"{", RESULT)):
            first -= 1
        return Told(self.lines[first:at], _result(self.lines[at]))

    def end(self, seconds: float = 10) -> int:
        """Send SIGTERM and give the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def _listen(self, stream: IO[bytes], kept: list[bytes]) -> None:
        with stream:
            kept.extend(stream)


@contextmanager
def agent_worker(
    server: LocalServer, agent_name: str, command: Sequence[str] = BUNDLED, *, env: Mapping[str, str] | None = None
) -> Iterator[AgentWorker]:
    """Have a worker that is registered under this name for the time of the `with`; its jobs die with it."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEKIT_", "LKCTL_", "CHROME_"))}
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=SCRIPT.parents[1],
        env={**mine, **server.environ, "LIVEKIT_AGENT_NAME_OVERRIDE": agent_name, **(env or {})},
    )
    try:
        worker = AgentWorker(process)
        worker.await_line(lambda line: b"registered worker" in line)
        yield worker
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def _result(line: bytes) -> dict[str, Any]:
    return dict(json.loads(line.removeprefix(RESULT)))
