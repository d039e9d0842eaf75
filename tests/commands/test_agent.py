"""`lkctl agent resolve` offline: the cases, the forms of output, hostile input; and what makes no sense to ask."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness import invoke, on_terminal

CASES = [
    case
    for name in ("userid-cases.json", "more-cases.json")
    for case in json.loads((Path(__file__).parents[1] / "userid" / name).read_text())
]
ID = "user_1704067200000_abc123"


def snapshot(tmp_path: Path, document: Any) -> str:
    """Write a snapshot file."""
    path = tmp_path / "snapshot.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_cases(case: dict[str, Any], tmp_path: Path) -> None:
    """Every case of the specification, and as many again: result, source, exact set of warnings, exit code."""
    done = invoke("agent", "resolve", "--snapshot", snapshot(tmp_path, case["snapshot"]), *case["args"], "-o", "json")
    wanted = case["expect"]
    answer = json.loads(done.out)
    got = {
        "user_id": answer["user_id"],
        "source": answer["source"],
        "warnings": sorted({warning["code"] for warning in answer["warnings"]}),
        "exit": done.code,
    }
    assert got == {**{name: wanted[name] for name in got}, "warnings": sorted(set(wanted["warnings"]))}


def test_the_shape_of_json(tmp_path: Path) -> None:
    """Every key is there, always."""
    done = invoke(
        "agent", "resolve", "--snapshot", snapshot(tmp_path, {"room": {"name": f"mcp-chrome-user-{ID}"}}), "-o", "json"
    )
    answer = json.loads(done.out)
    assert list(answer) == ["user_id", "source", "participant", "trusted", "via", "room", "warnings", "trace", "log"]
    assert (answer["via"], answer["room"], answer["trusted"]) == ("snapshot", f"mcp-chrome-user-{ID}", True)
    assert answer["log"] == [f"🔗 Using user ID from room name: {ID}"]
    assert {tuple(step) for step in answer["trace"]} == {("source", "participant", "status", "value", "reason")}


LOG_LINES = [
    pytest.param(
        {"room": {"metadata": json.dumps({"userId": ID})}}, f"✅ Using user ID from metadata: {ID}", id="metadata"
    ),
    pytest.param({"room": {"name": f"mcp-chrome-user-{ID}"}}, f"🔗 Using user ID from room name: {ID}", id="room name"),
    pytest.param({"env": {"CHROME_USER_ID": ID}}, f"🌍 Using user ID from environment: {ID}", id="environment"),
    pytest.param({}, "⚠️ No Chrome user ID detected, using random session", id="random"),
]


@pytest.mark.parametrize(("document", "line"), LOG_LINES)
def test_the_line_of_the_log(document: Any, line: str, tmp_path: Path) -> None:
    """Byte for byte as the agent prints it, also where people read it."""
    done = invoke("agent", "resolve", "--snapshot", snapshot(tmp_path, document), "--explain")
    assert f"  {line}\n" in done.out


def test_forms_of_output(tmp_path: Path) -> None:
    """A line in a pipe, every level on a terminal, the bare ID by name."""
    file = snapshot(tmp_path, {"room": {"name": "r", "metadata": json.dumps({"userId": ID})}})
    assert invoke("agent", "resolve", "--snapshot", file).out == f"r\t{ID}\troom.metadata\t\n"
    assert invoke("agent", "resolve", "--snapshot", file, "-o", "name").out == f"{ID}\n"
    screen = on_terminal("agent", "resolve", "--snapshot", file, "--color", "never").out
    assert screen.startswith(f"User ID in room r: {ID}, from room.metadata\n")
    assert "The agent would log:\n" in screen
    assert "won" in screen


def test_expectations(tmp_path: Path) -> None:
    """--expect names both values and exits 1; --require wants any ID at all."""
    file = snapshot(tmp_path, {"env": {"CHROME_USER_ID": ID}})
    assert invoke("agent", "resolve", "--snapshot", file, "--expect", ID).code == 0
    other = invoke("agent", "resolve", "--snapshot", file, "--expect", "user_1_x")
    assert other.code == 1
    assert f"error: expected the user ID user_1_x, the agent would use {ID}" in other.err
    assert invoke("agent", "resolve", "--snapshot", snapshot(tmp_path, {}), "--require").code == 1


def test_the_origin_is_that_of_the_variable_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W-ENVORIGIN is about CHROME_USER_ID, whatever else comes from where."""

    def codes(document: Any, *arguments: str) -> list[str]:
        done = invoke("agent", "resolve", "--snapshot", snapshot(tmp_path, document), *arguments, "-o", "json")
        return [warning["code"] for warning in json.loads(done.out)["warnings"]]

    assert codes({"env": {"CHROME_USER_ID": ID}}, "--use-my-env") == []
    monkeypatch.setenv("CHROME_USER_ID", ID)
    assert codes({}, "--use-my-env", "--agent-env", "FOO=bar") == ["W-ENVORIGIN"]
    assert codes({}, "--use-my-env", "--agent-env", f"CHROME_USER_ID={ID}") == []


SNAPSHOT, ALL = ["--snapshot", "s.json"], ["--all"]
TOGETHER = [
    pytest.param(["r", "--via", "xyz"], "--via is 'xyz'", id="no way"),
    pytest.param(["--via", "rtc"], "no room was named", id="no room to join"),
    pytest.param(["--follow"], "no room was named", id="no room to follow"),
    pytest.param([" ", "--follow"], "blank", id="a blank name"),
    pytest.param([*SNAPSHOT, "--via", "api"], "--snapshot excludes --via", id="snapshot and api"),
    pytest.param([*SNAPSHOT, "--via", "rtc"], "--snapshot excludes --via", id="snapshot and rtc"),
    pytest.param([*SNAPSHOT, "--follow"], "--snapshot excludes --follow", id="snapshot and follow"),
    pytest.param([*SNAPSHOT, "--create"], "--snapshot excludes --create", id="snapshot and create"),
    pytest.param([*ALL, "--via", "rtc"], "--all excludes --via rtc", id="all and rtc"),
    pytest.param([*ALL, "--via", "rtc", "--create"], "--all excludes --via rtc", id="all and create"),
    pytest.param([*ALL, "--follow"], "--all excludes --follow", id="all and follow"),
    pytest.param(["r", "--create"], "--create is for --via rtc", id="create through the API"),
    pytest.param(["r", "--interval", "1s"], "--interval is the pause", id="interval without follow"),
    pytest.param(["r", "--interval", "1s", "--follow", "--via", "rtc"], "--interval is the pause", id="interval, rtc"),
    pytest.param(["r", "--interval", "0.01s", "--follow"], "less than 0.1 s", id="too short an interval"),
    pytest.param(["r", "--follow", "--timeout", "0"], "--timeout is 0", id="no time"),
]


@pytest.mark.parametrize(("words", "says"), TOGETHER)
def test_what_does_not_go_together(words: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is asked: nothing listens there."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "no-secret-of-any-server-0123456789abcdef")
    Path("s.json").write_text("{}")
    done = invoke("agent", "resolve", *words, "-o", "json")
    error = json.loads(done.err.splitlines()[-1])["error"]
    assert (done.code, done.out, error["code"]) == (2, "", "usage")
    assert says in error["message"]


WAITS = [
    pytest.param(["--wait", "long"], "--wait is 'long'", id="no word"),
    pytest.param(["--wait", "5parsecs"], "--wait is '5parsecs', which is no duration", id="no unit"),
    pytest.param(["--order", "nowhere"], "order names 'nowhere'", id="no source"),
    pytest.param(["--preset", "none"], "preset 'none' is unknown", id="no preset"),
]


@pytest.mark.parametrize(("words", "says"), WAITS)
def test_simulations_that_make_no_sense(words: list[str], says: str) -> None:
    done = invoke("agent", "simulate", "r", *words, "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", "usage")
    assert says in error["message"]


@pytest.mark.parametrize("words", [["resolve", "r", "--via", "rtc"], ["simulate", "r"], ["simulate", "r", "--dry-run"]])
def test_joining_needs_its_extra(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is named with the way to install it; no server is asked first."""
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "no-secret-of-any-server-0123456789abcdef")
    monkeypatch.setitem(sys.modules, "livekit.rtc", None)  # as if it were not installed
    done = invoke("agent", *words, "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", "extra-missing")
    assert "lkctl's extra `rtc`" in error["hint"]


def test_the_environment_of_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's own CHROME_USER_ID and .env leak in on demand only, and then with a warning."""
    monkeypatch.setenv("CHROME_USER_ID", ID)
    Path(".env").write_text(f"CHROME_USER_ID={ID}\n")
    file = snapshot(tmp_path, {})
    assert json.loads(invoke("agent", "resolve", "--snapshot", file, "-o", "json").out)["source"] == "random"
    mine = json.loads(invoke("agent", "resolve", "--snapshot", file, "-o", "json", "--use-my-env").out)
    assert (mine["user_id"], [w["code"] for w in mine["warnings"]]) == (ID, ["W-ENVORIGIN"])
    theirs = json.loads(invoke("agent", "resolve", "--snapshot", file, "-o", "json", "--agent-env-file", ".env").out)
    assert (theirs["user_id"], theirs["warnings"]) == (ID, [])


BAD_INPUT = [
    pytest.param(b"", "input-empty", id="empty"),
    pytest.param(b"  \n", "input-empty", id="blank"),
    pytest.param(b"\xff\xfe{\x00", "input-encoding", id="UTF-16"),
    pytest.param(b"{nope", "input-malformed", id="no JSON"),
    pytest.param(b"[]", "input-malformed", id="no object"),
    pytest.param(b'{"foo": 1}', "input-malformed", id="an object of something else"),
    pytest.param(b"[" * 200_000, "input-malformed", id="nested too deep"),
    pytest.param(b'{"now_ms": ' + b"9" * 5000 + b"}", "input-malformed", id="too many digits"),
    pytest.param(b'{"participants": [{"kind": 7}]}', "input-malformed", id="wrong type"),
    pytest.param(b"\x00\xff garbage " * 900_000, "input-encoding", id="10 MB of garbage"),
    pytest.param(b"x" * (65 * 1024 * 1024), "input-too-large", id="65 MiB"),
]


@pytest.mark.parametrize(("content", "code"), BAD_INPUT)
@pytest.mark.parametrize("way", ["file", "stdin"])
def test_bad_input(content: bytes, code: str, way: str, tmp_path: Path) -> None:
    """A message and exit 2, whatever is handed in; nothing of it is echoed."""
    (tmp_path / "s.json").write_bytes(content)
    source = "-" if way == "stdin" else str(tmp_path / "s.json")
    done = invoke("agent", "resolve", "--snapshot", source, "-o", "json", stdin=content if way == "stdin" else b"")
    assert (done.code, done.out) == (2, "")
    error = json.loads(done.err)["error"]
    assert error["code"] == code
    assert len(error["message"]) < 300


@pytest.mark.parametrize("path", [".", "missing.json", "locked.json"])
def test_unreadable(path: str) -> None:
    """A folder, a file that is not there, one that may not be read."""
    if path == "locked.json":
        Path(path).symlink_to(path)  # a loop: unreadable for root, too
    done = invoke("agent", "resolve", "--snapshot", path, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "file-unreadable")


def test_hostile_values_are_inert(tmp_path: Path) -> None:
    """Markup, escape sequences and tokens in the data reach no terminal as such."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl"
    document = {"room": {"name": "\x1b[2J[bold]r[/]\u202e", "metadata": json.dumps({"userId": f"[red]{token}[/]"})}}
    for form in ("table", "tsv", "json", "name"):
        done = invoke("agent", "resolve", "--snapshot", snapshot(tmp_path, document), "-o", form, "--explain")
        assert done.code == 0
        assert "\x1b" not in done.out
        assert "\u202e" not in done.out
        assert "eyJ" not in done.out + done.err
        assert "[red]<JWT>[/]" in done.out
