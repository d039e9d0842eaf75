"""A livekit-server process on loopback, from its start to its end."""

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lkctl.errors import LkctlError
from lkctl.localserver.child import Child
from lkctl.localserver.config import HOST, configuration, insist_free, new_key, new_secret, server_environment
from lkctl.localserver.program import VERSION
from lkctl.localserver.ready import is_ready
from lkctl.localserver.supply import found
from lkctl.secret import Secret, scrub

_TRIES = 3
_SHOWN_LINES = 8
# It drains at the first signal (for ever while a participant is in); the second one ends it
_ENDING = ((signal.SIGTERM, 0.2), (signal.SIGTERM, 2.0))


class LocalServer:
    """A livekit-server on loopback only, with keys and ports of its own: `with LocalServer() as server: …`.

    `program` is the first one found when None (`livekit-server-missing` where there is none). `keys` maps API keys to
    secrets; a pair is made up without it, and the first pair is `key` and `secret`. `settings` is merged over the
    configuration, for example `{"room": {"auto_create": False}}`. `port` is a free one when None.
    It ends with `stop()`, and with this process, however that ends. Once stopped it may be started again.
    """

    def __init__(
        self,
        program: Path | None = None,
        *,
        keys: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        port: int | None = None,
        ready_within: float = 20.0,
    ) -> None:
        self.program = program or found(os.environ).path
        self.keys = {key: Secret(secret) for key, secret in (keys or {}).items()} or {new_key(): new_secret()}
        self.key, self.secret = next(iter(self.keys.items()))
        self._settings = settings or {}
        self._wanted_port = port
        self._ready_within = ready_within
        self._config: dict[str, Any] = {}
        self._child: Child | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<LocalServer {self.url if self._config else 'not started'}>"

    @property
    def port(self) -> int:
        """The port of signalling and API."""
        if not self._config:
            raise RuntimeError("the server was not started")
        return int(self._config["port"])

    @property
    def url(self) -> str:
        """The URL for clients and agents: `ws://127.0.0.1:PORT`."""
        return f"ws://{HOST}:{self.port}"

    @property
    def http_url(self) -> str:
        """The URL of the API: `http://127.0.0.1:PORT`."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process number; None unless it runs."""
        return self._child.pid if self._child is not None and self._child.status is None else None

    @property
    def environ(self) -> dict[str, str]:
        """What to put into a program's environment so that it uses this server; the secret is readable in it."""
        secret = self.secret.reveal()
        return {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.key, "LIVEKIT_API_SECRET": secret}

    def start(self) -> Self:
        """Start it and wait until it answers; raise `livekit-server-failed` with its own last lines."""
        for _ in range(_TRIES - 1):
            try:
                return self._start()
            except _PortTaken:
                continue
        return self._start()

    def stop(self) -> None:
        """End it: ask twice, since it waits for participants to leave, then kill it. It may have ended already."""
        child, self._child = self._child, None
        if child is not None:
            child.end(*_ENDING)

    def wait(self, seconds: float) -> bool:
        """Wait for its end for a while; tell whether it has ended by itself."""
        return self._child is None or self._child.wait(seconds)

    def log(self) -> list[str]:
        """Give the last lines that it wrote, as it wrote them."""
        return self._child.lines() if self._child is not None else []

    def failure(self, what: str) -> LkctlError:
        """Make the error that says what happened, with the server's last lines."""
        lines = last_words(self.log())
        kind = _PortTaken if "address already in use" in lines else LkctlError
        said = f":\n{lines}" if lines else ""
        return kind(
            "livekit-server-failed",
            f"{self.program} {what}{said}",
            hint=f"Run: lkctl server status. To build the program anew ({VERSION}): lkctl server install --force",
        )

    def _start(self) -> Self:
        if self._child is not None:
            raise RuntimeError("the server was started already")
        if self._wanted_port is not None:
            insist_free(self._wanted_port)
        self._config = configuration(self.keys, self._settings, self._wanted_port)
        try:
            self._child = self._run(server_environment(os.environ, self._config))
            self._await_ready(self._child)
        except BaseException:
            self.stop()
            raise
        return self

    def _run(self, env: Mapping[str, str]) -> Child:
        try:
            return Child([str(self.program)], env=env)
        except OSError as error:
            raise self.failure(f"cannot be run ({os.strerror(error.errno or 0)})") from None

    def _await_ready(self, child: Child) -> None:
        deadline = time.monotonic() + self._ready_within
        while not child.wait(0.02):
            if is_ready(self.port, self.key, self.secret):
                return
            if time.monotonic() > deadline:
                raise self.failure(f"did not answer on {self.http_url} within {self._ready_within:g} s")
        raise self.failure("ended before it was ready")  # its exit status says nothing: 0 even for fatal errors


class _PortTaken(LkctlError):
    """Somebody took a port between our look and the server's bind."""


def last_words(lines: Sequence[str]) -> str:
    """Give the last lines of a server's log for people, without stack traces and secrets."""
    spoken = [_spoken(line) for line in lines if line.strip()]
    return scrub("\n".join(f"  {line}" for line in spoken[-_SHOWN_LINES:]))


def _spoken(line: str) -> str:
    try:
        entry = json.loads(line)
        parts = (entry["level"], entry["msg"], entry.get("error"), entry.get("reason"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return line
    return ": ".join(str(part) for part in parts if part)
