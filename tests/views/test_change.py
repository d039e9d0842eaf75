"""The printed change: what it looks like, and that `patch` and a shell make exactly that of the file."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lkctl.checks.cause import Cause
from lkctl.checks.result import Change, Fix
from lkctl.secret import Secret
from lkctl.views.change import change_json, change_lines
from tests.mended import make_change, patched

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJBUEl4In0.c2lnbmF0dXJl"
SECRET = "sUpErSeCrEtOfThIsVeRyTeStAnDoFnObOdYeLsE123"
FIX = Fix(path=".env", line=2, old="B=2", new="B=3")
FILE = "A=1\nB=2\nC=3\n"
MASKED = Fix(path=".env", line=2, old="S=(secret, 43 characters)", new="S=")
BY_HAND = "# secrets are masked: make this change by hand"


def cause_with(fix: Fix | None) -> Cause:
    return Cause("a.b", "", "bad\nnews", "mend it", "", fix=fix)


def printed(fix: Fix | None, content: str, options: str = "") -> str:
    """Give what --fix prints."""
    return "".join(f"{line}\n" for line in change_lines(cause_with(fix), content, options))


PRINTED = [
    pytest.param(FIX, FILE, ["# for patch: lkctl diagnose --fix | patch -p0", "--- .env", "+++ .env", "@@ -2 +2 @@",
                             "-B=2", "+B=3"], id="a line"),
    pytest.param(Fix(path=".env", line=2, old="B=2"), FILE, ["@@ -2 +1,0 @@", "-B=2"], id="a line to take away"),
    pytest.param(Fix(path=".env", line=2, new="X=1\nY=1"), FILE, ["@@ -1,0 +2,2 @@", "+X=1", "+Y=1"],
                 id="lines before a line"),
    pytest.param(Fix(path=".env", new="D=4"), FILE, ["@@ -3,0 +4 @@", "+D=4"], id="at the end"),
    pytest.param(Fix(path=".env", new="A=1"), "", ["@@ -0,0 +1 @@", "+A=1"], id="in an empty file"),
    pytest.param(FIX, "", ["-B=2", "+B=3"], id="in a file that is gone"),
    pytest.param(Fix(command="chmod 600 x"), "", ["# for a shell: lkctl diagnose --fix | sh", "chmod 600 x"],
                 id="a command"),
    pytest.param(Fix(command="unset X"), "", ['# for your own shell: eval "$(lkctl diagnose --fix | tail -n 1)"',
                                              "unset X"], id="of the shell's own variables"),
    pytest.param(Fix(command="perl x", path=".env", line=2, old="S=(secret, 43 characters)", new="S="), FILE,
                 ["# for a shell: lkctl diagnose --fix | sh", "# --- .env", "# +++ .env", "# @@ -2 +2 @@",
                  "# -S=(secret, 43 characters)", "# +S=", "perl x"], id="a command, and what it does"),
    pytest.param(Fix(command="perl x", path=".env", line=2, old="S=(secret)", new="S=(secret)",
                     more=(Change(3, "C=3", "C=4"),)), FILE,
                 ["# @@ -2,2 +2,2 @@", "# -S=(secret)", "# -C=3", "# +S=(secret)", "# +C=4", "perl x"],
                 id="what looks alike where it is masked"),
    pytest.param(Fix(path="../.env", line=2, old="B=2", new="B=3"), FILE,
                 ["# for a shell: lkctl diagnose --fix | sh", "patch ../.env <<'EOF'", "--- ../.env", "+++ ../.env",
                  "@@ -2 +2 @@", "-B=2", "+B=3", "EOF"], id="where patch -p0 goes to no file"),
    pytest.param(None, "", ["# no exact change is known. mend it"], id="no change is known"),
]  # fmt: skip
BY_HAND_ONLY = [
    pytest.param(MASKED, FILE, id="a secret is masked"),
    pytest.param(FIX, "A=1\nB=7\nC=3\n", id="the file has another line there"),
    pytest.param(FIX, "A=1\rB=2\rC=3\r", id="lines that patch does not see"),
    pytest.param(Fix(path=".env", line=2, old=f"B={SECRET}", new="B=3"), f"A=1\nB={SECRET}\n", id="a secret in use"),
    pytest.param(Fix(path=".env", line=1, old=f"T={JWT}", new="T="), f"T={JWT}\n", id="a token"),
    pytest.param(Fix(path="a.py", line=1, old="x\x1b[2J", new="x"), "x\x1b[2J\n", id="what a terminal obeys"),
    pytest.param(Fix(path="a\nb", line=1, old="x", new="y"), "x\n", id="a path of two lines"),
    pytest.param(Fix(path=".env", new="B=2"), "A=1", id="behind a line without an end"),
]  # fmt: skip


@pytest.mark.parametrize(("fix", "content", "expected"), PRINTED)
def test_what_is_printed(fix: Fix | None, content: str, expected: list[str]) -> None:
    """A patch, or a command; before it comments, the second of which says for whom it is."""
    first, *lines = printed(fix, content).splitlines()
    assert first == "# a.b: bad\\nnews"
    assert lines[-len(expected) :] == expected
    document = change_json(cause_with(fix), content)
    assert document is not None
    assert (document["fix"] is None) == (fix is None)
    assert change_json(None, "") is None


@pytest.mark.parametrize(("fix", "content"), BY_HAND_ONLY)
def test_what_nobody_can_apply(fix: Fix, content: str) -> None:
    """It is shown in comments alone, and is no patch for programs."""
    Secret(SECRET)
    text = printed(fix, content)
    assert text.splitlines()[-1] == BY_HAND
    assert all(line.startswith("#") for line in text.split("\n") if line)
    assert "\x1b" not in text
    document = change_json(cause_with(fix), content)
    assert document is not None
    assert document["fix"]["patch"] is None


def test_a_command_of_lkctl_goes_to_the_same_server() -> None:
    """It gets the options that led there; other commands do not."""
    options = "--env-file 'my env'"
    assert printed(Fix(command="lkctl room create x"), "", options).endswith(
        "\nlkctl room create x --env-file 'my env'\n"
    )
    assert printed(Fix(command="chmod 600 x"), "", options).endswith("\nchmod 600 x\n")


CONTENTS = [
    pytest.param(b"A=1\nOPENAI_API_KEY=sk-hidden\nB=2\nC=3\n", Fix(line=3, old="B=2", new="B=3\nX=4"),
                 b"A=1\nOPENAI_API_KEY=sk-hidden\nB=3\nX=4\nC=3\n", id="two lines for one"),
    pytest.param(b"A=1\r\nB=2\r\nC=3\r\n", Fix(line=2, old="B=2", new="B=3"), b"A=1\r\nB=3\r\nC=3\r\n", id="CR LF"),
    pytest.param(b"A=1\r\nB=2\nC=3\r\n", Fix(line=2, old="B=2", new="B=3"), b"A=1\r\nB=3\nC=3\r\n", id="CR LF and LF"),
    pytest.param(b"A=1\nB=2", Fix(line=2, old="B=2", new="B=3"), b"A=1\nB=3", id="no line end"),
    pytest.param(b"A=1\nB=2", Fix(line=2, old="B=2", new="B=3\nX=4"), b"A=1\nB=3\nX=4", id="no line end, and one more"),
    pytest.param(b"A=1\r\nB=2", Fix(line=2, old="B=2"), b"A=1\r\n", id="the last line goes"),
    pytest.param(b"A=1\nB=2\nC=3\n", Fix(line=2, old="B=2"), b"A=1\nC=3\n", id="a line goes"),
    pytest.param(b"A=1\r\n", Fix(new="B=2"), b"A=1\r\nB=2\r\n", id="at the end"),
    pytest.param(b"A=1\n\nB=2\nC=3\nD=4\n", Fix(line=1, old="A=1", new="A=2", more=(Change(3, "B=2", "B=3"),
                                                                                Change(5, "D=4", ""))),
                 b"A=2\n\nB=3\nC=3\n", id="lines here and there"),
    pytest.param("A=1\x0b\u2028\nB=ä…\n".encode(), Fix(line=2, old="B=ä…", new="B=ö…"),
                 "A=1\x0b\u2028\nB=ö…\n".encode(), id="what other programs take for line ends"),
    pytest.param(b"\xef\xbb\xbfA=1\nB=2\n", Fix(line=1, old="\ufeffA=1", new="\ufeffA=2"), b"\xef\xbb\xbfA=2\nB=2\n",
                 id="a byte order mark"),
    pytest.param(b"EOF\n$(touch no)`touch no`\n", Fix(line=1, old="EOF", new="EOF\n$(touch no)"),
                 b"EOF\n$(touch no)\n$(touch no)`touch no`\n", id="what a shell would obey"),
]  # fmt: skip
PATHS = [".env", "a/b.c", "my dir/.env", "it's/$(touch no)", "-n", "../up/.env", "/tail", "~/.env", 'a"b', "ä.env"]


@pytest.mark.parametrize(("content", "fix", "expected"), CONTENTS)
def test_content_is_changed_exactly(content: bytes, fix: Fix, expected: bytes) -> None:
    """Byte by byte, whatever ends the lines; and what is not changed is not shown."""
    assert_changed(fix, ".env", content, expected)


@pytest.mark.parametrize("path", PATHS)
def test_the_change_is_made_wherever_the_file_is(path: str, tmp_path: Path) -> None:
    """`patch` takes no path from a header that leads out of the folder, or must be quoted."""
    place = f"{tmp_path}/out{path}" if path.startswith("/") else path
    fix, content = Fix(line=2, old="B=2", new="B=3"), b"A=1\r\nB=2\r\n"
    assert_changed(fix, place, content, b"A=1\r\nB=3\r\n")
    assert not [name for name in everything() if name.name == "no"]


def assert_changed(fix: Fix, path: str, content: bytes, expected: bytes) -> None:
    """The program that the second line names makes of the content what is expected."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    fix = replace(fix, path=path)
    document = change_json(cause_with(fix), content.decode())
    assert document is not None
    assert patched(content, document["fix"]["patch"]) == expected
    text = printed(fix, content.decode())
    assert "sk-hidden" not in text
    make_change(text)
    assert file.read_bytes() == expected
    assert [name for name in everything() if name.name.endswith((".orig", ".rej"))] == []


def everything() -> Iterator[Path]:
    yield from (Path(folder) / name for folder, _, names in os.walk(".") for name in names)
