"""Real participants for tests: each a child process that joins through LiveKit's SDK and does what it is told.

with guest(server, "alice", room, grants={"hidden": True}) as alice:
    sid = alice.do("publish", source="microphone", name="mic")
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lkctl.localserver.process import LocalServer
from lkctl.settings.shape import Pair
from lkctl.tokens.minting import TokenRequest, mint

SCRIPT = Path(__file__).with_name("guest.py")


class Guest:
    """One participant; `events` holds what happened to it, as {"event": EVENT, …}.

    EVENT is `disconnected`, `metadata` (of the room), `muted` or `unmuted` (a track of anybody's, its own too),
    `subscribed` or `data`.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def do(self, what: str, **arguments: Any) -> Any:
        """Have it do something (the methods of tests/guest.py); give the result, raise RuntimeError for a failure."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        answer = self._answers.get(timeout=30)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["done"]

    def await_event(self, event: str, timeout: float = 10) -> dict[str, Any]:
        """Wait for the next event of this name and give it; earlier ones of other names are dropped."""
        end = time.monotonic() + timeout
        while (found := self.events.get(timeout=max(0.01, end - time.monotonic())))["event"] != event:
            pass
        return found

    def end(self) -> None:
        """Leave the room properly."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it as a crash does: it stays in the room until the server misses it."""
        self._process.kill()
        self._process.wait(5)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                message = json.loads(line)
                (self.events if "event" in message else self._answers).put(message)


def start(*arguments: str) -> "subprocess.Popen[str]":
    """Start Python on a script that is told what to do line by line."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        cwd=SCRIPT.parents[1],
    )


@contextmanager
def guest(
    server: LocalServer,
    identity: str,
    room: str,
    *,
    kind: str | None = None,
    metadata: str | None = None,
    attributes: Mapping[str, str] | None = None,
    grants: Mapping[str, Any] | None = None,
    name: str | None = None,
) -> Iterator[Guest]:
    """Be in a room for the time of the `with`; `kind` agent joins as an agent."""
    pair = Pair("test", server.key, server.secret.reveal())
    request = TokenRequest(
        identity=identity, room=room, kind=kind, metadata=metadata, attributes=attributes or {},
        grants=grants or {}, name=name,
    )  # fmt: skip
    token = mint(request, pair, now=time.time(), entropy=os.urandom, force=True).token
    one = Guest(start(str(SCRIPT)))
    try:
        one.do("join", url=server.url, token=token)
        yield one
    finally:
        one.end()
