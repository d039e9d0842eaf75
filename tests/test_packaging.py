"""Wheel and sdist: all that belongs into them, and nothing else. Built offline, from the files as they are."""

import re
import subprocess
import sys
import tarfile
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from packaging.metadata import Metadata

from lkctl import __version__
from tests.harness import lacking

ROOT = Path(__file__).parents[1]
NAME = f"lkctl-{__version__}"
DIST_INFO = f"{NAME}.dist-info"


def build(target: str, source: Path, into: Path) -> Path:
    """Build a wheel or an sdist of the project that lies there."""
    if find_spec("hatchling") is None:
        lacking("hatchling is not installed; pip install -e '.[dev]' brings it")
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = into.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist as somebody has it who unpacked it."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / NAME


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return Parser().parsestr(archive.read(f"{DIST_INFO}/METADATA").decode())


def committed() -> set[str]:
    """Name the project's files: those that git has, or would have."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of the files that are committed")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_the_package(wheel: Path) -> None:
    """Every file of it, py.typed too, and neither tests nor caches."""
    package = {name for name in committed() if name.startswith("lkctl/")}
    about = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert names_in(wheel) == package | {f"{DIST_INFO}/{name}" for name in about}
    assert "lkctl/py.typed" in package


def test_the_sdist_holds_the_project(sdist: Path) -> None:
    """Every file that is committed: tests with their data, the README, CI."""
    with tarfile.open(sdist) as archive:
        found = {member.name.removeprefix(f"{NAME}/") for member in archive.getmembers() if not member.isdir()}
    assert found == committed() | {"PKG-INFO"}


def test_a_wheel_from_the_sdist_is_the_same(unpacked: Path, wheel: Path, tmp_path: Path) -> None:
    """pip builds one where there is no wheel."""
    assert build("wheel", unpacked, tmp_path / "dist").read_bytes() == wheel.read_bytes()


def test_the_tests_of_the_sdist_can_be_run(unpacked: Path) -> None:
    """Those who package lkctl run them: all are found, with the data that they read."""
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    found = subprocess.run([*pytest_, "--collect-only"], cwd=unpacked, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr
    modules = set(re.findall(r"^(tests/\S+?\.py)::", found.stdout, re.MULTILINE))
    ours = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py") if "examples" not in path.parts}
    assert modules == {name for name in ours if "/node_modules/" not in name}
    ran = subprocess.run(
        [*pytest_, "tests/output"], cwd=unpacked, capture_output=True, text=True, check=False, timeout=170
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr


def test_commands_and_plugin(wheel: Path) -> None:
    """What pip makes of it: the program, and the fixtures of pytest."""
    entries = ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        entries.read_string(archive.read(f"{DIST_INFO}/entry_points.txt").decode())
    assert dict(entries["console_scripts"]) == {"lkctl": "lkctl.__main__:main"}
    assert dict(entries["pytest11"]) == {"lkctl": "lkctl.testing"}


def test_metadata(wheel: Path, metadata: Message) -> None:
    """An index takes it, and shows who may use it."""
    with zipfile.ZipFile(wheel) as archive:
        valid = Metadata.from_email(archive.read(f"{DIST_INFO}/METADATA"), validate=True)
    assert (valid.name, str(valid.version), str(valid.requires_python)) == ("lkctl", __version__, ">=3.11")
    assert (valid.license_expression, valid.description_content_type) == ("Apache-2.0", "text/markdown")
    assert {"rtc", "agents", "qr", "server", "dev"} == set(valid.provides_extra or ())
    assert valid.summary
    assert "Typing :: Typed" in (valid.classifiers or ())


def test_the_readme_stands_alone(metadata: Message) -> None:
    """On an index there is nothing beside it: it shows no picture of the project's, and no markup is left open."""
    text = str(metadata.get_payload())
    assert text == (ROOT / "README.md").read_text()
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or ()]
    targets = [str(child.attrs.get("src") or child.attrs.get("href") or "") for child in inline]
    relative = {target for target in targets if target and not re.match(r"https?://|#|mailto:", target)}
    assert relative <= {"LICENSE"}
    assert not [child for child in inline if child.type == "image" and child.attrs["src"] in relative]
    assert text.count("\n```") % 2 == 0


def test_links_within_the_readme_lead_somewhere(metadata: Message) -> None:
    """To a heading, or an anchor."""
    text = re.sub(r"^```.*?^```$", "", str(metadata.get_payload()), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    anchors = set(re.findall(r'<a id="([^"]+)"></a>', text))
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert links
    assert not links - slugs - anchors
