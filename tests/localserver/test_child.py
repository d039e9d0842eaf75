import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.child import Child
from tests.harness import until
from tests.localserver.stand_ins import gone

Run = Callable[..., Child]


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a shell script as a Child; all of them end with the test."""
    children: list[Child] = []

    def start(text: str, **more: Any) -> Child:
        children.append(Child(["/bin/sh", "-c", text], env=dict(os.environ), **more))
        return children[-1]

    yield start
    for child in children:
        child.kill()


def said_pid(child: Child) -> int:
    """Wait for the first line, a process number."""
    deadline = time.monotonic() + 5
    while not child.lines() and time.monotonic() < deadline:
        time.sleep(0.01)
    return int(child.lines()[0])


def test_it_ends_by_itself(run: Run) -> None:
    child = run("echo out; echo err >&2; exit 3")
    assert child.wait(5)
    assert (child.status, child.lines()) == (3, ["out", "err"])


def test_a_wait_may_be_too_short(run: Run) -> None:
    child = run("exec sleep 60")
    assert not child.wait(0.05)
    assert child.status is None


def test_output_is_drained_and_bounded(run: Run) -> None:
    child = run("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; head -c 1000000 /dev/zero | tr '\\0' x")
    assert child.wait(30)
    lines = child.lines()
    assert len(lines) == 200
    assert max(map(len, lines)) <= 4096


def test_output_that_is_no_text(run: Run) -> None:
    child = run(r"printf '\377\n'")
    assert child.wait(5)
    assert child.lines() == ["\N{REPLACEMENT CHARACTER}"]


def test_who_listens_hears_all_of_a_line(run: Run) -> None:
    heard: list[str] = []
    child = run("echo one; head -c 20000 /dev/zero | tr '\\0' x; echo; echo three >&2", heard=heard.append)
    assert child.wait(5)
    assert [len(line) for line in heard] == [3, 20000, 5]
    assert [len(line) for line in child.lines()] == [3, 4096, 5]


def test_stdin_is_empty(run: Run) -> None:
    child = run("read -r x || echo none")
    assert child.wait(5)
    assert child.lines() == ["none"]


def test_folder(run: Run, tmp_path: Path) -> None:
    child = run("pwd -P", folder=tmp_path)
    assert child.wait(5)
    assert child.lines() == [str(tmp_path.resolve())]


def test_it_is_out_of_reach_of_the_terminal(run: Run) -> None:
    child = run("exec sleep 60")
    assert os.getpgid(child.pid) not in {os.getpgrp(), child.pid}


@pytest.mark.parametrize("group", ["live", "ended by itself"])
def test_kill_takes_the_whole_group(group: str, run: Run) -> None:
    child = run("sleep 60 >/dev/null 2>&1 & echo $!; " + ("wait" if group == "live" else "exit 0"))
    grandchild = said_pid(child)
    if group != "live":
        assert child.wait(5)
    child.kill()
    child.kill()
    assert gone(grandchild)
    assert child.status is not None


def test_end_asks_before_it_kills(run: Run) -> None:
    child = run("trap 'echo asked; exit 0' TERM; echo $$; while :; do sleep 0.05; done")
    said_pid(child)
    child.end((signal.SIGTERM, 5.0))
    assert (child.status, child.lines()[1:]) == (0, ["asked"])


def test_end_kills_what_does_not_listen(run: Run) -> None:
    child = run("trap '' TERM; echo $$; while :; do sleep 0.05; done")
    said_pid(child)
    child.end((signal.SIGTERM, 0.1), (signal.SIGTERM, 0.1))
    assert child.status == -signal.SIGKILL


@pytest.mark.parametrize(
    ("name", "error"), [("nothing", FileNotFoundError), ("plain", PermissionError), ("garbage", OSError)]
)
def test_what_cannot_be_run(name: str, error: type[OSError], tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    (tmp_path / "garbage").write_bytes(b"\x00\x01")
    (tmp_path / "garbage").chmod(0o755)
    with pytest.raises(error):
        Child([str(tmp_path / name)], env={})


def test_it_outlives_the_thread_that_started_it(run: Run) -> None:
    started: list[Child] = []
    thread = threading.Thread(target=lambda: started.append(run("exec sleep 60")))
    thread.start()
    thread.join()
    assert not started[0].wait(0.3)


ORPHANS = """
import os, sys, time
from lkctl.localserver.child import Child
from tests.localserver.stand_ins import gone
child = Child(["/bin/sh", "-c", "trap '' TERM INT HUP; sleep 60 & echo $!; wait"], env=dict(os.environ))
while not child.lines():
    time.sleep(0.01)
print(child.pid, child.lines()[0], flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_it_ends_with_us_however_we_end(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as us:
        assert us.stdout is not None
        child, grandchild = map(int, us.stdout.readline().split())
        assert not gone(child, 0.05)
        us.send_signal(number)
        us.wait(10)
    assert gone(child)
    assert gone(grandchild)


GRACEFUL = """
import os, sys, time
from lkctl.localserver.child import Child
# Nobody reads our pipe any more by then: a shell that says "Terminated" into it would die of SIGPIPE
listens = "trap 'echo asked > asked; exit' TERM; echo $$; exec 2>/dev/null; while :; do sleep 0.05; done"
deaf = "trap '' TERM; echo $$; while :; do sleep 0.05; done"
text, grace = (listens, 20) if sys.argv[1] == "listens" else (deaf, 0.5)
child = Child(["/bin/sh", "-c", text], env=dict(os.environ), grace=grace)
while not child.lines():
    time.sleep(0.01)
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["listens", "deaf"])
def test_a_grace_lets_it_end_by_itself_when_we_are_killed(how: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", GRACEFUL, how]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=tmp_path, env=environment) as us:
        assert us.stdout is not None
        child = int(us.stdout.readline())
        us.kill()
        us.wait(10)
    assert gone(child)
    assert (tmp_path / "asked").exists() is (how == "listens")


SCRAPS = """
import os, sys, time
from pathlib import Path
from lkctl.localserver.child import Child
scrap = Path(sys.argv[1])
(scrap / "inside").mkdir(parents=True)
(scrap / "link").symlink_to(scrap.parent / "kept")
child = Child(["/bin/sh", "-c", "sleep 60"], env=dict(os.environ), grace=float(sys.argv[2]), scraps=[scrap])
if sys.argv[3] == "properly":
    child.kill()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", ["properly", "killed"])
@pytest.mark.parametrize("grace", ["0", "0.3"])
@pytest.mark.parametrize("name", ["plain", "a b", "$(touch made); '\"* kept"])
def test_scraps_go_when_we_are_killed(name: str, grace: str, how: str, tmp_path: Path) -> None:
    """Whatever they are called, and nothing but they; whoever ends properly removes them himself."""
    place = tmp_path / "place"
    (place / "kept").mkdir(parents=True)
    (place / "kept" / "file").touch()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", SCRAPS, str(place / name), grace, how]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=place, env=environment) as us:
        assert us.stdout is not None
        child = int(us.stdout.readline())
        us.kill()
        us.wait(10)
    assert gone(child)
    expected = {"kept", *([name] if how == "properly" else [])}
    assert until(lambda: {path.name for path in place.iterdir()} == expected, 5), sorted(place.iterdir())
    assert (place / "kept" / "file").exists()
