"""git is asked about files; whatever becomes of it, there is an answer."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from lkctl.files import git
from lkctl.files.git import Tracking, tracking

ENVIRON = {"PATH": os.environ["PATH"]}


def run(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def put(*names: str) -> list[Path]:
    paths = [Path(name) for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return paths


def test_tracked_ignored_and_neither() -> None:
    """One question a folder; odd names are taken literally."""
    paths = put(".env", "a/.env", "a/.env.local", "b/*.env", "b/ö\n.env")
    Path(".gitignore").write_text(".env.local\n")
    run("init", "-q")
    run("add", ".env", "a/.env")
    known = tracking(paths, ENVIRON)
    assert known.tracked == {Path(".env"), Path("a/.env")}
    assert known.unignored == {Path("b/*.env"), Path("b/ö\n.env")}
    assert known.reason == ""


def test_no_repository() -> None:
    """Outside of a repository nothing is tracked, and nothing is wrong."""
    assert tracking(put(".env"), ENVIRON) == Tracking()


def test_nothing_to_ask() -> None:
    """Without files git is not run."""
    assert tracking([], {"PATH": "/nowhere"}) == Tracking()


def fake(text: str) -> dict[str, str]:
    """Make a git of our own."""
    folder = Path("bin")
    folder.mkdir()
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return {"PATH": f"{folder.resolve()}:/bin:/usr/bin"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "echo 'fatal: detected dubious ownership in x' >&2; exit 128", "git says: detected dubious", id="refuses"
        ),
        pytest.param("exit 3", "git ends with 3", id="fails"),
        pytest.param("sleep 20", "git does not answer", id="hangs"),
    ],
)
def test_odd_git(text: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told."""
    monkeypatch.setattr(git, "_PATIENCE", 0.5)
    assert tracking(put(".env"), fake(text)).reason.startswith(reason)


def test_missing_git() -> None:
    """Without git it is said so."""
    assert tracking(put(".env"), {"PATH": "/nowhere"}).reason == "git is not installed"


def test_git_gets_no_secrets() -> None:
    """Neither in its environment nor in its arguments; a hook's GIT_DIR does not lead it astray."""
    environ = fake('env > "$PWD/seen"; echo "$@" >> "$PWD/seen"')
    tracking(put(".env"), {**environ, "LIVEKIT_API_SECRET": "hunter2", "GIT_DIR": "/elsewhere"})
    seen = Path("seen").read_text()
    assert "ls-files" in seen
    assert not [word for word in ("hunter2", "GIT_DIR=") if word in seen]
