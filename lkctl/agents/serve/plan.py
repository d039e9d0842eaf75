"""What a service does, for whom and within which limits, judged before it listens."""

import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NamedTuple

from lkctl.agents.launch.program import check_script, interpreter
from lkctl.agents.serve.agent import Recipe
from lkctl.agents.serve.origins import read_origins
from lkctl.duration import parse_duration
from lkctl.errors import LkctlError
from lkctl.secret import Secret
from lkctl.settings.url import is_loopback

_SHORTEST_SECRET = 16
_MOST_SESSIONS, _MOST_AGENTS = 100, 8  # by default; an agent needs 400 MiB, and 2 s of a processor to start (measured)
_SHORTEST_TTL = 10.0
_LONGEST_IDLE = 24 * 3600.0
_TRIED_WITHIN = 20.0  # seconds; measured: 0.05


class Plan(NamedTuple):
    """What a service is to be. `idle` and `ttl` are in seconds; `recipe` None: no agent is started."""

    host: str
    port: int
    origins: frozenset[str]
    secret: Secret | None
    recipe: Recipe | None
    most_sessions: int
    idle: int
    ttl: int

    @property
    def open(self) -> bool:
        """Whether other machines can reach it."""
        return not _is_inner(self.host)


def make_plan(
    *,
    host: str,
    port: int,
    origins: Sequence[str],
    secret: str | None,
    recipe: Recipe | None,
    most_sessions: int | None,
    idle: str,
    ttl: str,
) -> Plan:
    """Judge the options together; raise `usage` for what is unsafe or cannot be."""
    if not _is_inner(host) and (secret is None or not origins):
        told = f"{host} can be reached from other machines, and so only with --secret and --allow-origin"
        raise LkctlError("usage", told, hint="Give both, or listen on 127.0.0.1 behind a proxy that speaks TLS")
    most = most_sessions or (_MOST_AGENTS if recipe else _MOST_SESSIONS)
    return Plan(
        host,
        port,
        read_origins(origins, secret=secret is not None),
        None if secret is None else _read_secret(secret),
        recipe,
        most,
        int(_read_seconds(idle, "--idle-timeout", 1, _LONGEST_IDLE)),
        int(_read_seconds(ttl, "--ttl", _SHORTEST_TTL, _LONGEST_IDLE)),
    )


def make_recipe(script: str | None, python: str | None, *, bundled: bool) -> Recipe | None:
    """Say what is started for each session: a script of the user's, the bundled agent, or nothing.

    Raises `usage` for both at once, `file-unreadable` for no file, `extra-missing` where livekit-agents is not there.
    """
    if script is not None and bundled:
        raise LkctlError("usage", "--launch excludes --agent", hint="--agent is the bundled one, --launch your own")
    if script is None and not bundled:
        if python is not None:
            raise LkctlError("usage", "--python is of no use without an agent", hint="Give --agent or --launch SCRIPT")
        return None
    if python is None and not _has_agents():
        told = "an agent needs the package livekit-agents, which is not installed here"
        hint = "Install lkctl's extra `agents`, or name an interpreter that has it: --python PATH"
        raise LkctlError("extra-missing", told, hint=hint)
    recipe = Recipe(None if script is None else check_script(script), interpreter(python))
    if python is not None:
        _try_out(python)
    return recipe


def _try_out(python: str) -> None:
    """Raise `extra-missing` for an interpreter that cannot run an agent: better now than to each client."""
    code = "import importlib.util; print(importlib.util.find_spec('livekit.agents') is not None)"
    told = f"{python} is no Python that has the package livekit-agents"
    hint = f"Install it there: {python} -m pip install 'livekit-agents>=1.8,<2'"
    try:
        done = subprocess.run([python, "-c", code], capture_output=True, timeout=_TRIED_WITHIN, check=False)
    except (OSError, subprocess.TimeoutExpired):
        raise LkctlError("extra-missing", told, hint=hint) from None
    if done.stdout.strip() != b"True":
        raise LkctlError("extra-missing", told, hint=hint)


def _is_inner(host: str) -> bool:
    return is_loopback(host) or host == "localhost"


def _has_agents() -> bool:
    try:
        return find_spec("livekit.agents") is not None
    except ModuleNotFoundError:  # not even `livekit`
        return False


def _read_secret(text: str) -> Secret:
    bare = text.strip("\r\n")
    if len(bare) < _SHORTEST_SECRET:
        told = f"the shared secret has {len(bare)} characters; it needs {_SHORTEST_SECRET}"
        raise LkctlError("usage", told, hint="Make one: openssl rand -hex 16")
    return Secret(bare)


def _read_seconds(text: str, name: str, least: float, most: float) -> float:
    seconds = parse_duration(text, name)
    if not least <= seconds <= most:
        raise LkctlError("usage", f"{name} is {text}", hint=f"It may be {least:g} s to {most / 3600:g} h")
    return seconds
