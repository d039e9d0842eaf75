"""What a command imports decides how fast it answers; modules are counted, not milliseconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lkctl.tokens.signer import sign

HEAVY = {"livekit", "google", "aiohttp", "asyncio", "rich", "pydantic", "importlib.metadata", "numpy"}
NETWORK = {"http.client", "email.parser", "email.utils", "ssl"}
QUIET = {"logging", "dotenv", "yaml"}
# What decoding a good token has no use for: the looks of what is none, other settings, how the user ID is resolved
LATE = {
    "lkctl.files.folder", "lkctl.files.compose", "lkctl.files.project", "lkctl.files.selfchanges",
    "lkctl.tokens.lookalike", "lkctl.tokens.minting", "lkctl.tokens.roomconfig", "lkctl.userid.resolver",
}  # fmt: skip
VIDEO, WHO = {"roomJoin": True, "room": "demo"}, {"userId": "user_1704067200000_abc123"}
SECRET = "for-tests-only-for-tests-only-for-tests-only"
TOKEN = sign({"iss": "APIabcdefghijkl", "sub": "a", "exp": 4e9, "video": VIDEO, "metadata": json.dumps(WHO)}, SECRET)

TABLE = [
    pytest.param(["version"], HEAVY | NETWORK | QUIET | {"jwt"}, id="version"),
    pytest.param(["--help"], HEAVY | NETWORK | QUIET | {"jwt"}, id="help"),
    pytest.param(["token", "--help"], HEAVY | NETWORK | QUIET | {"jwt"}, id="group help"),
    pytest.param(["nonsense"], HEAVY | NETWORK | QUIET | {"jwt"}, id="usage error"),
    pytest.param(["token", "mint", "--user-id", "new"], HEAVY | NETWORK | QUIET | {"jwt"}, id="token mint"),
    pytest.param(["token", "decode", TOKEN], HEAVY | NETWORK | QUIET | {"jwt", *LATE}, id="token decode"),
    pytest.param(["env", "show"], HEAVY | NETWORK | QUIET | {"jwt"}, id="env show"),
    pytest.param(["env", "check"], HEAVY | NETWORK | {"jwt"}, id="env check"),
    pytest.param(
        ["agent", "resolve", "--snapshot", "s.json"], HEAVY | NETWORK | QUIET | {"jwt"}, id="agent resolve offline"
    ),
    pytest.param(["room", "list", "--timeout", "1"], HEAVY | NETWORK | QUIET | {"jwt"}, id="room list"),
]

PROBE = """
import json, os, sys
from lkctl.cli import run
code = run(sys.argv[1:])
sys.stdout.flush()
os.write(3, json.dumps(sorted(sys.modules)).encode())
"""


def modules_of(arguments: list[str], folder: Path) -> set[str]:
    """Give the modules that a command has loaded at its end."""
    out = folder / "modules.json"
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "LIVEKIT_URL": "ws://127.0.0.1:9",
        "LIVEKIT_API_KEY": "APIabcdefghijkl",
        "LIVEKIT_API_SECRET": SECRET,
    }
    with out.open("wb") as file:
        script = PROBE.replace("os.write(3,", f"os.write({file.fileno()},")
        subprocess.run(
            [sys.executable, "-c", script, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            pass_fds=(file.fileno(),),
            timeout=60,
            check=True,
        )
    return set(json.loads(out.read_text()))


@pytest.mark.parametrize(("arguments", "forbidden"), TABLE)
def test_command_leaves_alone(arguments: list[str], forbidden: set[str], tmp_path: Path) -> None:
    """A command loads nothing that it has no use for."""
    (tmp_path / "s.json").write_text('{"room": {"name": "r"}}')
    assert sorted(modules_of(arguments, tmp_path) & forbidden) == []


def test_the_probe_sees_what_is_loaded(tmp_path: Path) -> None:
    """The table above would notice: a command that does use HTTP shows it."""
    assert "lkctl.server.wire" in modules_of(["room", "list", "--timeout", "1"], tmp_path)


@pytest.mark.parametrize("module", ["lkctl", "lkctl.userid", "lkctl.agents", "lkctl.tokens", "lkctl.webhooks"])
def test_library_loads_no_sdk(module: str) -> None:
    """The library faces are light."""
    script = f"import {module}, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert not set(json.loads(done.stdout)) & (HEAVY | NETWORK | {"typer"})
