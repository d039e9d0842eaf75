"""What a launch runs: the bundled agent or a script of the user's, by which interpreter, in which environment."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lkctl.agents.launch.diagnosis import bundled_hints
from lkctl.errors import LkctlError
from lkctl.settings.layers import Target
from lkctl.userid import ENV_NAME
from lkctl.userid.readiness import Patience

_OVERRIDE = "LIVEKIT_AGENT_NAME_OVERRIDE"  # beats the script's own code (measured on livekit-agents 1.8.9)
# The folder comes first of all, also before the finders by which editable installations come into an interpreter
_START = """\
import sys
from importlib.machinery import PathFinder
from os.path import dirname

sys.path.insert(0, dirname(__file__))
sys.meta_path.insert(0, PathFinder)
from lkctl.agents.worker import main

main()
"""
_PACKAGE = Path(__file__).parents[2]
# Of our shell's environment an agent gets none of these: an ID that nobody gave it, and a log too quiet to be judged
_WITHHELD = {ENV_NAME, "LIVEKIT_LOG_LEVEL"}
# A print of the script's is heard at once, and can be anything
_OUTSPOKEN = {"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}


@dataclass(frozen=True, slots=True)
class Program:
    """Commands to try one after the other, the next one where a script knows no `dev`; and the environment.

    `folders` are of no use after it; `hints` are next steps by error code, where they are other than a script's.
    """

    commands: tuple[tuple[str, ...], ...]
    env: Mapping[str, str]
    folders: tuple[Path, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)


def check_script(path: str) -> Path:
    """Give the path of a script; raise `file-unreadable` where there is none."""
    script = Path(path)
    try:
        script.open("rb").close()
    except OSError as error:
        told = f"the script {path} cannot be read ({os.strerror(error.errno or 0)})"
        raise LkctlError("file-unreadable", told, hint="Give the path of the Python file of your agent") from None
    return script.resolve()


def agents_environment(target: Target, name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of an agent: this shell's, but for a user ID in it, then what was given, then the server.

    `target` is the server, `name` the agent's. The secret stands here and nowhere else of the child.
    """
    inherited = {key: value for key, value in os.environ.items() if _is_handed_on(key)}
    server = {
        "LIVEKIT_URL": target.url.websocket,
        "LIVEKIT_API_KEY": target.credentials.key,
        "LIVEKIT_API_SECRET": target.credentials.secret.reveal(),
        _OVERRIDE: name,
    }
    return {**inherited, **_OUTSPOKEN, **given, **server}


@contextmanager
def bundled(python: str, env: Mapping[str, str], policy: Mapping[str, Any], patience: Patience) -> Iterator[Program]:
    """Give the bundled agent; any interpreter that has livekit-agents finds it, in a folder that holds only lkctl.

    It finds this lkctl also where it has another one, installed in whatever way.
    """
    orders = {
        "LKCTL_POLICY": json.dumps(policy),
        "LKCTL_PATIENCE": json.dumps({"limit": patience.limit, "moment": patience.moment, "fixed": patience.fixed}),
    }
    with TemporaryDirectory(prefix="lkctl-launch-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / _PACKAGE.name).symlink_to(_PACKAGE)
        start = Path(folder) / "start.py"
        start.write_text(_START)
        yield Program(((python, "-P", str(start)),), {**env, **orders}, (Path(folder),), bundled_hints(python))


def scripted(python: str, script: Path, env: Mapping[str, str], folders: tuple[Path, ...] = ()) -> Program:
    """Give a script of the user's: `dev` leaves the room at SIGTERM and takes a free port, `start` would drain.

    `folders` are of no use after it.
    """
    by_itself = (python, str(script), "dev")
    by_sdk = (python, "-m", "livekit.agents", "start", str(script), "--dev", "--log-level", "DEBUG")
    return Program((by_itself, by_sdk), env, folders)


def interpreter(given: str | None) -> str:
    """Give the interpreter to run an agent with: the given one, or ours."""
    return given or sys.executable


def withheld(given: Mapping[str, str]) -> bool:
    """Whether this shell has a user ID that the agent does not get."""
    return bool(os.environ.get(ENV_NAME)) and ENV_NAME not in given


def _is_handed_on(name: str) -> bool:
    return name not in _WITHHELD and not name.startswith("LKCTL_")
