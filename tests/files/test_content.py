"""What is named on the command line is read within limits; what is wrong with it is said without showing it."""

import io
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.files.content import decode, parse_object, read_file, read_path, read_stdin, read_text

MOST = 1024 * 1024


def stdin(content: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(content))


def code_of(caught: "pytest.ExceptionInfo[LkctlError]") -> str:
    return caught.value.code


def test_arguments(tmp_path: Path) -> None:
    """The text itself, a file, standard input."""
    path = tmp_path / "x"
    path.write_text("from the file")
    assert read_text("plain", stdin(b"")) == "plain"
    assert read_text(f"@{path}", stdin(b"")) == "from the file"
    assert read_text("-", stdin(b"from stdin")) == "from stdin"
    assert read_text("@", stdin(b"")) == "@"
    assert read_path(str(path), stdin(b"")) == "from the file"
    assert read_path("-", stdin(b"from stdin")) == "from stdin"


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere", "No such file or directory"), (".", "Is a directory"), ("a" * 300, "File name too long")],
    ids=["missing", "folder", "long name"],
)
def test_unreadable_files(name: str, words: str) -> None:
    """The system's own words, and exit 2."""
    with pytest.raises(LkctlError, match=words) as caught:
        read_file(Path(name))
    assert (code_of(caught), int(caught.value.exit_code)) == ("file-unreadable", 2)


def test_limits(tmp_path: Path) -> None:
    """A byte over the limit is too much, for files and standard input."""
    (tmp_path / "x").write_bytes(b"a" * (MOST + 1))
    with pytest.raises(LkctlError, match="larger than 1 MiB"):
        read_file(tmp_path / "x", most=MOST)
    with pytest.raises(LkctlError, match="standard input is larger than 1 MiB"):
        read_stdin(stdin(b"a" * (MOST + 1)), most=MOST)
    assert len(read_stdin(stdin(b"a" * MOST), most=MOST)) == MOST


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        pytest.param(b"", "input-empty", "x is empty", id="empty"),
        pytest.param(b" \n", "input-empty", "x is empty", id="blank"),
        pytest.param(b"ab\xff", "input-encoding", "byte 2 is 0xff", id="byte"),
        pytest.param("ä".encode("utf-16-le"), "input-encoding", "byte 0 is 0xe4", id="UTF-16 without mark"),
        pytest.param("a".encode("utf-16"), "input-encoding", "x is UTF-16", id="UTF-16"),
        pytest.param(b"\xfe\xff\x00a", "input-encoding", "x is UTF-16", id="UTF-16, big end first"),
    ],
)
def test_encoding(content: bytes, code: str, words: str) -> None:
    """What is no UTF-8 is said with the place."""
    with pytest.raises(LkctlError, match=words) as caught:
        decode(content, "x")
    assert code_of(caught) == code


def test_utf8_stays_as_it_is() -> None:
    """Byte order mark and line ends are for others to judge."""
    assert decode(b"\xef\xbb\xbfa\r\n", "x") == "\ufeffa\r\n"


def test_object() -> None:
    """Other JSON is no object."""
    assert parse_object('{"a": 1}', "x") == {"a": 1}
    with pytest.raises(LkctlError, match="not an object"):
        parse_object("[1]", "x")
    with pytest.raises(LkctlError, match="x is not usable JSON: the key 'a' is given more than once"):
        parse_object('{"a":1,"a":2}', "x")
