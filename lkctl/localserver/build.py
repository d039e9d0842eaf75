"""Building the pinned livekit-server with Go, into the cache."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from lkctl.errors import LkctlError
from lkctl.localserver.cache import cache_folder, make_folder, unwritable
from lkctl.localserver.child import Child
from lkctl.localserver.go import Go
from lkctl.localserver.program import VERSION, Program, cached_program, runs, version_of, without_livekit
from lkctl.secret import scrub

MODULE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"  # the product is called livekit-server
COMMAND = ("install", MODULE)
DEADLINE = 20 * 60.0
_SHOWN_LINES = 8
_SCRATCH = ".build-"


def build(environ: Mapping[str, str], go: Go, *, again: bool = False, deadline: float = DEADLINE) -> Program:
    """Build the program into the cache, unless another process has just done so (`again` builds all the same).

    Processes that build at the same time take turns, and the program appears in one step. Whatever happens, no scratch
    folder and no compiler is left behind. Raises `build-failed` with Go's last lines, or `file-unwritable`.
    """
    target = cached_program(environ)
    make_folder(target.parent)
    until = time.monotonic() + deadline
    try:
        with _turn(target.parent, until) as alone:
            if alone:
                _sweep(target.parent)
            if again or not runs(target):
                _build(environ, go, target, until)
    except OSError as error:
        raise unwritable(target.parent, error) from None
    return Program(target, "cache")


def _build(environ: Mapping[str, str], go: Go, target: Path, until: float) -> None:
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=target.parent))
    try:
        _run(go, _go_environment(environ, go, scratch), scratch, until)
        built = scratch / "server"
        said = version_of(built)
        if said != VERSION:
            raise _failed(f"Go ended well, but what it built says version {said or 'nothing'} instead of {VERSION}")
        built.replace(target)
    finally:
        _remove(scratch)


def _run(go: Go, env: Mapping[str, str], folder: Path, until: float) -> None:
    try:
        child = Child([str(go.path), *COMMAND], env=env, folder=folder)
    except OSError as error:
        raise _failed(f"cannot run {go.path}: {os.strerror(error.errno or 0)}") from None
    try:
        while not child.wait(1.0):
            if time.monotonic() > until:
                raise _failed("Go did not come to an end in time", child.lines())
        if child.status:
            raise _failed(f"go {' '.join(COMMAND)} ended with status {child.status}", child.lines())
    finally:
        child.kill()


def _go_environment(environ: Mapping[str, str], go: Go, scratch: Path) -> dict[str, str]:
    """Give the user's own Go environment, with the result and all temporary files in our scratch folder."""
    env = {**without_livekit(environ), "GOBIN": str(scratch), "GOTMPDIR": str(scratch)}
    if go.root is not None:
        env["GOROOT"] = str(go.root)
    if not env.get("HOME"):  # Go refuses to run without these
        env.setdefault("GOPATH", str(cache_folder(environ) / "go"))
        env.setdefault("GOCACHE", str(cache_folder(environ) / "go-build"))
    return env


def _failed(message: str, lines: list[str] | None = None) -> LkctlError:
    tail = scrub("".join(f"\n  {line}" for line in (lines or [])[-_SHOWN_LINES:]))
    hint = f"Try by hand: go {' '.join(COMMAND)}; it needs a network, about 1 GB of disk and a recent Go"
    return LkctlError("build-failed", message + (":" + tail if tail else ""), hint=hint)


@contextlib.contextmanager
def _turn(folder: Path, until: float) -> Iterator[bool]:
    """Wait until no other process builds here; False where the file system cannot tell."""
    with (folder / ".lock").open("w") as lock:  # closing it gives the turn to the next
        while not (locked := _locked(lock.fileno())) and locked is not None:
            if time.monotonic() > until:
                raise _failed("another lkctl builds it, and did not come to an end in time")
            time.sleep(0.2)
        yield bool(locked)


def _locked(number: int) -> bool | None:
    """Lock a file; False where another process has it, None where the file system has no locks."""
    import fcntl

    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _sweep(folder: Path) -> None:
    """Remove what a killed lkctl left."""
    for left in folder.glob(f"{_SCRATCH}*"):
        _remove(left)


def _remove(folder: Path) -> None:
    """Remove a scratch folder; a compiler that is just dying may still write into it for a moment."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return
        time.sleep(0.1)
