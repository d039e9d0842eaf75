"""`lkctl agent serve`, before it listens: what it refuses, and what it would do."""

import json
import sys
from pathlib import Path

import pytest

from tests.fakes import closed_port
from tests.harness import SECRETS, invoke

LIVEKIT = ("--url", "ws://127.0.0.1:7880", "--api-key", "APIabcdefghijkl", "--api-secret", "x" * 40)
SECRET = "shared-secret-for-tests-only"

REFUSED = [
    pytest.param([], "no origin is allowed", id="nobody is allowed"),
    pytest.param(["--allow-origin", "*"], "without --secret", id="everybody is allowed"),
    pytest.param(["--allow-origin", "example.com"], "no origin that a browser sends", id="no origin"),
    pytest.param(["--host", "0.0.0.0", "--allow-origin", "none"], "from other machines", id="open without a secret"),  # noqa: S104
    pytest.param(["--bind", "::", "--secret", SECRET], "from other machines", id="open without an origin"),
    pytest.param(["--host", "example.com", "--allow-origin", "none"], "from other machines", id="open by a name"),
    pytest.param(["--allow-origin", "none", "--secret", "short"], "has 5 characters", id="short secret"),
    pytest.param(["--allow-origin", "none", "--idle-timeout", "0"], "--idle-timeout is 0", id="no time to join"),
    pytest.param(["--allow-origin", "none", "--idle-timeout", "7d"], "--idle-timeout is 7d", id="a room for ever"),
    pytest.param(["--allow-origin", "none", "--ttl", "1s"], "--ttl is 1s", id="token too short"),
    pytest.param(["--allow-origin", "none", "--ttl", "soon"], "no duration", id="token of no duration"),
    pytest.param(["--allow-origin", "none", "--timeout", "0"], "no time", id="no time"),
    pytest.param(
        ["--allow-origin", "none", "--agent", "--launch", "a.py"], "--launch excludes --agent", id="two agents"
    ),
    pytest.param(["--allow-origin", "none", "--python", "python3"], "without an agent", id="Python without an agent"),
    pytest.param(
        ["--allow-origin", "none", "--agent", "--python", "/bin/true"],
        "is no Python that has the package",
        id="no Python",
    ),
    pytest.param(["--allow-origin", "none", "--launch", "nowhere.py"], "nowhere.py", id="no such script"),
    pytest.param(["--allow-origin", "none", "--max-sessions", "0"], "max-sessions", id="no sessions"),
    pytest.param(["--allow-origin", "none", "--port", "70000"], "port", id="no such port"),
    pytest.param(["--allow-origin", ""], "--allow-origin is empty", id="empty origin"),
    pytest.param(["--allow-origin", "none", "--secret", ""], "--secret is empty", id="empty secret"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED)
def test_refused(options: list[str], told: str) -> None:
    """What is unsafe or cannot be is exit code 2, before anything is contacted."""
    done = invoke("agent", "serve", *LIVEKIT, *options)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_dry_run(tmp_path: Path) -> None:
    """It says what would be done, asks no server, and keeps the secret to itself."""
    SECRETS.add(SECRET)
    (tmp_path / "secret").write_text(SECRET + "\n")
    options = ("--allow-origin", "none", "--allow-origin", "chrome-extension://abc", "--max-sessions", "7")
    done = invoke("agent", "serve", *LIVEKIT, *options, "--secret", f"@{tmp_path}/secret", "--dry-run", "-o", "json")
    assert done.code == 0
    assert json.loads(done.out) == {
        "dry_run": True,
        "host": "127.0.0.1",
        "port": 8765,
        "livekit": "http://127.0.0.1:7880",
        "allow_origin": ["chrome-extension://abc", "none"],
        "secret": True,
        "agent": None,
        "max_sessions": 7,
        "idle_timeout": 30,
        "ttl": 300,
    }


OPEN = [
    pytest.param(["--host", "0.0.0.0", "--secret", SECRET, "--allow-origin", "*"], id="to others, guarded"),  # noqa: S104
    pytest.param(["--host", "::1", "--allow-origin", "none"], id="IPv6 loopback"),
    pytest.param(["--bind", "localhost", "--allow-origin", "none"], id="localhost"),
    pytest.param(["--host", "127.0.0.2", "--allow-origin", "none"], id="another loopback address"),
]


@pytest.mark.parametrize("options", OPEN)
def test_where_it_may_listen(options: list[str]) -> None:
    """On loopback with an origin, elsewhere with origin and secret."""
    SECRETS.add(SECRET)
    assert invoke("agent", "serve", *LIVEKIT, *options, "--dry-run").code == 0


def test_dry_run_of_an_agent(tmp_path: Path) -> None:
    """A script is named as it will be run, and fewer sessions are taken: an agent costs more than a room."""
    script = tmp_path / "agent.py"
    script.write_text("")
    options = ("--allow-origin", "none", "--launch", str(script), "--python", sys.executable, "--dry-run")
    plan = json.loads(invoke("agent", "serve", *LIVEKIT, *options, "-o", "json").out)
    assert plan["agent"] == {"script": str(script), "python": sys.executable}
    assert plan["max_sessions"] == 8


def test_no_livekit_server() -> None:
    """It does not listen for clients that it could not serve."""
    port = closed_port()
    options = ("--url", f"ws://127.0.0.1:{port}", *LIVEKIT[2:], "--allow-origin", "none", "--port", "0")
    done = invoke("agent", "serve", *options, "-o", "json")
    assert done.code == 5
    assert json.loads(done.err)["error"]["code"] == "net-refused"


def test_no_settings() -> None:
    """Without a server it does not start."""
    done = invoke("agent", "serve", "--allow-origin", "none", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "settings-missing")


def test_only_one_thing_comes_from_standard_input() -> None:
    """Two secrets cannot be told apart there."""
    options = ("--url", "ws://127.0.0.1:1", "--api-key", "APIabcdefghijkl", "--api-secret", "-")
    done = invoke("agent", "serve", *options, "--allow-origin", "none", "--secret", "-", stdin="x" * 40)
    assert done.code == 2
    assert "standard input" in done.err
