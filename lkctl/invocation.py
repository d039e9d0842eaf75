"""One run of one command: its console, format, settings and deadline."""

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lkctl import convention
from lkctl.duration import parse_timeout
from lkctl.errors import LkctlError
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.settings.layers import ENV_FILES, Settings, environment_layer, flag_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lkctl.checks.world import Scope, World
    from lkctl.files.envfile import EnvFile
    from lkctl.localserver.go import Go
    from lkctl.output.view import Listing, Record
    from lkctl.server.api import Api


class Connection(NamedTuple):
    """The connection options as they were given."""

    url: str | None = None
    api_key: str | None = None
    api_secret: str | None = None
    env_file: list[str] | None = None
    no_env_file: bool | None = False
    project: str | None = None


class Invocation(NamedTuple):
    """What a command is handed: where to speak, in which format, with which settings, until when."""

    console: Console
    command: str
    format: Format
    connection: Connection
    timeout: float
    debug: bool

    @classmethod
    def begin(
        cls,
        *,
        console: Console,
        command: str,
        format_: Format,
        color: str,
        quiet: bool,
        debug: bool,
        connection: Connection,
        timeout: str,
    ) -> "Invocation":
        """Start a run: set the console up, and turn the words of the options into values."""
        console = console.adjusted(color=color, quiet=quiet)
        return cls(console, command, format_, connection, parse_timeout(timeout), debug)

    @property
    def now(self) -> float:
        """Seconds since the epoch, by this machine's clock."""
        return time.time()

    def show(self, view: "Listing[Any] | Record", *, reveal: bool = False) -> None:
        """Render a view to stdout; with `reveal` the secrets that the user asked to see stay in it."""
        from lkctl.output.render import render

        render(view, self.format, self.console.revealing() if reveal else self.console)

    def metadata(self, argument: str | None, user_id: str | None = None) -> str | None:
        """Read `--metadata` (a JSON object, `@FILE` or `-`) as it stands, or with a user ID added to it."""
        if argument is None:
            return None if user_id is None else convention.metadata_text({convention.METADATA_KEY: user_id})
        from lkctl.files.content import parse_object, read_text

        text = read_text(argument, self.console.stdin)
        given = parse_object(text, "--metadata")
        return text.strip() if user_id is None else convention.metadata_text(convention.with_user_id(given, user_id))

    def user_id(self, given: str | None) -> str | None:
        """Read `--user-id`: `new` makes one; an unconventional one is kept, with a remark."""
        if given is None:
            return None
        if given == convention.NEW:
            import secrets

            return convention.make_user_id(int(self.now * 1000), secrets.randbelow)
        user_id = convention.usable_user_id(given)
        if not convention.is_conventional(user_id):
            self.console.talk("warning: the user ID is not of the form user_{timestamp}_{random}; it is kept as it is")
        return user_id

    def env_files(self) -> "list[EnvFile]":
        """Read the env files that are in force."""
        given = self.connection
        if given.no_env_file and given.env_file:
            raise LkctlError("settings-conflict", "--env-file excludes --no-env-file", hint="Give one or the other")
        if given.no_env_file or not (given.env_file or any(os.path.lexists(name) for name in ENV_FILES)):
            return []
        from lkctl.files.envfile import default_env_files, read_env_file

        return [read_env_file(Path(path)) for path in given.env_file] if given.env_file else default_env_files(Path())

    def settings(self) -> Settings:
        """Collect the settings from their layers; raise `settings-conflict` for a project beside other flags."""
        given = self.connection
        if given.project is not None:
            return self._project(given.project)
        secret = given.api_secret
        if secret is not None and secret[:1] in {"-", "@"}:
            from lkctl.files.content import read_text

            secret = read_text(secret, self.console.stdin).strip("\r\n")
        layers = [flag_layer(given.url, given.api_key, secret), environment_layer(os.environ)]
        layers += [file.layer() for file in self.env_files()]
        return Settings(tuple(layers))

    def api(self, settings: Settings | None = None) -> "Api":
        """Open the API of the configured server, or of the one in `settings`."""
        target = (settings or self.settings()).target()
        from lkctl.server.api import Api
        from lkctl.server.twirp import Twirp

        trace = self.console.complain if self.debug else None
        return Api(Twirp(target, timeout=self.timeout, trace=trace, wait=self.console.progress))

    def world(self, settings: Settings | None = None, scope: "Scope | None" = None) -> "World":
        """Collect the facts that checks judge; with `settings`, of those alone."""
        from lkctl.checks.world import NO_SCOPE, gather

        given = self.connection
        return gather(
            self.settings if settings is None else lambda: settings,
            self.env_files,
            environ=os.environ,
            folder=Path(),
            project=given.project if settings is None else "given",
            named=bool(given.env_file),
            timeout=self.timeout,
            scope=scope or NO_SCOPE,
        )

    @contextmanager
    def announce_build(self, go: "Go") -> "Iterator[None]":
        """Say that livekit-server is being built, and show so while it is."""
        from lkctl.localserver.build import MODULE

        self.console.talk(f"building {MODULE} with {go.path}; this takes a few minutes, once")
        with self.console.progress(f"go install {MODULE}"):
            yield

    def confirm(self, question: str, *, yes: bool, word: str = "") -> None:
        """Make sure that the user wants it: `--yes`, or an answer on the terminal, which must be `word` if given."""
        if yes:
            return
        answer = self.console.ask(question, word=word)
        if answer is None:
            raise LkctlError("confirm-impossible", f"no terminal to ask on: {question}", hint="Give --yes")
        if not answer:
            raise LkctlError("interrupted", "not confirmed; nothing was done")

    def _project(self, name: str) -> Settings:
        given = self.connection
        if given.url is not None or given.api_key is not None or given.api_secret is not None:
            raise LkctlError(
                "settings-conflict",
                "--project excludes --url, --api-key and --api-secret",
                hint="Give one or the other",
            )
        from lkctl.files.project import project_file, read_project

        return Settings((read_project(name, project_file(os.environ)),))
