"""Runs lkctl the ways people run it, and remembers all that it printed: conftest.py searches it after each test."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from lkctl.cli import run

PRINTED: list[tuple[str, str]] = []  # by the test under way: what was run, what it printed
SECRETS: set[str] = set()  # values that must never be printed
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*")
OURS: set[str] = set()  # tokens that were minted for the user: allowed on stdout


@dataclass(frozen=True, slots=True)
class Done:
    """A finished run."""

    code: int
    out: str
    err: str


def invoke(*arguments: str, stdin: str | bytes = "") -> Done:
    """Run in this process: fast. Environment and working directory are the test's own (monkeypatch)."""
    content = stdin.encode() if isinstance(stdin, str) else stdin
    before = sys.stdin, sys.stdout, sys.stderr
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(out, encoding="utf-8")
    sys.stderr = io.TextIOWrapper(err, encoding="utf-8")
    try:
        code = run(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
        return remembered(arguments, Done(code, out.getvalue().decode(), err.getvalue().decode()))
    finally:
        sys.stdin, sys.stdout, sys.stderr = before
        for number, handler in handlers.items():
            signal.signal(number, handler)


def spawn(
    *arguments: str, stdin: str | bytes = "", env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Done:
    """Run as a process of its own, with pipes."""
    content = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        command(*arguments), input=content, capture_output=True, env=environment(env), cwd=cwd, timeout=120, check=False
    )
    return remembered(arguments, Done(done.returncode, done.stdout.decode(), done.stderr.decode()))


def on_terminal(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, typed: str = "", columns: int = 100
) -> Done:
    """Run on a terminal of its own; `out` holds what the screen got of both streams, without carriage returns."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        command(*arguments),
        stdin=side,
        stdout=side,
        stderr=side,
        close_fds=True,
        cwd=cwd,
        env=environment({"TERM": "xterm-256color", "COLUMNS": str(columns), **(env or {})}),
    )
    os.close(side)
    if typed:
        os.write(main, typed.encode())
    screen = _read_screen(main, time.monotonic() + 60)
    code = process.wait(10)
    os.close(main)
    return remembered(arguments, Done(code, screen.replace("\r\n", "\n"), ""))


def until(condition: Callable[[], bool], seconds: float = 15) -> bool:
    """Wait until something holds, and say whether it does."""
    end = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return held


def lacking(what: str) -> NoReturn:
    """Skip the test for want of a program; in CI fail, for nobody would see that it never runs."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(what)


def command(*arguments: str) -> list[str]:
    """Give the argv that runs lkctl here."""
    return [sys.executable, "-m", "lkctl", *arguments]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give this process's environment with changes."""
    return {**os.environ, **(changes or {})}


def remembered(arguments: tuple[str, ...], done: Done) -> Done:
    """Keep what was printed for the search at the end of the test."""
    if arguments[:2] == ("token", "mint"):
        OURS.update(re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", done.out))
    PRINTED.append((" ".join(arguments), done.out + done.err))
    return done


def insist_clean(printed: Iterable[tuple[str, str]], secrets: Iterable[str], ours: Iterable[str]) -> None:
    """Fail where what was printed holds a secret, or a part of one, or a token that `token mint` did not make."""
    for what, text in printed:
        for secret in secrets:
            part = secret[-20:] if secret.startswith("eyJ") else secret[:20]  # all tokens begin in the same way
            assert part not in text, f"a secret was printed: {what}"
        foreign = [token for token in _JWT.findall(text) if not any(one.startswith(token) for one in ours)]
        assert not foreign, f"a foreign token was printed: {what}"


def _read_screen(main: int, end: float) -> str:
    seen = b""
    while time.monotonic() < end:
        ready, _, _ = select.select([main], [], [], 0.5)
        if not ready:
            continue
        try:
            part = os.read(main, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        seen += part
    return seen.decode("utf-8", "replace")


def freeze(pid: int) -> None:
    """Stop a process, and wait until all its threads stand still; the kernel still takes connections for it."""
    os.kill(pid, signal.SIGSTOP)
    limit = time.monotonic() + 5
    stats = list(Path(f"/proc/{pid}/task").glob("*/stat"))  # none on a Mac
    while any(") T " not in stat.read_text() for stat in stats):
        assert time.monotonic() < limit, "it does not stop"
        time.sleep(0.01)
