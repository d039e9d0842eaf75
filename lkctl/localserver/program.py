"""Which livekit-server program: the three places where one is looked for."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lkctl.errors import LkctlError
from lkctl.localserver.cache import cache_folder

VERSION = "1.13.5"
VARIABLE = "LKCTL_LIVEKIT_SERVER"
NAME = "livekit-server"
_SECONDS_TO_SAY_VERSION = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """A livekit-server program, and where it was found: `$LKCTL_LIVEKIT_SERVER`, `PATH` or `cache`."""

    path: Path
    origin: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place where one is looked for; `program` is None where there is none, and `said` says so in words."""

    name: str
    program: Path | None
    said: str


def find(environ: Mapping[str, str]) -> Program | None:
    """Give the program that comes first; raise `livekit-server-missing` where the variable names none.

    What the variable names is never passed over: to run another program than the one that was named would be worse.
    """
    for place in places(environ):
        if place.program is not None:
            return Program(place.program, place.name)
    return None


def places(environ: Mapping[str, str]) -> tuple[Place, ...]:
    """Look into all three places, in order; raise as `find` does."""
    on_path = shutil.which(NAME, path=environ.get("PATH", ""))
    cached = cached_program(environ)
    return (
        _named(environ),
        Place("PATH", Path(on_path) if on_path else None, on_path or f"no {NAME} there"),
        Place("cache", cached, str(cached)) if runs(cached) else Place("cache", None, f"not at {cached}"),
    )


def cached_program(environ: Mapping[str, str]) -> Path:
    """Say where the pinned release stands once it is built."""
    return cache_folder(environ) / NAME / VERSION / NAME


def version_of(program: Path, *, within: float = _SECONDS_TO_SAY_VERSION) -> str | None:
    """Ask the program for its version, for example `1.13.5`; None where it does not say one."""
    try:
        answer = subprocess.run(
            [program, "--version"],
            env=without_livekit(os.environ),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=within,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(rb"version v?(\d+\.\d+\.\d+[\w.+-]*)", answer.stdout)
    return found[1].decode() if found else None


def without_livekit(environ: Mapping[str, str]) -> dict[str, str]:
    """Give an environment for a child: ours, without LiveKit's settings and secrets."""
    return {name: value for name, value in environ.items() if not name.startswith("LIVEKIT_")}


def _named(environ: Mapping[str, str]) -> Place:
    if VARIABLE not in environ:
        return Place(f"${VARIABLE}", None, "not set")
    named = environ[VARIABLE]
    path = Path(named).absolute()
    if not named or not runs(path):
        message = f"{VARIABLE} is {named!r}, which is not an executable file" if named else f"{VARIABLE} is empty"
        raise LkctlError("livekit-server-missing", message, hint=f"Name a {NAME} program there, or unset it")
    return Place(f"${VARIABLE}", path, str(path))


def runs(path: Path) -> bool:
    """Tell whether this is a file that may be executed."""
    return path.is_file() and os.access(path, os.X_OK)
