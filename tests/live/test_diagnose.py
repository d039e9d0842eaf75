"""`lkctl diagnose` against a real server: healthy, gone, coming back; and what it leaves behind, which is nothing."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lkctl.localserver.process import LocalServer
from tests.harness import command, environment, invoke, on_terminal

pytestmark = pytest.mark.live

QUIET = ("--skip", "env.*", "--skip", "url.container")  # the server is judged here, and not where tests run


@pytest.fixture
def rooms(server: LocalServer) -> Callable[[], str]:
    """The names of the server's rooms."""

    def names() -> str:
        return invoke("room", "list", "-o", "name").out

    return names


def test_a_healthy_server(server: LocalServer) -> None:
    """No failure and no warning; the verdict is the last line, and there is no cause."""
    done = invoke("diagnose", *QUIET)
    assert (done.code, "Probable cause" in done.out) == (0, False)
    assert done.out.splitlines()[-1].startswith("PASS  ")
    shown = json.loads(invoke("diagnose", *QUIET, "-o", "json").out)
    assert (shown["verdict"], shown["probable_cause"], shown["counts"]["warn"]) == ("pass", None, 0)


def test_it_is_fast(server: LocalServer) -> None:
    """All checks run side by side."""
    shown = json.loads(invoke("diagnose", *QUIET, "-o", "json").out)
    assert shown["duration_ms"] < 2000


def test_nothing_is_made(server: LocalServer, rooms: Callable[[], str]) -> None:
    """The server has the same rooms before, while and after: also while it looks for the cause of a refusal."""
    before = rooms()
    for secret in (server.secret.reveal(), "w" * 43):
        running = subprocess.Popen(
            command("diagnose", *QUIET),
            env=environment({"LIVEKIT_API_SECRET": secret}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while running.poll() is None:
            assert rooms() == before
        assert rooms() == before


def test_the_cause_is_first_and_last(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe and on a terminal."""
    monkeypatch.setenv("LIVEKIT_API_SECRET", "w" * 43)
    piped = invoke("diagnose", *QUIET).out.splitlines()
    screen = on_terminal("diagnose", *QUIET, env={"NO_COLOR": "1"}).out.splitlines()
    for lines in (piped, screen):
        assert lines[0] == lines[-1]
        assert lines[0].startswith("Probable cause: http://127.0.0.1:")
        assert lines[0].endswith("is not its secret (401)  [api.auth]")


def test_wait_for_a_server_that_comes(start_livekit_server: Callable[..., LocalServer]) -> None:
    """Until nothing fails: what a deployment waits for."""
    gone = start_livekit_server()
    port, environ = gone.port, gone.environ
    gone.stop()
    waiting = subprocess.Popen(
        command("diagnose", *QUIET, "--wait", "30s", "-o", "json"),
        env=environment(environ), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1.5)
    assert waiting.poll() is None
    start_livekit_server(port=port, keys={environ["LIVEKIT_API_KEY"]: environ["LIVEKIT_API_SECRET"]})
    out, _ = waiting.communicate(timeout=30)
    assert (waiting.returncode, json.loads(out)["verdict"]) == (0, "pass")


def test_watch_a_server_that_goes(start_livekit_server: Callable[..., LocalServer]) -> None:
    """A line when it is gone, with the cause."""
    server = start_livekit_server()
    watching = subprocess.Popen(
        command("diagnose", *QUIET, "--watch", "0.3s", "-o", "tsv"),
        env=environment(server.environ), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert watching.stdout is not None
    first = watching.stdout.readline().split("\t")
    server.stop()
    second = watching.stdout.readline().split("\t")
    os.kill(watching.pid, signal.SIGINT)
    watching.communicate(timeout=10)
    assert watching.returncode == 130
    assert (first[1], second[1]) == ("pass", "fail")
    assert "net.tcp" in second[2]


def test_an_open_quote_is_the_cause(livekit_server: LocalServer) -> None:
    """Not the value that it has swallowed: that one is written there."""
    server, key, secret = livekit_server, livekit_server.key, livekit_server.secret.reveal()
    Path(".env").write_text(f"LIVEKIT_URL={server.url}\nLIVEKIT_API_KEY='{key}\nLIVEKIT_API_SECRET={secret}'\n")
    report = json.loads(invoke("diagnose", "-o", "json").out)
    assert report["probable_cause"]["check"] == "env.spelling"
    assert "a quote is opened in LIVEKIT_API_KEY" in report["probable_cause"]["message"]
