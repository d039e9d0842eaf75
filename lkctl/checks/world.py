"""The facts that checks judge, collected once and handed in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lkctl.checks.result import NotApplicable
from lkctl.errors import LkctlError
from lkctl.files.compose import Declared
from lkctl.files.container import in_container, listening_ports
from lkctl.files.envfile import EnvFile
from lkctl.files.folder import Surroundings, look_around
from lkctl.secret import remember
from lkctl.settings.layers import SECRET, URL, Settings, environment_layer
from lkctl.settings.url import ServerUrl, parse_url, without_login

_UNREADABLE = {"file-unreadable", "input-encoding", "input-too-large"}


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
    listening: frozenset[int] | None  # TCP ports taken on this machine; None: cannot be told
    timeout: float  # seconds for the whole run

    @property
    def patience(self) -> float:
        """Seconds for one exchange, so that a check says what it waited for before the engine gives it up."""
        return self.timeout * 0.9

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
        listening=listening_ports(),
        timeout=timeout,
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
