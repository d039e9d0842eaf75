"""lk's project file: read when it is asked for, whatever is in it."""

from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.files.project import project_file, read_project, read_projects
from lkctl.settings.layers import KEY, SECRET, URL, Value

GOOD = """\
default_project: one
projects:
  - name: one
    url: ws://one
    api_key: key1
    api_secret: secret1
  - name: two
    url: ws://two
    api_key: null
    api_secret: 12345
  - just a text
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cli-config.yaml"


def test_where_it_is() -> None:
    """In HOME, or where Windows has it."""
    assert project_file({"HOME": "/h", "USERPROFILE": "/u"}) == Path("/h/.livekit/cli-config.yaml")
    assert project_file({"USERPROFILE": "/u"}) == Path("/u/.livekit/cli-config.yaml")


def test_project(path: Path) -> None:
    """The values carry the project as their origin."""
    path.write_text(GOOD)
    origin = "project one"
    layer = read_project("one", path)
    assert layer.name == origin
    assert layer.values == {
        URL: Value("ws://one", origin),
        KEY: Value("key1", origin),
        SECRET: Value("secret1", origin),
    }


def test_values_that_are_no_text(path: Path) -> None:
    """Null counts as set and empty, a number as its digits."""
    path.write_text(GOOD)
    values = read_project("two", path).values
    assert (values[KEY].text, values[SECRET].text) == ("", "12345")


def test_all_projects(path: Path) -> None:
    """As each by itself; none without the file."""
    assert read_projects(path) == []
    path.write_text(GOOD)
    assert read_projects(path) == [read_project("one", path), read_project("two", path)]


def test_missing_project_names_those_there(path: Path) -> None:
    """An unknown name is exit 3, and the known ones are told."""
    path.write_text(GOOD)
    with pytest.raises(LkctlError, match="has no project 'three'") as caught:
        read_project("three", path)
    assert (caught.value.hint, int(caught.value.exit_code)) == ("It has: one, two", 3)


def test_no_file(path: Path) -> None:
    """Without the file there is no project."""
    with pytest.raises(LkctlError, match="does not exist") as caught:
        read_project("one", path)
    assert caught.value.code == "project-missing"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "project-missing", id="empty"),
        pytest.param(b"projects:\n", "project-missing", id="no projects"),
        pytest.param(b"projects: text\n", "project-missing", id="projects are text"),
        pytest.param(b"[1, 2]\n", "project-missing", id="a list"),
        pytest.param(b"projects: [\n", "input-malformed", id="broken"),
        pytest.param(b"a: \x00\n", "input-malformed", id="NUL"),
        pytest.param(b"a: 2026-99-99\n", "input-malformed", id="no date"),
        pytest.param(b"[" * 5000, "input-malformed", id="deep"),
        pytest.param(b"\xff\xfea\x00", "input-encoding", id="UTF-16"),
        pytest.param(b"#" * (1024 * 1024 + 1), "input-too-large", id="large"),
    ],
)
def test_odd_files(content: bytes, code: str, path: Path) -> None:
    """Whatever is in the file, the error says what."""
    path.write_bytes(content)
    with pytest.raises(LkctlError) as caught:
        read_project("one", path)
    assert caught.value.code == code
