"""`lkctl version`: short for people, whole for a bug report."""

import json
import socket
from pathlib import Path

import pytest

from lkctl import __version__
from lkctl.localserver.program import VARIABLE
from tests.harness import invoke, spawn


def test_for_people() -> None:
    """Two lines."""
    assert [line.split("\t")[0] for line in invoke("version").out.splitlines()] == ["lkctl", "python"]


@pytest.mark.parametrize("format_", ["json", "jsonl"])
def test_for_a_bug_report(format_: str) -> None:
    """Its shape."""
    facts = json.loads(invoke("version", "-o", format_).out)
    assert list(facts) == [
        "lkctl", "python", "implementation", "system", "release", "machine", "openssl", "packages", "livekit_server"
    ]  # fmt: skip
    assert facts["lkctl"] == __version__
    assert {"livekit-api", "typer"} <= set(facts["packages"])


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("", None, id="an empty variable"),
        pytest.param("/nowhere/server", None, id="a variable that names none"),
        pytest.param("server", f"${VARIABLE}", id="the variable"),
    ],
)
def test_where_a_server_is_found(
    value: str | None, origin: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for, and not run; a wrong variable is no reason to tell nothing."""
    program = tmp_path / "server"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, str(program) if value == "server" else value)
    done = invoke("version", "-o", "json")
    assert (done.code, json.loads(done.out)["livekit_server"]) == (0, origin)
    assert not Path("ran").exists()


def test_it_asks_nobody_and_names_no_machine(tmp_path: Path) -> None:
    """No path, no host, no user: it can be pasted into an issue."""
    folder = tmp_path / "sitecustomize.py"
    folder.write_text("import socket\nsocket.socket.connect = socket.getaddrinfo = None\n")
    done = spawn("version", "-o", "json", env={"PYTHONPATH": str(tmp_path), "LIVEKIT_API_SECRET": "s" * 43})
    assert done.code == 0
    assert "/" not in done.out
    assert socket.gethostname() not in done.out
    assert "sss" not in done.out
