"""`lkctl room create` offline: what is refused before anything is sent, and user IDs as agents would take them."""

import json

import pytest

from tests.harness import invoke

ID = "user_1704067200000_abc123"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """Settings of a server that is not there: who reaches it has sent something."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
    monkeypatch.setenv("LIVEKIT_API_SECRET", secret)


REFUSED = [
    pytest.param(["--user-id", "  "], "usage", id="blank user ID"),
    pytest.param(["--user-id", "a\x1b[31mb"], "usage", id="escape sequence in the user ID"),
    pytest.param(["--user-id", "x" * 257], "usage", id="long user ID"),
    pytest.param(["r", "--metadata", '{"x": NaN}'], "input-malformed", id="NaN"),
    pytest.param(["r", "--metadata", '{"x": -Infinity}'], "input-malformed", id="infinity"),
    pytest.param(["r", "--metadata", '{"x": "\\ud800"}', "--user-id", ID], "input-encoding", id="half a character"),
    pytest.param(["r\udcff"], "input-encoding", id="a broken byte in the name"),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED)
def test_refused_before_sending(arguments: list[str], code: str) -> None:
    """Exit 2, and no escape sequence of the input on the terminal."""
    done = invoke("room", "create", *arguments, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, code)
    assert "\x1b" not in invoke("room", "create", *arguments).err


def test_a_user_id_is_trimmed_and_an_odd_one_kept() -> None:
    """As `token mint` does it, with a remark on stderr."""
    done = invoke("room", "create", "--user-id", f" {ID} ", "--dry-run", "-o", "json")
    assert json.loads(done.out)["request"]["name"] == f"mcp-chrome-user-{ID}"
    odd = invoke("room", "create", "--user-id", "alice", "--dry-run", "-o", "json")
    assert json.loads(odd.out)["request"]["metadata"] == '{"userId":"alice"}'
    assert "not of the form user_{timestamp}_{random}" in odd.err


def test_a_new_user_id_is_made() -> None:
    """`new` makes one for name and metadata alike."""
    request = json.loads(invoke("room", "create", "--user-id", "new", "--dry-run", "-o", "json").out)["request"]
    made = json.loads(request["metadata"])["userId"]
    assert request["name"] == f"mcp-chrome-user-{made}"
    assert made.startswith("user_1")


def test_contradicting_env_files() -> None:
    """A named file is never silently ignored."""
    done = invoke("room", "list", "--env-file", "x", "--no-env-file", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "settings-conflict")
