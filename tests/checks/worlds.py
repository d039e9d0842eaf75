"""Worlds for checks: files are written to the working directory of the test, and gathered as lkctl does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lkctl.checks.engine import run
from lkctl.checks.environment import ENVIRONMENT_CHECKS
from lkctl.checks.result import Result
from lkctl.checks.url import URL_CHECKS
from lkctl.checks.world import World, gather
from lkctl.files.envfile import EnvFile, default_env_files
from lkctl.settings.layers import Settings, environment_layer, flag_layer

CLOUD = "wss://demo-1a2b3c4d.livekit.cloud"
KEY = "APIx7Kp2mQ9rTz4"
SECRET = "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"
OTHER_KEY = "APIzZ9yY8xX7wW6"
OTHER_SECRET = "mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNbhT5kQ2"

Expected = Sequence[tuple[str, str, str]]  # severity, place, words of the message


def env_text(url: str | None = CLOUD, key: str | None = KEY, secret: str | None = SECRET) -> str:
    """Write an env file; None leaves a line out."""
    lines = {"LIVEKIT_URL": url, "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret}
    return "".join(f"{name}={value}\n" for name, value in lines.items() if value is not None)


def put(files: Mapping[str, str]) -> None:
    """Write files for the owner alone."""
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(0o600)


def world_of(
    files: Mapping[str, str],
    environ: Mapping[str, str] | None = None,
    *,
    flags: tuple[str | None, str | None, str | None] = (None, None, None),
    in_container: bool = False,
    listening: frozenset[int] | None = frozenset(),
) -> World:
    """Gather a world from files, environment and flags; where it runs is made up."""
    put(files)

    def env_files() -> list[EnvFile]:
        return default_env_files(Path())

    def settings() -> Settings:
        layers = [flag_layer(*flags), environment_layer(environ or {})]
        return Settings((*layers, *(file.layer() for file in env_files())))

    world = gather(settings, env_files, environ=environ or {}, folder=Path(), project=None, named=False, timeout=1.0)
    return replace(world, in_container=in_container, taken_ports=lambda **_: listening)


def judge(check_id: str, world: World) -> Result:
    """Run one check through the engine."""
    checks = [check for check in (*ENVIRONMENT_CHECKS, *URL_CHECKS) if check.id == check_id]
    (result,) = run(checks, world, timeout=20)
    return result


def assert_found(result: Result, expected: Expected) -> None:
    """The findings are these, in this order, and none shows a secret."""
    found = [((finding.severity or result.severity).value, finding.place) for finding in result.findings]
    assert found == [(severity, place) for severity, place, _ in expected], result.findings
    for finding, (_, _, words) in zip(result.findings, expected, strict=True):
        assert words in finding.message
    said = " ".join(f"{finding} {finding.hint}" for finding in result.findings) + result.detail
    assert not [secret for secret in (SECRET, OTHER_SECRET, KEY) if secret in said]
