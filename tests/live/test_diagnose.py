"""`lkctl diagnose` against a real server: healthy, gone, coming back; and what it leaves behind, which is nothing."""

import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from lkctl.localserver.config import free_tcp_port
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
    screen = on_terminal("diagnose", *QUIET, env={"NO_COLOR": "1"}, columns=200).out.splitlines()
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


@contextmanager
def watched(terminal: bool, environ: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], TextIO]]:
    """Watch in a session of its own, on a terminal or into a pipe; give the process and what it shows."""
    main, side = pty.openpty() if terminal else os.pipe()
    words = command("diagnose", *QUIET, "--watch", "0.3s", "-o", "table" if terminal else "tsv")
    other = side if terminal else subprocess.DEVNULL
    process = subprocess.Popen(
        words, stdin=other, stdout=side, stderr=other, env=environment({**environ, "NO_COLOR": "1"}), text=True,
        start_new_session=True,
    )  # fmt: skip
    os.close(side)
    try:
        with os.fdopen(main, encoding="utf-8") as shown:
            yield process, shown
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_watch_a_server_that_goes_and_comes(terminal: bool, start_livekit_server: Callable[..., LocalServer]) -> None:
    """A line when it is gone, with the cause, and one when it is back; ^C ends it at once, and no process is left."""
    server = start_livekit_server(port=free_tcp_port())
    with watched(terminal, dict(server.environ)) as (process, shown):
        seen = [_verdict(shown)]
        server.stop()
        seen.append(_verdict(shown))
        server.start()
        while seen[-1][0] != "pass":  # while it starts, it may fail in another way
            seen.append(_verdict(shown))
        started = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        assert process.wait(10) == 130
        assert time.monotonic() - started < 2
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert (seen[0][0], seen[1][0]) == ("pass", "fail")
    assert "net.tcp" in seen[1][1]


def _verdict(shown: TextIO) -> tuple[str, str]:
    """Give the next verdict, and the line that tells it."""
    line = next(line for line in iter(shown.readline, "") if "every" not in line)
    return line.split()[1].lower(), line


def test_an_open_quote_is_the_cause(livekit_server: LocalServer) -> None:
    """Not the value that it has swallowed: that one is written there."""
    server, key, secret = livekit_server, livekit_server.key, livekit_server.secret.reveal()
    Path(".env").write_text(f"LIVEKIT_URL={server.url}\nLIVEKIT_API_KEY='{key}\nLIVEKIT_API_SECRET={secret}'\n")
    report = json.loads(invoke("diagnose", "-o", "json").out)
    assert report["probable_cause"]["check"] == "env.spelling"
    assert "a quote is opened in LIVEKIT_API_KEY" in report["probable_cause"]["message"]
