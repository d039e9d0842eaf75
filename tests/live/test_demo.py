"""`lkctl demo`, as a newcomer runs it."""

import json
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from lkctl.localserver.process import LocalServer
from tests.harness import SECRETS, command, environment, invoke, on_terminal, spawn

pytestmark = pytest.mark.live


@pytest.fixture
def program(livekit_server: LocalServer) -> dict[str, str]:
    """The environment in which the program is found (HOME is empty here)."""
    SECRETS.add(livekit_server.secret.reveal())
    return {"LKCTL_LIVEKIT_SERVER": str(livekit_server.program)}


def test_five_scenes(program: dict[str, str]) -> None:
    """Real joins, the expected ID and log line in each, a healthy server, exit 0."""
    done = spawn("demo", "-o", "json", env=program)
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    scenes = answer["scenes"]
    sources = ["room.name", "room.metadata", "env", "participant.metadata", "room.metadata"]
    assert [scene["source"] for scene in scenes] == sources
    assert [scene["expected"]["source"] for scene in scenes] == sources
    for scene in scenes:
        assert scene["ok"]
        assert scene["user_id"] == scene["expected"]["user_id"]
        assert scene["joined"]
        assert scene["log"][0].endswith(scene["user_id"])
        assert len(scene["commands"]) == 3
    assert len({scene["user_id"] for scene in scenes}) == 5
    assert answer["report"]["verdict"] == "pass"


def test_the_tour_for_people(program: dict[str, str]) -> None:
    """Numbered scenes with the commands to type, and where to go from here."""
    screen = on_terminal("demo", env=program, columns=140).out
    for number in range(1, 6):
        assert f"{number}. The " in screen
    assert screen.count("$ lkctl room create") == screen.count("joined the room") == 5
    assert screen.count("✓ as expected") == 5
    assert "5 of 5 scenes gave the expected ID." in screen
    assert "Next: lkctl server start --write-env .env.local" in screen


def test_the_shown_commands_work(server: LocalServer, program: dict[str, str]) -> None:
    """What the tour tells people to type does what the tour says."""
    import shlex

    for scene in json.loads(spawn("demo", "--live", "-o", "json", env={**program, **server.environ}).out)["scenes"]:
        create, mint, resolve = (shlex.split(line)[1:] for line in scene["commands"])
        assert invoke(*create).code == 0
        assert invoke(*mint).code == 0
        answer = json.loads(invoke(*resolve, "-o", "json").out)
        if scene["source"] != "participant.metadata":  # nobody joined with that token here
            assert (answer["user_id"], answer["source"]) == (scene["user_id"], scene["source"])
        assert invoke("room", "delete", scene["room"], "--yes").code == 0


def test_live_leaves_nothing_behind(server: LocalServer) -> None:
    """On the configured server: the same scenes, and no room of ours afterwards."""
    before = invoke("room", "list", "-o", "name").out
    done = spawn("demo", "--live", "-o", "json", env=server.environ)
    assert (done.code, json.loads(done.out)["server"]) == (0, server.http_url)
    assert invoke("room", "list", "-o", "name").out == before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["Five ways", "1. The", "3. The", "4. The"])
def test_interrupted(number: signal.Signals, code: int, moment: str, server: LocalServer) -> None:
    """Stopped at any moment: its exit code, no room, no guest, no traceback."""
    before = invoke("room", "list", "-o", "name").out
    process = subprocess.Popen(
        command("demo", "--live"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(server.environ),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if moment.encode() in line:
            break
    time.sleep(0.2)  # into the next scene
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in err
    assert invoke("room", "list", "-o", "name").out == before
    assert guests_of(process.pid) == []


def guests_of(parent: int) -> list[str]:
    """Give the guests that a process left behind, whether they are its children still or orphans."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # it ended while we looked
            ppid = re.search(r"^PPid:\s*(\d+)", status.read_text(), re.MULTILINE)
            line = (status.parent / "cmdline").read_text().replace("\0", " ")
            if "lkctl.server.guest" in line and ppid and int(ppid[1]) in {1, parent}:
                found.append(line)
    return found


def test_without_a_server_program(tmp_path: object) -> None:
    """Nothing found and nothing to build with: the ways to get one, exit 3."""
    done = spawn("demo", "-o", "json", env={"PATH": "/nonexistent", "LKCTL_LIVEKIT_SERVER": "/nonexistent/server"})
    assert (done.code, json.loads(done.err)["error"]["code"]) == (3, "livekit-server-missing")


def test_a_scene_that_fails_is_told(program: dict[str, str]) -> None:
    """The exit code follows the scenes: on a server that refuses us it is not 0."""
    done = spawn(
        "demo",
        "--live",
        "-o",
        "json",
        env={"LIVEKIT_URL": "ws://127.0.0.1:9", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32},
    )
    assert (done.code, json.loads(done.err)["error"]["code"]) == (5, "net-refused")
