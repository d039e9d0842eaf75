"""Where a case is set up: an empty folder, an environment, servers on loopback; all of it is gone at the end."""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

from lkctl.localserver.config import HOST
from lkctl.localserver.process import LocalServer
from lkctl.tokens.signer import sign
from tests.harness import SECRETS

T = TypeVar("T")
MACHINE = Path(__file__).with_name("machine")
_OURS = ("LIVEKIT_", "LKCTL_", "LAB_", "CHROME_USER_ID", "NO_COLOR", "COLUMNS", "SSL_CERT")
_SHORTEST = 12
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class Bench:
    """One case's place. Its parts are started with `start`, and end with it."""

    def __init__(self, folder: Path, program: Path, running: ExitStack) -> None:
        self.folder = folder / "project"
        self.folder.mkdir(parents=True)
        self.home = folder / "home"
        self.home.mkdir()
        self.program = program
        self.secrets: set[str] = set()
        self.names: dict[str, str] = {}  # host names of this machine, see machine/sitecustomize.py
        self.clock = 0  # seconds by which it is ahead
        self.variables: dict[str, str] = {}
        self._running = running

    def start(self, part: AbstractContextManager[T]) -> T:
        """Start a part that ends with the case."""
        return self._running.enter_context(part)

    def at_end(self, undo: Callable[[], object]) -> None:
        """Do this when the case is over."""
        self._running.callback(undo)

    def livekit(self, keys: Mapping[str, str] | None = None, **settings: Any) -> LocalServer:
        """Start a real server, with these keys, and these settings merged over its configuration."""
        server = self.start(LocalServer(self.program, keys=keys, settings=settings))
        for secret in server.keys.values():
            self.hide(secret.reveal())
        return server

    def configured(self, keys: Mapping[str, str] | None = None, **settings: Any) -> LocalServer:
        """Start a real server, and configure it in `.env`."""
        server = self.livekit(keys, **settings)
        self.env(server.url, server.key, server.secret.reveal())
        return server

    def env(self, url: str, key: str, secret: str, *, name: str = ".env") -> None:
        """Write an env file with these three, as they are given."""
        self.hide(secret)
        self.write(name, f"LIVEKIT_URL={url}\nLIVEKIT_API_KEY={key}\nLIVEKIT_API_SECRET={secret}\n")

    def write(self, name: str, text: str) -> Path:
        """Write a file that only its owner can read into the folder of the case."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def token(self, server: LocalServer, *, secret: str | None = None, **claims: Any) -> list[str]:
        """Sign these claims over those of an ordinary token (None takes one away); give the options that judge it."""
        self.write("token.jwt", self.signed(server, secret=secret, **claims))
        return ["--token", "@token.jwt"]

    def signed(self, server: LocalServer, *, secret: str | None = None, **claims: Any) -> str:
        """Sign these claims over those of an ordinary token; None takes one away."""
        now = int(time.time())
        usual = {
            "iss": server.key,
            "sub": "alice",
            "nbf": now - 5,
            "exp": now + 3600,
            "video": {"roomJoin": True, "room": "demo"},
        }
        kept = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        return sign(kept, secret or server.secret.reveal())

    def hide(self, *secrets: str) -> None:
        """Let no output hold this; short ones are words, such as the secret of `livekit-server --dev`."""
        hidden = {secret for secret in secrets if len(secret) >= _SHORTEST}
        self.secrets |= hidden
        SECRETS.update(hidden)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the case: this process's, without settings of its own."""
        ours = {name: value for name, value in os.environ.items() if not name.upper().startswith(_OURS)}
        kept = {name: value for name, value in ours.items() if name.lower() not in _PROXIES}
        case = {"HOME": str(self.home), "PYTHONPATH": str(MACHINE), "LAB_NAMES": json.dumps(self.names)}
        return {**kept, **case, "LAB_CLOCK": str(self.clock), **self.variables}


def address(port: int) -> str:
    """Give a port's URL for clients."""
    return f"ws://{HOST}:{port}"
