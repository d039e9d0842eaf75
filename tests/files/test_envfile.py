"""Env files are read as python-dotenv reads them, with the line of every value."""

from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values

from lkctl.errors import LkctlError
from lkctl.files.envfile import Entry, default_env_files, read_env_file
from lkctl.settings.layers import KEY, URL, Value

TEXTS = [
    pytest.param("A=1\nB=2\n", [("A", "1", 1), ("B", "2", 2)], id="plain"),
    pytest.param("\n\n# x\n\nA=1\n", [("A", "1", 5)], id="blank lines and comments before"),
    pytest.param("export A='1'\nB=\"2\"\n", [("A", "1", 1), ("B", "2", 2)], id="export and quotes"),
    pytest.param("A=1 # x\nB=1#x\n", [("A", "1", 1), ("B", "1#x", 2)], id="comment behind"),
    pytest.param("A='1\n2'\nB=3\n", [("A", "1\n2", 1), ("B", "3", 3)], id="over two lines"),
    pytest.param("A=1\r\nB=2\r\n", [("A", "1", 1), ("B", "2", 2)], id="CR LF"),
    pytest.param("A\nB=\n", [("A", None, 1), ("B", "", 2)], id="no value"),
    pytest.param("A=1\nA=2\n", [("A", "1", 1), ("A", "2", 2)], id="twice"),
    pytest.param("A=x\nB=${A}y\n", [("A", "x", 1), ("B", "xy", 2)], id="reference"),
    pytest.param("A=${NOT_SET_ANYWHERE}\n", [("A", "", 1)], id="reference to nothing"),
    pytest.param("A=$B\n", [("A", "$B", 1)], id="no reference"),
    pytest.param("A=a\0b\n", [("A", "a\0b", 1)], id="NUL"),
    pytest.param("", [], id="empty"),
    pytest.param(" \n\t\n", [], id="blank"),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_entries(text: str, expected: list[tuple[str, str | None, int]], tmp_path: Path) -> None:
    """Names, values and lines; the values are those of `dotenv_values`."""
    path = tmp_path / "x.env"
    path.write_bytes(text.encode())
    file = read_env_file(path, "x.env")
    assert file.entries == tuple(Entry(*entry) for entry in expected)
    assert {entry.name: entry.value for entry in file.entries} == dotenv_values(stream=StringIO(text, newline=""))


@pytest.mark.parametrize(
    ("text", "lines"),
    [("A: 1\nB=2\n", (1,)), ("\nA='1\n", (2,)), ('A=1\n"x y"\n', (2,)), ("A=1\n", ())],
    ids=["YAML", "open quote", "no name", "none"],
)
def test_broken_lines(text: str, lines: tuple[int, ...], tmp_path: Path) -> None:
    """Lines that python-dotenv skips are told."""
    (tmp_path / "x.env").write_text(text)
    assert read_env_file(tmp_path / "x.env").broken_lines == lines


def test_layer(tmp_path: Path) -> None:
    """Of a name given twice the last counts; empty counts as given; other names are left out."""
    path = tmp_path / ".env"
    path.write_text("LIVEKIT_URL=a\nOTHER=x\nLIVEKIT_API_KEY=\nLIVEKIT_URL=b\nLIVEKIT_API_SECRET\n")
    layer = read_env_file(path, ".env").layer()
    assert (layer.name, dict(layer.values)) == (".env", {URL: Value("b", ".env:4"), KEY: Value("", ".env:3")})


def test_default_files_in_order(tmp_path: Path) -> None:
    """.env.local stands above .env; what is not there is left out."""
    assert default_env_files(tmp_path) == []
    (tmp_path / ".env").write_text("A=1")
    (tmp_path / ".env.local").write_text("A=2")
    (tmp_path / ".env.production").write_text("A=3")
    assert [file.name for file in default_env_files(tmp_path)] == [".env.local", ".env"]


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "file-unreadable"), (b"A=\xff", "input-encoding"), ("A=1".encode("utf-16"), "input-encoding"),
     (b"a" * (1024 * 1024 + 1), "input-too-large")],
    ids=["missing", "bytes", "UTF-16", "large"],
)  # fmt: skip
def test_unreadable(content: bytes | None, code: str, tmp_path: Path) -> None:
    """What cannot be read is an error with its own code."""
    path = tmp_path / ".env"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LkctlError) as caught:
        read_env_file(path)
    assert (caught.value.code, int(caught.value.exit_code)) == (code, 2)


def test_folder_is_no_file(tmp_path: Path) -> None:
    """A folder of that name is named as one."""
    with pytest.raises(LkctlError, match="Is a directory"):
        read_env_file(tmp_path)
