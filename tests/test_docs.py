"""The README says what the code does."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from lkctl import __version__
from lkctl.checks.catalogue import ALL_CHECKS
from lkctl.errors import CATALOGUE, docs_anchor
from lkctl.files.expectfile import read_expectations
from tests.reference import README, in_place

TEXT = README.read_text()
ROOT = README.parent
EXAMPLES = [*sorted((ROOT / "tests/examples").glob("*.*")), *sorted((ROOT / "tests/plugin").glob("*.py"))]
LANGUAGES = {".js": "js", ".py": "python", ".sh": "sh", ".yaml": "yaml"}


def test_the_reference_is_fresh() -> None:
    """Commands, exit codes, environment, errors, checks: as made from the code. Rewrite: python -m tests.reference."""
    assert in_place(TEXT) == TEXT


@pytest.mark.parametrize("name", [*CATALOGUE, *(check.id for check in ALL_CHECKS)])
def test_every_docs_anchor_exists(name: str) -> None:
    """What errors and checks point to is there."""
    assert f'<a id="{docs_anchor(name).partition("#")[2]}"></a>' in TEXT


def test_the_two_commands_stand_where_they_are_looked_for() -> None:
    """`.ci/run` takes the test command from the README; a newcomer copies both."""
    for mark in ("demo", "tests"):
        block = re.search(rf"<!-- {mark} -->\n```sh\n(.+)\n```", TEXT)
        assert block
        assert "\n" not in block[1]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_that_are_run_elsewhere_stand_in_the_readme(path: Path) -> None:
    """The agents and the extension's page, which other tests run against the real server, are what a reader copies."""
    assert f"<!-- example: {path.name} -->\n```{LANGUAGES[path.suffix]}\n{path.read_text().rstrip()}\n```" in TEXT


def toml_with(mark: str) -> str:
    """Give the one TOML block that says this."""
    blocks = [block for block in re.findall(r"^```toml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE) if mark in block]
    assert len(blocks) == 1
    return str(blocks[0])


def test_the_file_of_expectations_is_one(tmp_path: Path) -> None:
    """What a reader copies is read, with every key in it."""
    (tmp_path / "e.toml").write_text(toml_with("[rooms.demo]"))
    found = read_expectations(tmp_path / "e.toml")
    (room,) = found.rooms
    assert found.version
    assert found.services == ("egress", "SIP")
    assert (room.name, room.metadata, room.least, room.most) == ("demo", ("userId",), 1, 10)
    assert (room.agents, room.user_id) == (("helper",), "user_1704067200000_abc123")


def test_a_plugin_is_named_as_in_the_whole_package() -> None:
    """The lines that a reader copies are those of the package that tests install."""
    told = tomllib.loads(toml_with("lkctl.checks"))
    whole = tomllib.loads((ROOT / "tests/plugin/pyproject.toml").read_text())
    assert told["project"]["entry-points"] == whole["project"]["entry-points"]


@pytest.mark.parametrize("code", re.findall(r"(?<! -->\n)```python\n(.*?)```", TEXT, re.DOTALL))
def test_examples_in_python_run(code: str, tmp_path: Path) -> None:
    """Each example is run: as a test where it is one, else as a script."""
    (tmp_path / "test_example.py").write_text(code)
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if "def test_" in code else []
    if words and "livekit_server" in code:
        words += ["--collect-only"]  # the fixture itself is tested in test_testing.py
    done = subprocess.run(
        [sys.executable, *words, "test_example.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_version_is_told_once() -> None:
    """The literal that `--version` prints is the one that the wheel gets."""
    assert re.search(r'^path = "lkctl/__init__.py"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_nothing_points_outside_the_project() -> None:
    """A newcomer's clone has this project only."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of the files that are committed")
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    here = "tests/test_docs.py"
    for name in files:
        path = ROOT / name
        if name and name != here and path.is_file():
            content = path.read_text(errors="replace")
            assert not re.search(r"/work/|\.\./shared|/tmp/v/", content), name
