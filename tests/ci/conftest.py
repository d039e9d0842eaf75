"""What tests of CI share: the action as a runner has it, and lkctl installed by it, once, for it takes seconds.

pip takes what it needs from wheels of what is installed here, also to build lkctl, and asks no index.
"""

import shutil
from pathlib import Path

import pytest

from tests.ci.githubrunner import Machine
from tests.ci.wheelhouse import fill, pip_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where pip finds what lkctl needs."""
    return pip_settings(fill(tmp_path_factory.mktemp("wheels"), "lkctl[rtc]", "hatchling"))


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The action as a runner has it: what is needed to install it must be there, and nothing is that git has not."""
    folder = tmp_path_factory.mktemp("actions") / "lkctl @v1"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lkctl", folder / "lkctl", ignore=ignored)
    for name in ("action.yml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="session")
def installed(checkout: Path, wheels: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the step `install` gives; once for all tests, it takes seconds."""
    temp = tmp_path_factory.mktemp("runner temp")
    done = Machine(checkout, temp, temp, wheels).run({}, done={"run": {"skipped": "here"}})
    assert done.code == 0, done.log
    assert not done.annotations
    return done.steps["install"]


@pytest.fixture
def machine(checkout: Path, tmp_path: Path, clean_place: Path) -> Machine:
    """A runner; its workspace is the folder of the test."""
    return Machine(checkout, clean_place, tmp_path, {})
