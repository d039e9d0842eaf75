"""`lkctl smoke`: its options, what they exclude, and what it says without a server."""

import json
import time

import pytest

from lkctl.commands.checkoptions import complete_report
from tests.checks.worlds import env_text, put
from tests.fakes import closed_port
from tests.harness import invoke, on_terminal, spawn

STEPS = ("create", "metadata", "token", "validate", "join", "resolve", "delete", "gone")

USAGE: list[object] = [
    pytest.param(["--user-id", ""], "--user-id is empty", id="empty user ID"),
    pytest.param(["--user-id", "  "], "the user ID is blank", id="blank user ID"),
    pytest.param(["--user-id", "a\nb"], "the user ID holds control characters", id="control characters"),
    pytest.param(["--user-id", "ü" * 129], "the user ID has 258 bytes", id="long user ID"),
    pytest.param(["--room-prefix", ""], "--room-prefix is empty", id="empty prefix"),
    pytest.param(["--room-prefix", " "], "the room prefix is blank", id="blank prefix"),
    pytest.param(["--room-prefix", "é" * 121], "with this prefix has 258 bytes", id="long prefix"),
    pytest.param(["--agent", ""], "--agent is empty", id="empty agent"),
    pytest.param(["--agent", "a", "--any-agent"], "--any-agent", id="an agent with and without a name"),
    pytest.param(["--token", ""], "--token is empty", id="empty token"),
    pytest.param(["--token", "@nowhere"], "cannot read nowhere", id="no such token"),
    pytest.param(["--token", "-", "--api-secret", "-"], "stdin can be read once only", id="two from stdin"),
    pytest.param(["--token-endpoint", "/api/token"], "--token-endpoint is '/api/token'", id="endpoint"),
    pytest.param(["--expect", "nowhere.toml"], "nowhere.toml", id="no such expectations"),
    pytest.param(["--wait", "soon"], "--wait is 'soon', which is no duration", id="wait"),
    pytest.param(["--wait", "5", "--api-secret", "-"], "stdin can be read once only", id="stdin for many runs"),
    pytest.param(["--timeout", "0"], "--timeout is 0", id="no time"),
    pytest.param(["--report", "pdf"], "--report 'pdf' is no format", id="unknown report"),
    pytest.param(["--report", "junit"], "and a report both want stdout", id="two for stdout"),
    pytest.param(["--report", "junit=a", "--bundle", "a"], "two reports want a", id="one file for two"),
    pytest.param(["--bundle", "nowhere/a.zip"], "nowhere/a.zip", id="bundle in no folder"),
    pytest.param(["demo"], "unexpected extra argument", id="an argument"),
    pytest.param(["--only", "smoke.join"], "no such option", id="part of it"),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE)
def test_what_does_not_go_together(arguments: list[str], says: str) -> None:
    """Said before anything is made; exit 2."""
    put({".env": env_text(url=f"ws://127.0.0.1:{closed_port()}")})
    done = invoke("smoke", *arguments, "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, says in error["message"]) == (2, "", True), error
    assert error["hint"]


def test_help_and_completion() -> None:
    """Examples, the exit codes, and the formats of reports."""
    told = invoke("smoke", "--help").out
    for words in (
        "Exit 0 when nothing failed",
        "  lkctl smoke --agent helper ",
        "--room-prefix TEXT",
        "nothing is left",
    ):
        assert words in told
    assert "smoke" in invoke("--help").out
    assert complete_report("ju") == ["junit"]


def test_its_steps_are_listed() -> None:
    """As checks of diagnose, which runs none of them."""
    listed = {one["id"]: one for one in json.loads(invoke("diagnose", "--list", "-o", "json").out)}
    assert [name for name in listed if name.startswith("smoke.")] == [f"smoke.{one}" for one in STEPS]
    assert listed["smoke.join"]["judged_with"] == "lkctl smoke"
    done = invoke("diagnose", "--only", "smoke.*", "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, error["hint"]) == (2, "Run: lkctl smoke")
    assert "An agent would use the user ID" in invoke("diagnose", "--explain", "smoke.resolve").out


def test_without_settings() -> None:
    """A finding, not an error: exit 1, and no step is made."""
    done = invoke("smoke", "-o", "json")
    report = json.loads(done.out)
    assert (done.code, report["probable_cause"]["check"]) == (1, "env.settings")
    assert {one["status"] for one in report["results"] if one["area"] == "smoke"} == {"skip"}


def test_without_a_server() -> None:
    """What is behind is named first and last; the steps that did not run are named with it, and have no lines."""
    put({".env": env_text(url=f"ws://127.0.0.1:{closed_port()}")})
    done = spawn("smoke")
    first, *_, last = done.out.splitlines()
    assert (done.code, done.err, first) == (1, "", last)
    assert first.startswith("Probable cause: ")
    assert first.endswith("[net.tcp]")
    assert "smoke.gone" in done.out
    assert "\nsmoke\n" not in done.out
    assert on_terminal("smoke", env={"NO_COLOR": "1"}).code == 1


@pytest.mark.parametrize("format_", ["table", "tsv", "json", "jsonl", "name"])
def test_every_format(format_: str) -> None:
    """Each says which check it is."""
    put({".env": env_text(url=f"ws://127.0.0.1:{closed_port()}")})
    done = invoke("smoke", "-o", format_)
    assert (done.code, "net.tcp" in done.out) == (1, True)


def test_wait_that_runs_out() -> None:
    """Exit 1, after the time and one run more at most."""
    put({".env": env_text(url=f"ws://127.0.0.1:{closed_port()}")})
    started = time.monotonic()
    done = invoke("smoke", "--wait", "1s")
    assert (done.code, "still failing after 1 s" in done.err) == (1, True)
    assert time.monotonic() - started < 10


def test_strict_looks_for_what_it_counts() -> None:
    """Security findings are not looked for without it."""
    put(
        {
            ".env": env_text(url=f"ws://127.0.0.1:{closed_port()}"),
            "web/.env": "NEXT_PUBLIC_LIVEKIT_API_SECRET=" + "x" * 43,
        }
    )
    named = [{one["id"] for one in json.loads(invoke("smoke", *more, "-o", "json").out)["results"]}
             for more in ((), ("--strict",))]  # fmt: skip
    assert (("env.exposure" in named[0]), ("env.exposure" in named[1])) == (False, True)


def test_a_report_for_nagios() -> None:
    """With the exit code of a plugin, as `diagnose` has it."""
    put({".env": env_text(url=f"ws://127.0.0.1:{closed_port()}")})
    done = invoke("smoke", "--report", "nagios")
    assert (done.code, "CRITICAL" in done.out, "net.tcp" in done.out) == (2, True, True), done.out
