"""Projects for the checks of --source: the samples beside this file, and folders made of a few files."""

import re
from collections.abc import Mapping
from pathlib import Path

from lkctl.checks.engine import run
from lkctl.checks.result import Finding, Result
from lkctl.checks.source.catalogue import SOURCE_CHECKS
from lkctl.checks.world import Scope, World, gather
from lkctl.settings.layers import Settings, flag_layer

SAMPLES = Path(__file__).parent / "projects"
KEY = "APIx7Kp2mQ9rTz4"
SECRET = "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb"
OWN = "wss://livekit.acme.dev"
CLOUD = "wss://demo-1a2b3c4d.livekit.cloud"


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
    return folder


def sample(name: str, folder: Path) -> Path:
    """Write out a sample: one text holds all files of a project, each after a line `=== NAME`."""
    parts = re.split(r"^=== (.+)\n", (SAMPLES / f"{name}.txt").read_text(), flags=re.MULTILINE)
    return put(folder / name, dict(zip(parts[1::2], parts[2::2], strict=True)))


def world_of(
    source: Path, *, url: str = OWN, agent: str | None = None, environ: Mapping[str, str] | None = None
) -> World:
    """Gather a world that is asked to judge a folder; the server's URL is given as a flag."""
    settings = Settings((flag_layer(url or None, None, None),))
    return gather(
        lambda: settings,
        list,
        environ=environ or {},
        folder=source.parent,
        project=None,
        named=False,
        timeout=30,
        scope=Scope(source=source, agent=agent),
    )


def judge_all(world: World) -> dict[str, Result]:
    """Run all checks of --source."""
    return {result.id.removeprefix("source."): result for result in run(SOURCE_CHECKS, world, timeout=60)}


def judge(check: str, world: World) -> Result:
    """Run one check of --source."""
    (result,) = run([one for one in SOURCE_CHECKS if one.id == f"source.{check}"], world, timeout=60)
    return result


def found(result: Result) -> list[tuple[str, str, str]]:
    """Give severity, place below the folder, and message of each finding."""
    return [((it.severity or result.severity).value, place_of(it), it.message) for it in result.findings]


def place_of(finding: Finding) -> str:
    """Give the last two parts of a place, without the folder that the test has made."""
    return finding.place.rpartition("/")[2]
