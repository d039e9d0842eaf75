"""Media as a client has it, tried by LiveKit's own SDK in a child process (extra `rtc`; server/mediaguest.py)."""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, NamedTuple

from lkctl.secret import printable, scrub
from lkctl.settings.url import ServerUrl

_LEAVE = 1.0  # seconds until a child that does not leave is ended
_MOST_LINE = 64 * 1024
_MOST_SAID = 300
STEPS = ("connect", "publish", "reconnect", "relay")


class Step(NamedTuple):
    """How a step went: its seconds, and why it failed, "" where it did not.

    `frames`: of audio that came, the first `after` so many seconds; `path`: the pair of candidates in use, each as
    {"address", "port", "protocol", "kind"} under `here` and `there`, with the round trip `rtt` in seconds.
    """

    seconds: float = 0.0
    error: str = ""
    frames: int = 0
    after: float = 0.0
    path: Mapping[str, Any] = {}


class MediaTrial:
    """A child process that takes the steps; which it takes depends on the tokens that are not ""."""

    def __init__(self, url: ServerUrl, *, limit: float) -> None:
        self._url = url
        self._limit = limit  # seconds for each step
        self._steps: dict[str, Future[Step]] = {name: Future() for name in STEPS}
        self._ended = threading.Event()
        self._child: subprocess.Popen[str] | None = None

    def start(self, *, first: str, second: str = "", relayed: str = "") -> None:
        """Start it, with a token for who publishes, one for who listens, and one for who joins by a relay."""
        self._child = child = subprocess.Popen(
            [sys.executable, "-P", "-m", "lkctl.server.mediaguest"],  # -P: no module of the folder one is in
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # the SDK prints the token there
            text=True,
            start_new_session=True,  # ^C is for us; we tell the child
        )
        order = {"url": self._url.websocket, "first": first, "second": second, "relayed": relayed}
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.write(json.dumps({**order, "limit": self._limit}) + "\n")
                child.stdin.flush()
        threading.Thread(target=self._listen, args=(child,), daemon=True).start()

    def step(self, name: str, seconds: float) -> Step | None:
        """Wait for a step and give how it went; None where it was not taken, or the time is up."""
        try:
            return self._steps[name].result(seconds)
        except (TimeoutError, LookupError):
            return None

    def wait(self, seconds: float) -> None:
        """Wait until the child has ended, for so long at most."""
        self._ended.wait(seconds)

    def end(self) -> None:
        """End it: it leaves the rooms, or is killed."""
        child = self._child
        if child is None:
            return
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()
        try:
            child.wait(_LEAVE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(_LEAVE)

    def _listen(self, child: "subprocess.Popen[str]") -> None:
        try:
            with suppress(OSError, ValueError):
                self._read(child)
        finally:
            for step in self._steps.values():
                if not step.done():
                    step.set_exception(LookupError())
            self._ended.set()

    def _read(self, child: "subprocess.Popen[str]") -> None:
        if child.stdout is None:
            return
        with child.stdout as lines:
            while line := lines.readline(_MOST_LINE):
                with suppress(ValueError, KeyError, TypeError):  # who else may write there is not known
                    self._note(json.loads(line))

    def _note(self, said: Mapping[str, Any]) -> None:
        error = printable(scrub(str(said.get("error", ""))))[:_MOST_SAID]
        step = Step(
            float(said["seconds"]), error, int(said.get("frames", 0)), float(said.get("after", 0)), said.get("path", {})
        )
        future = self._steps[str(said["step"])]
        if not future.done():
            future.set_result(step)
