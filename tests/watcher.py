"""`lkctl room watch` and `room wait` as processes of their own, while something happens."""

import json
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.url import parse_url
from tests.harness import SECRETS, Done, command, environment, remembered


class Running:
    """A process of lkctl; `lines` are those of its stdout as they come, `remarks` of its stderr, None at the end."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.process = subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.remarks: queue.Queue[str | None] = queue.Queue()
        self.printed: list[str] = []
        self.remarked: list[str] = []
        for stream, texts, told in (
            (self.process.stdout, self.printed, self.lines),
            (self.process.stderr, self.remarked, self.remarks),
        ):
            assert stream is not None
            threading.Thread(target=_read, args=(stream, texts, told), daemon=True).start()

    def await_event(self, event: str, timeout: float = 20, **fields: Any) -> dict[str, Any]:
        """Give the next JSON line with this event and these fields; those before it are dropped."""
        end = time.monotonic() + timeout
        while True:
            line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
            assert line is not None, f"it ended before {event} came"
            found: dict[str, Any] = json.loads(line)
            if found["event"] == event and fields.items() <= found.items():
                return found

    def await_look(self, call: str = "ListRooms", timeout: float = 20) -> "Running":
        """Wait until a call was answered that had not been before; it must run with --debug."""
        end = time.monotonic() + timeout
        while True:
            line = self.remarks.get(timeout=max(0.01, end - time.monotonic()))
            assert line is not None, f"it ended before {call} was answered"
            if f"{call} -> 200" in line:
                return self

    def end(self, number: signal.Signals | None = None, timeout: float = 20) -> Done:
        """Wait for its end, or ask for it."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(timeout)
        for told in (self.lines, self.remarks):
            while told.get(timeout=5) is not None:
                pass
        return remembered(self.arguments, Done(code, "".join(self.printed), "".join(self.remarked)))


def _read(stream: IO[str], texts: list[str], told: "queue.Queue[str | None]") -> None:
    with stream:
        for line in stream:
            texts.append(line)
            told.put(line)
    told.put(None)


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    """Run lkctl beside the test, and end it with the test."""
    run = Running(*arguments)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()


@contextmanager
def watching(*arguments: str) -> Iterator[Running]:
    """Watch, and go on once the snapshot is there."""
    with running("room", "watch", *arguments) as run:
        run.await_event("snapshot")
        yield run


def api_of(server: LocalServer) -> Api:
    """Give the API of a server, for all calls of a test."""
    return Api(Twirp(Target(parse_url(server.url), Credentials(server.key, server.secret)), timeout=100))


def use(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """Configure a server of the test's own."""
    SECRETS.add(server.secret.reveal())
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    return server


def code_of(done: Done) -> tuple[int, str]:
    """Give exit code and error code, under -o json."""
    return done.code, json.loads(done.err.splitlines()[-1])["error"]["code"]
