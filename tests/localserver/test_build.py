import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.build import MODULE, build
from lkctl.localserver.go import Go
from lkctl.localserver.program import VERSION, cached_program, version_of
from tests.localserver.stand_ins import fake_go, gone, leftovers, path_with, script


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path / "h"), "PATH": path_with(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}


def calls(tmp_path: Path) -> list[str]:
    """Give the argument lines that the fake go was called with."""
    return (tmp_path / "calls").read_text().splitlines()


def test_it_builds_the_pinned_release_once(environ: dict[str, str], tmp_path: Path) -> None:
    go = Go(fake_go(tmp_path), "PATH")
    program = build(environ, go)
    assert (program.path, program.origin) == (cached_program(environ), "cache")
    assert version_of(program.path) == VERSION
    build(environ, go)
    assert calls(tmp_path) == [f"install {MODULE}"]
    build(environ, go, again=True)
    assert len(calls(tmp_path)) == 2
    assert not leftovers(tmp_path)


@pytest.mark.parametrize(
    ("changes", "root", "line"),
    [
        pytest.param({"GOFLAGS": "-x"}, None, "GOFLAGS=-x", id="the user's settings stay"),
        pytest.param({"GOTMPDIR": "/elsewhere"}, None, "GOTMPDIR={scratch}", id="temporary files are ours"),
        pytest.param({"LIVEKIT_API_SECRET": "s" * 43}, None, "!LIVEKIT_", id="no secret"),
        pytest.param({"GOROOT": "/other"}, Path("/wheel/go"), "GOROOT=/wheel/go", id="the wheel's root"),
        pytest.param({}, None, "!GOPATH=", id="Go's own places under HOME"),
        pytest.param({"HOME": ""}, None, "GOPATH={cache}/go", id="no HOME: modules"),
        pytest.param({"HOME": ""}, None, "GOCACHE={cache}/go-build", id="no HOME: objects"),
        pytest.param({"HOME": "", "GOPATH": "/mine"}, None, "GOPATH=/mine", id="no HOME, but told"),
    ],
)
def test_what_go_is_told(
    changes: dict[str, str], root: Path | None, line: str, environ: dict[str, str], tmp_path: Path
) -> None:
    go = Go(fake_go(tmp_path, f'env > {tmp_path}/env; pwd > "{tmp_path}/folder"'), "PATH", root)
    build({**environ, **changes}, go)
    env = (tmp_path / "env").read_text().splitlines()
    scratch = (tmp_path / "folder").read_text().strip()
    wanted = line.format(scratch=scratch, cache=tmp_path / "cache" / "lkctl")
    assert any(word.startswith(wanted[1:]) for word in env) is False if wanted[0] == "!" else wanted in env
    assert f"GOBIN={scratch}" in env


@pytest.mark.parametrize(
    ("before", "said"),
    [
        pytest.param("echo 'proxy: no route' >&2; exit 1", r"ended with status 1:\n  proxy: no route", id="fails"),
        pytest.param("exec sleep 60", "did not come to an end in time", id="hangs"),
        pytest.param("trap '' INT TERM; sleep 60 & wait; sleep 60", "did not come to an end in time", id="hangs, deaf"),
        pytest.param("exit 0", "says version nothing instead of", id="builds nothing"),
        pytest.param("seq 0 98; exit 1", r"status 1:\n  91\n", id="the last lines"),
        pytest.param("touch $GOBIN/server; mkdir -p $GOTMPDIR/deep; kill -9 $$", "status -9", id="is killed"),
    ],
)
def test_failures_leave_nothing(before: str, said: str, environ: dict[str, str], tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(LkctlError, match=said) as caught:
        build(environ, Go(fake_go(tmp_path, before), "PATH"), deadline=0.5)
    assert (caught.value.code, MODULE in caught.value.hint) == ("build-failed", True)
    assert not cached_program(environ).exists()
    assert not leftovers(tmp_path)
    assert time.monotonic() - begun < 10


def test_a_failure_leaves_the_program_that_was_there(environ: dict[str, str], tmp_path: Path) -> None:
    build(environ, Go(fake_go(tmp_path), "PATH"))
    with pytest.raises(LkctlError):
        build(environ, Go(fake_go(tmp_path, "exit 1"), "PATH"), again=True)
    assert version_of(cached_program(environ)) == VERSION


def test_a_wrong_version_is_not_taken(environ: dict[str, str], tmp_path: Path) -> None:
    body = r"printf '#!/bin/sh\necho version 1.0.0\n' > $GOBIN/server; chmod +x $GOBIN/server"
    with pytest.raises(LkctlError, match=f"says version 1.0.0 instead of {VERSION}"):
        build(environ, Go(script(tmp_path / "go", body), "PATH"))


def test_a_go_that_cannot_run(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "go").write_bytes(b"\x00")
    (tmp_path / "go").chmod(0o755)
    with pytest.raises(LkctlError, match=r"cannot run .*Exec format error") as caught:
        build(environ, Go(tmp_path / "go", "PATH"))
    assert caught.value.code == "build-failed"


@pytest.mark.parametrize("obstacle", ["cache", "cache/lkctl/livekit-server"])
def test_a_cache_that_cannot_be_written(obstacle: str, environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / obstacle).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / obstacle).touch()
    with pytest.raises(LkctlError, match=r"cannot write .*Not a directory") as caught:
        build(environ, Go(fake_go(tmp_path), "PATH"))
    assert (caught.value.code, "XDG_CACHE_HOME" in caught.value.hint) == ("file-unwritable", True)


def test_a_folder_in_the_programs_place(environ: dict[str, str], tmp_path: Path) -> None:
    (cached_program(environ) / "x").mkdir(parents=True)
    with pytest.raises(LkctlError, match="cannot write") as caught:
        build(environ, Go(fake_go(tmp_path), "PATH"))
    assert caught.value.code == "file-unwritable"
    assert not leftovers(tmp_path)


def test_what_a_killed_lkctl_left_is_swept(environ: dict[str, str], tmp_path: Path) -> None:
    left = cached_program(environ).parent / ".build-old"
    left.mkdir(parents=True)
    (left / "half").touch()
    build(environ, Go(fake_go(tmp_path), "PATH"))
    assert not leftovers(tmp_path)


def test_builders_take_turns(environ: dict[str, str], tmp_path: Path) -> None:
    go = Go(fake_go(tmp_path, "sleep 0.5"), "PATH")
    built = []
    threads = [threading.Thread(target=lambda: built.append(build(environ, go))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(built) == 3
    assert len(calls(tmp_path)) == 1


def test_a_turn_that_does_not_come(environ: dict[str, str], tmp_path: Path) -> None:
    slow, quick = Go(fake_go(tmp_path / "slow", "sleep 2"), "PATH"), Go(fake_go(tmp_path), "PATH")
    thread = threading.Thread(target=lambda: build(environ, slow))
    thread.start()
    while not leftovers(tmp_path):
        time.sleep(0.01)
    with pytest.raises(LkctlError, match="another lkctl builds it"):
        build(environ, quick, deadline=0.3)
    thread.join(20)
    assert version_of(cached_program(environ)) == VERSION


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        pytest.param(signal.SIGINT, 130, "interrupted\n", id="^C"),
        pytest.param(signal.SIGTERM, 143, "terminated\n", id="SIGTERM"),
        pytest.param(signal.SIGKILL, -9, "", id="SIGKILL"),
    ],
)
def test_the_compiler_ends_with_lkctl(
    number: signal.Signals, code: int, said: str, environ: dict[str, str], tmp_path: Path
) -> None:
    fake_go(tmp_path, f"sleep 61 & echo $! > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; wait")
    words = [sys.executable, "-m", "lkctl", "server", "install"]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lkctl:
        compiler = int(awaited(tmp_path / "pid"))
        lkctl.send_signal(number)
        out, err = lkctl.communicate(timeout=20)
    assert (lkctl.returncode, out) == (code, "")
    assert err.startswith("building ")
    assert err.endswith(said)
    assert gone(compiler)
    assert bool(leftovers(tmp_path)) == (number is signal.SIGKILL)


def awaited(path: Path) -> str:
    """Wait for a file."""
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return path.read_text()
