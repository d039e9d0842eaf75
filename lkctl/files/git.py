"""What git knows of a few files. git may be missing, refuse, or hang; none of that is a failure here."""

import os
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PATIENCE = 3.0  # seconds for all calls together
_KEPT = ("PATH", "HOME", "XDG_CONFIG_HOME", "SYSTEMROOT", "USERPROFILE")
_NO_REPOSITORY = 128


@dataclass(frozen=True, slots=True)
class Tracking:
    """Which of the files git tracks, and which it would take in with `git add .`; `reason`: why it cannot be told."""

    tracked: frozenset[Path] = frozenset()
    unignored: frozenset[Path] = frozenset()
    reason: str = ""


def tracking(paths: Iterable[Path], environ: Mapping[str, str]) -> Tracking:
    """Ask git about files, one call a folder; a folder outside of any repository has no tracked files."""
    end = time.monotonic() + _PATIENCE
    tracked: set[Path] = set()
    unignored: set[Path] = set()
    for folder, names in _by_folder(paths).items():
        answer = _list(folder, names, environ, end - time.monotonic())
        if isinstance(answer, str):
            return Tracking(frozenset(tracked), frozenset(unignored), answer)
        tracked.update(folder / name for tag, name in answer if tag != "?")
        unignored.update(folder / name for tag, name in answer if tag == "?")
    return Tracking(frozenset(tracked), frozenset(unignored))


def _by_folder(paths: Iterable[Path]) -> dict[Path, list[str]]:
    folders: dict[Path, list[str]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path.name)
    return folders


def _list(folder: Path, names: Sequence[str], environ: Mapping[str, str], left: float) -> list[tuple[str, str]] | str:
    """Give tag and name of each file git would show (`git ls-files -t`: `?` is untracked), or why it cannot."""
    command = ["git", "-c", "core.fsmonitor=false", "--literal-pathspecs"]  # a repository may name a program there
    command += ["ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", "--", *names]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=max(0.1, left),
            check=False,
        )
    except FileNotFoundError:
        return "git is not installed"
    except subprocess.TimeoutExpired:
        return "git does not answer"
    except OSError as error:
        return f"git cannot be run: {os.strerror(error.errno or 0)}"
    if done.returncode:
        return _complaint(done.returncode, done.stderr.decode(errors="replace"))
    entries = done.stdout.decode(errors="surrogateescape").split("\0")
    return [(entry[:1], entry[2:]) for entry in entries if entry]


def _complaint(code: int, said: str) -> list[tuple[str, str]] | str:
    if code == _NO_REPOSITORY and "not a git repository" in said:
        return []
    first = said.strip().partition("\n")[0].removeprefix("fatal: ")
    return f"git says: {first[:200]}" if first else f"git ends with {code}"


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Give git what it needs and no secrets; GIT_DIR of a hook would point it elsewhere."""
    kept = {name: environ[name] for name in _KEPT if name in environ}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
