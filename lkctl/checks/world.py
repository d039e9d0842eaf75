"""The facts that checks judge, collected once and handed in."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lkctl.checks.leftovers import Leftovers
from lkctl.checks.result import NotApplicable
from lkctl.convention import METADATA_KEY, metadata_text
from lkctl.errors import LkctlError
from lkctl.files.compose import Declared
from lkctl.files.container import in_container, listening_ports
from lkctl.files.envfile import EnvFile
from lkctl.files.folder import Surroundings, look_around
from lkctl.secret import remember
from lkctl.settings.layers import SECRET, URL, Settings, environment_layer
from lkctl.settings.url import ServerUrl, parse_url, without_login

if TYPE_CHECKING:
    from lkctl.files.expectfile import Expectations

_UNREADABLE = {"file-unreadable", "input-encoding", "input-too-large"}


T = TypeVar("T")


class Smoke(NamedTuple):
    """What a smoke run makes on the server: a room whose name begins so, for this user ID. `now_ms`: when."""

    user_id: str
    room_prefix: str
    now_ms: int

    def new_room(self) -> str:
        """Name a room that nobody else has."""
        return f"{self.room_prefix}{secrets.token_hex(8)}"

    def metadata(self) -> dict[str, object]:
        """Give the metadata of its rooms."""
        return {METADATA_KEY: self.user_id, "createdBy": "lkctl smoke", "timestamp": self.now_ms}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a run was asked to judge beyond the deployment itself; the names are those that checks give as `scope`."""

    room: str = ""
    token: str = ""  # a JWT; it never shows
    token_endpoint: str = ""
    agent: str | None = None  # the agent's name; "" is the worker without a name
    worker: str = ""  # the worker's own HTTP address
    probe: bool = False  # a real job in a throw-away room
    media: bool = False
    join_with_token: bool = False
    source: Path | None = None
    expect: "Expectations | None" = None
    smoke: Smoke | None = None  # the whole way, once

    @property
    def room_metadata(self) -> str | None:
        """Give the metadata that every room gets that is made; None: none."""
        return None if self.smoke is None else metadata_text(self.smoke.metadata())

    def asks(self, name: str) -> bool:
        """Tell whether checks of this scope are to run; "" are those of every run. An agent may have the name ""."""
        return not name or (self.agent is not None if name == "agent" else bool(getattr(self, name)))


NO_SCOPE = Scope()


class Memory:
    """What was seen once in this run and is judged by several checks: each thing is fetched once, for all of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, Future[Any]] = {}

    def once(self, name: str, look: Callable[[], T]) -> T:
        """Give what `look` gave, or raise what it raised, when it was first called under this name."""
        with self._lock:
            seen = self._seen.get(name)
            first = seen is None
            if seen is None:
                seen = self._seen[name] = Future()
        if first:
            try:
                seen.set_result(look())
            except BaseException as error:  # noqa: BLE001  (it is raised to each who asks)
                seen.set_exception(error)
        result: T = seen.result()
        return result

    def close(self) -> None:
        """Let go of what the run has opened; what was seen can still be told.

        A kept exception holds frames, and these the memory: left to the garbage collector, connections would stay open.
        """
        with self._lock:
            failures = [one.exception() for one in self._seen.values() if one.done()]
        for failure in failures:
            if failure is not None:
                failure.__traceback__ = None
        for one in self.seen().values():
            if hasattr(one, "close"):
                one.close()

    def seen(self) -> dict[str, Any]:
        """Give what was seen so far, without what could not be."""
        with self._lock:
            done = {name: one for name, one in self._seen.items() if one.done() and one.exception() is None}
        return {name: one.result() for name, one in done.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is known before anything is judged. `project` is the stored project that is judged, or ""."""

    settings: Settings
    environ: Mapping[str, str]
    folder: Path
    project: str
    env_files: tuple[EnvFile, ...]  # those in force, highest first
    unreadable: LkctlError | None  # why the env files are not in the settings
    surroundings: Surroundings
    in_container: bool
    timeout: float  # seconds for the whole run
    taken_ports: Callable[..., frozenset[int] | None] = listening_ports  # of this machine
    scope: Scope = NO_SCOPE
    memory: Memory = field(default_factory=Memory)
    leftovers: Leftovers = field(default_factory=Leftovers)  # whoever makes something on the server: leftovers.undone
    began: float = field(default_factory=time.monotonic)

    def listens(self, port: int) -> bool | None:
        """Tell whether something listens on a TCP port of this machine; None where that cannot be told."""
        found = self.memory.once(f"listening {port}", lambda: self.taken_ports(until=port))
        return None if found is None else port in found

    @property
    def patience(self) -> float:
        """Seconds for one exchange, so that a check says what it waited for before the engine gives it up."""
        return self.timeout * 0.9

    @property
    def left(self) -> float:
        """Seconds left of the whole run, less what it takes to say that they were not enough; never below 0.1."""
        return max(0.1, self.began + self.timeout - time.monotonic() - 0.2)

    def value(self, name: str) -> str:
        """Give the value in force without blanks around it; "" when there is none. A URL comes without its login."""
        setting = self.settings.setting(name)
        text = setting.text.strip() if setting is not None else ""
        return without_login(text) if name == URL else text

    def origin(self, name: str) -> str:
        """Say where the value in force comes from: `.env:3`, `env LIVEKIT_URL`; "" when there is none."""
        setting = self.settings.setting(name)
        return setting.origin if setting is not None else ""

    def server_url(self) -> ServerUrl:
        """Give the URL; raise `NotApplicable` where none is set, which env.settings judges."""
        if not self.value(URL):
            raise NotApplicable(f"{URL} is not set, see env.settings")
        return self.settings.url()

    def likely_url(self) -> ServerUrl | None:
        """Give the URL; None where there is no usable one."""
        try:
            return parse_url(self.value(URL))
        except LkctlError:
            return None

    def all_env_files(self) -> tuple[EnvFile, ...]:
        """Give the env files in force, then those around them."""
        return (*self.env_files, *self.surroundings.env_files)

    def known_secrets(self) -> frozenset[str]:
        """Give every API secret that lies open in the settings and files."""
        return frozenset(_secrets(self.settings, self.environ, self.all_env_files(), self.surroundings))


def gather(
    settings: Callable[[], Settings],
    env_files: Callable[[], Sequence[EnvFile]],
    *,
    environ: Mapping[str, str],
    folder: Path,
    project: str | None,
    named: bool,
    timeout: float,
    scope: Scope = NO_SCOPE,
) -> World:
    """Collect the facts.

    `settings` and `env_files` are asked here, so that a `.env` that cannot be read becomes a finding; `named` says that
    the user named the env files, and then it is raised. Of a stored project only the settings are judged, not the
    folder one happens to be in. What `settings` raises otherwise goes through.
    """
    files: tuple[EnvFile, ...] = ()
    unreadable = None
    try:
        files = () if project else tuple(env_files())
    except LkctlError as error:
        if named or error.code not in _UNREADABLE:
            raise
        unreadable = error
    found = settings() if unreadable is None else Settings((environment_layer(environ),))
    around = Surroundings() if project else look_around(folder, files)
    for secret in _secrets(found, environ, (*files, *around.env_files), around):
        remember(secret)
    return World(
        settings=found,
        environ=environ,
        folder=folder,
        project=project or "",
        env_files=files,
        unreadable=unreadable,
        surroundings=around,
        in_container=in_container(environ),
        timeout=timeout,
        scope=scope,
    )


def holds_secret(name: str) -> bool:
    """Whether a variable of this name holds an API secret of LiveKit's."""
    upper = name.upper()
    return "SECRET" in upper and ("LIVEKIT" in upper or "LK_" in upper or upper == "API_SECRET")


def _secrets(
    settings: Settings, environ: Mapping[str, str], files: Sequence[EnvFile], around: Surroundings
) -> Iterator[str]:
    yield from (layer.values[SECRET].text for layer in settings.layers if SECRET in layer.values)
    yield from (value for name, value in environ.items() if holds_secret(name))
    yield from (entry.value or "" for file in files for entry in file.entries if holds_secret(entry.name))
    yield from (declared.text for declared in around.declared if holds_secret(declared.name) and not _refers(declared))
    yield from (key.secret for key in around.server_keys)


def _refers(declared: Declared) -> bool:
    return "$" in declared.text
