"""A program that we run: in a process group of its own, its output drained, and gone when we are gone."""

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_MOST_LINES = 200
_LONGEST_LINE = 4096
_LONGEST_HEARD = 1 << 20  # of a line that somebody listens to
_MOMENT = 2.0  # seconds between the closing of a program's output and its end, and between SIGKILL and both

# The leader of the program's group: a shell that waits for the end of a pipe that only we hold open. When we end in any
# way, SIGKILL included, it kills the group. Unlike PR_SET_PDEATHSIG this does not depend on the thread that started the
# program, runs nothing between fork and exec, and works on macOS. `kill 0` names no number that could be another's.
# With a grace it asks the group to end first (SIGTERM), and kills what is left so many seconds later.
# It removes the folders that it was given as arguments: nobody else would.
_WATCH = """read -r x; rm -rf -- "$@"; kill -9 0"""
_WATCH_KINDLY = """trap '' TERM; read -r x; kill -15 0; sleep {grace:g}; rm -rf -- "$@"; kill -9 0"""


class Child:
    """A running program. Its stdin is empty; of stdout and stderr the last 200 lines are kept.

    The terminal's ^C does not reach it. `kill()` must be called in the end; it may be called again.
    `heard` is called with each line, up to 1 MiB of it, in a thread of its own. `grace`: the seconds that the group has
    between SIGTERM and SIGKILL when this process ends without `kill()`.
    `scraps`: folders that are removed when this process ends without `kill()`.
    Raises OSError where the program cannot be run.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        folder: Path | None = None,
        heard: Callable[[str], None] | None = None,
        grace: float = 0,
        scraps: Sequence[Path] = (),
    ) -> None:
        self._lines: deque[str] = deque(maxlen=_MOST_LINES)
        self._heard = heard
        self._drained = threading.Event()
        self._watcher, self._tether = _watch(grace, scraps)
        output, written = os.pipe()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=written,
                env=env,
                cwd=folder,
                process_group=self._watcher.pid,
            )
        except BaseException:
            os.close(output)
            self._kill_group()
            raise
        finally:
            os.close(written)
        threading.Thread(target=self._drain, args=(output,), daemon=True).start()

    @property
    def pid(self) -> int:
        """The program's process number."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def lines(self) -> list[str]:
        """Give the last lines of its output."""
        return list(self._lines)

    def wait(self, seconds: float) -> bool:
        """Wait for its end for a while; tell whether it has ended. If so, its last lines are there."""
        drained = self._drained.wait(seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_MOMENT if drained else 0)
        if self.status is None:
            return False
        self._drained.wait(_MOMENT)
        return True

    def end(self, *steps: tuple[signal.Signals, float]) -> None:
        """Send it each signal in turn and wait the seconds given with it; then kill what is left."""
        try:
            for number, seconds in steps:
                self._process.send_signal(number)
                if self.wait(seconds):
                    return
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill it and all of its group, and wait for its end."""
        if self._tether >= 0:
            self._kill_group()
            self.wait(_MOMENT)

    def _kill_group(self) -> None:
        """Kill the group. Until its leader is waited for, its number cannot become another's."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._watcher.pid, signal.SIGKILL)
        tether, self._tether = self._tether, -1
        os.close(tether)
        self._watcher.wait()

    def _drain(self, output: int) -> None:
        with os.fdopen(output, "rb") as stream:
            while line := stream.readline(_LONGEST_HEARD if self._heard else _LONGEST_LINE):
                text = line.decode(errors="replace").rstrip()
                self._lines.append(text[:_LONGEST_LINE])
                if self._heard:
                    self._heard(text)
        self._drained.set()


def _watch(grace: float, scraps: Sequence[Path]) -> tuple[subprocess.Popen[bytes], int]:
    """Start the leader of a new group; give it with our end of the pipe."""
    watched, tether = os.pipe()
    try:
        leader = subprocess.Popen(
            ("/bin/sh", "-c", _WATCH_KINDLY.format(grace=grace) if grace else _WATCH, "sh", *map(str, scraps)),
            stdin=watched,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            process_group=0,
        )
    except BaseException:
        os.close(tether)
        raise
    finally:
        os.close(watched)
    return leader, tether
