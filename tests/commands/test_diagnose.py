"""`lkctl diagnose`: its options, what they exclude, and what it prints; no server is needed."""

import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from lkctl.checks.world import Scope
from lkctl.commands.checkoptions import complete_check
from lkctl.commands.scope import with_patience
from lkctl.invocation import Connection, Invocation
from lkctl.output.console import Console
from lkctl.output.format import Format
from tests.checks.worlds import CLOUD, env_text, put
from tests.fakes import closed_port
from tests.harness import command, environment, invoke, on_terminal, spawn

OFFLINE = ("--only", "env.settings", "--only", "env.shape", "--only", "url.form")

USAGE: list[object] = [
    pytest.param(["--probe"], "--probe starts a job, and no --agent says of which agent", id="probe without agent"),
    pytest.param(["--join-with-token"], "--join-with-token needs --media and --token", id="join without a token"),
    pytest.param(["--join-with-token", "--media"], "--join-with-token needs", id="join without token"),
    pytest.param(["--join-with-token", "--token", "eyJ"], "--join-with-token needs", id="join without media"),
    pytest.param(["--source", "nowhere"], "--source nowhere does not exist", id="no such folder"),
    pytest.param(["--source", "file"], "--source file is not a folder", id="a file for a folder"),
    pytest.param(["--worker", "localhost:8081"], "--worker is 'localhost:8081', which is no http://", id="worker"),
    pytest.param(["--worker", "ws://localhost"], "which is no http:// or https:// address", id="scheme of the worker"),
    pytest.param(["--worker", "http://"], "which is no http:// or https:// address", id="worker without a host"),
    pytest.param(["--token-endpoint", "/api/token"], "--token-endpoint is '/api/token'", id="endpoint"),
    pytest.param(["--token", "@nowhere"], "cannot read nowhere", id="no such token"),
    pytest.param(["--token", "@blank"], "blank is empty", id="file without a token"),
    pytest.param(["--token", ""], "--token is empty", id="empty token"),
    pytest.param(["--agent", ""], "--agent is empty", id="empty agent"),
    pytest.param(["--token", "-", "--api-secret", "-"], "stdin can be read once only", id="two from stdin"),
    pytest.param(["--wait", "5", "--api-secret", "-"], "stdin can be read once only", id="stdin for many runs"),
    pytest.param(["--wait", "5s", "--watch", "5s"], "--watch excludes --wait", id="wait and watch"),
    pytest.param(["--fix", "--watch", "5s"], "--watch excludes --fix", id="fix and watch"),
    pytest.param(["--wait", "soon"], "--wait is 'soon', which is no duration", id="wait"),
    pytest.param(["--watch", "0"], "--watch is 0", id="watch without a pause"),
    pytest.param(["--timeout", "0"], "--timeout is 0", id="no time"),
    pytest.param(["--only", "room.live"], "room.live is judged only with --room NAME", id="out of scope"),
    pytest.param(["--only", "x"], "no check is called 'x'", id="unknown check"),
    pytest.param(["--explain", "net.*"], "'net.*' stands for 4 checks", id="several checks to explain"),
    pytest.param(["--explain", "x"], "no check is called 'x'", id="unknown check to explain"),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE)
def test_what_does_not_go_together(arguments: list[str], says: str) -> None:
    """Said before anything is done; exit 2."""
    Path("file").write_text("x")
    Path("blank").write_text(" \n")
    done = invoke("diagnose", *arguments, "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, says in error["message"]) == (2, "", True), error
    assert error["hint"]


def test_list_tells_what_brings_a_check_in() -> None:
    """Every check is in the list, also those of a scope."""
    listed = {one["id"]: one for one in json.loads(invoke("diagnose", "--list", "-o", "json").out)}
    assert (listed["api.auth"]["scope"], listed["api.auth"]["judged_with"]) == (None, "every run")
    assert listed["api.auth"]["needs"] == ["env.settings", "http.livekit"]
    names = invoke("diagnose", "--list", "--only", "url.*", "-o", "name").out.split()
    assert names == [name for name in listed if name.startswith("url.")]


def test_explain() -> None:
    """What a check judges, what it needs, and with which option."""
    done = invoke("diagnose", "--explain", "api.auth")
    assert done.code == 0
    for words in ("judged with\tevery run", "needs\tenv.settings, http.livekit", "by experiment", "at most"):
        assert words in done.out


def test_completion_of_ids() -> None:
    """Ids and areas."""
    assert complete_check("url.f") == ["url.form"]
    assert complete_check("ur")[0] == "url.*"
    assert complete_check("zz") == []


COMPLETIONS: list[object] = [
    pytest.param("lkctl diagnose --only smoke.", "", id="no step of smoke"),
    pytest.param("lkctl diagnose --only url.f", "url.form", id="diagnose"),
    pytest.param("lkctl diagnose --skip net.t", "net.tcp net.tls", id="skip"),
    pytest.param("lkctl diagnose --explain smoke.j", "smoke.join", id="explained all the same"),
    pytest.param("lkctl env check --only net", "", id="env check asks no server"),
    pytest.param("lkctl env check --only url.f", "url.form", id="env check"),
]


@pytest.mark.parametrize(("words", "completed"), COMPLETIONS)
def test_completion_of_what_can_be_chosen(words: str, completed: str) -> None:
    """What the command would refuse is not offered."""
    env = {"_LKCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert spawn(env=env).out.split() == completed.split()


SHOWN = f"""\
Probable cause: LIVEKIT_API_SECRET is not set, though LIVEKIT_API_KEY (.env:2) is; no token can be made  [env.settings]

env
  ✗ fail    URL, key and secret are set: LIVEKIT_API_SECRET is not set, though LIVEKIT_API_KEY (.env:2) is; no token can be made
              hint: Set it in the same place
              docs: README.md#env-settings
  ✓ pass    Key and secret are in their places: LIVEKIT_API_KEY: of the usual form
url
  ✓ pass    URL is well formed: {CLOUD} (.env:1)

FAIL  2 pass, 1 fail  (N ms)
  to mend it: Set it in the same place
Probable cause: LIVEKIT_API_SECRET is not set, though LIVEKIT_API_KEY (.env:2) is; no token can be made  [env.settings]
"""  # noqa: E501


def without_time(text: str) -> str:
    import re

    return re.sub(r"\(\d+ ms\)", "(N ms)", text)


def test_in_a_pipe() -> None:
    """The whole output, with the cause first and last."""
    put({".env": env_text(secret=None)})
    done = spawn("diagnose", *OFFLINE)
    assert (done.code, without_time(done.out), done.err) == (1, SHOWN, "")


def _spent(before: str, after: str) -> tuple[str, str]:
    """Give the times of two runs."""
    import re

    return re.findall(r"\d+ ms", before)[-1], re.findall(r"\d+ ms", after)[-1]


def test_on_a_terminal() -> None:
    """The same; with colours."""
    put({".env": env_text(secret=None)})
    done = on_terminal("diagnose", *OFFLINE, env={"NO_COLOR": "1"}, columns=150)
    assert (done.code, without_time(done.out)) == (1, SHOWN)
    assert "\x1b[31m" in on_terminal("diagnose", *OFFLINE).out
    narrow = on_terminal("diagnose", *OFFLINE, env={"NO_COLOR": "1"}, columns=80).out
    assert max(map(len, narrow.splitlines())) <= 80
    assert " ".join(narrow.split()) == " ".join(done.out.split()).replace(*_spent(done.out, narrow))


def test_as_json() -> None:
    """Every key of the cause and of a result is there."""
    put({".env": env_text(secret=None)})
    shown = json.loads(invoke("diagnose", *OFFLINE, "-o", "json").out)
    assert list(shown["probable_cause"]) == [
        "check", "code", "message", "hint", "docs", "evidence", "ruled_out", "passed", "follows", "others", "fix",
    ]  # fmt: skip
    assert list(shown["results"][0]) == [
        "id", "area", "title", "severity", "status", "detail", "hint", "docs", "duration_ms", "code", "evidence",
        "ruled_out", "blocked_by", "findings",
    ]  # fmt: skip
    assert shown["probable_cause"]["code"] == "settings-partial"


def test_a_part_stands_on_what_it_needs() -> None:
    """`--only api.auth` where nothing listens: what it needs failed, which is the answer, and no lie."""
    put({".env": env_text(url=f"ws://127.0.0.1:{closed_port()}")})
    shown = json.loads(invoke("diagnose", "--only", "api.auth", "-o", "json").out)
    assert [(one["id"], one["status"]) for one in shown["results"]] == [("net.tcp", "fail"), ("api.auth", "skip")]
    assert (shown["probable_cause"]["check"], shown["exit_code"]) == ("net.tcp", 1)


def test_fix_where_nothing_failed() -> None:
    """Nothing on stdout, so that nothing is applied."""
    put({".env": env_text()})
    done = invoke("diagnose", *OFFLINE, "--fix")
    assert (done.code, done.out, done.err) == (0, "", "nothing failed, so there is nothing to change\n")
    assert invoke("diagnose", *OFFLINE, "--fix", "-o", "json").out == "null\n"


def test_wait_that_expires() -> None:
    """The report stands, with exit 1: it is the answer of the last run."""
    put({".env": env_text(secret=None)})
    done = invoke("diagnose", *OFFLINE, "--wait", "0.2")
    assert (done.code, without_time(done.out)) == (1, SHOWN)
    assert done.err.startswith("still failing after 0.2 s and ")
    assert invoke("diagnose", *OFFLINE, "--wait", "0", "-o", "json", "-q").err == ""


def test_failed_only_where_nothing_failed() -> None:
    """The verdict is all that is said."""
    put({".env": env_text()})
    (line,) = invoke("diagnose", *OFFLINE, "--failed-only").out.splitlines()
    assert line.startswith("PASS  3 pass")


def test_wait_for_what_somebody_mends() -> None:
    """The files are read anew in every run."""
    put({".env": env_text(secret=None)})
    waiting = subprocess.Popen(
        command("diagnose", *OFFLINE, "--wait", "30s"), env=environment(), stdout=subprocess.PIPE, text=True
    )
    time.sleep(1)
    put({".env": env_text()})
    out, _ = waiting.communicate(timeout=20)
    assert (waiting.returncode, out.splitlines()[-1].startswith("PASS  3 pass")) == (0, True)


def test_watch() -> None:
    """A line at first, and where the verdict is another; ^C ends it with 130."""
    put({".env": env_text()})
    watching = subprocess.Popen(
        command("diagnose", *OFFLINE, "--watch", "0.2s", "-o", "jsonl"),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert watching.stdout is not None
    first = json.loads(watching.stdout.readline())
    put({".env": env_text(secret=None)})
    second = json.loads(watching.stdout.readline())
    os.kill(watching.pid, signal.SIGINT)
    out, _ = watching.communicate(timeout=10)
    assert (first["verdict"], second["verdict"], second["probable_cause"]["check"]) == ("pass", "fail", "env.settings")
    assert (watching.returncode, out) == (130, "")


def test_interrupted_at_once() -> None:
    """^C does not wait for what is stuck."""
    from tests import fakes

    with fakes.serving(fakes.silent) as port:
        put({".env": env_text(url=f"ws://127.0.0.1:{port}")})
        running = subprocess.Popen(
            command("diagnose"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        time.sleep(1.2)
        started = time.monotonic()
        os.kill(running.pid, signal.SIGINT)
        running.communicate(timeout=10)
    assert (running.returncode, time.monotonic() - started < 2) == (130, True)


def test_the_whole_run_is_bounded() -> None:
    """--timeout ends it, whatever is stuck; what was not judged is unknown, and red."""
    from tests import fakes

    with fakes.serving(fakes.silent) as port:
        put({".env": env_text(url=f"ws://127.0.0.1:{port}")})
        started = time.monotonic()
        done = invoke("diagnose", "--timeout", "1s", "-o", "json")
    assert (done.code, time.monotonic() - started < 4) == (1, True)
    assert json.loads(done.out)["probable_cause"]["check"].startswith("http.")


@pytest.mark.parametrize(
    ("scope", "given", "seconds"),
    [
        pytest.param({}, False, 10.0, id="plain"),
        pytest.param({"media": True}, False, 60.0, id="media"),
        pytest.param({"probe": True, "agent": "a"}, False, 60.0, id="probe"),
        pytest.param({"media": True}, True, 10.0, id="media, with --timeout"),
    ],
)
def test_time_for_those_who_join(scope: dict[str, object], given: bool, seconds: float) -> None:
    """A run that joins or starts a job has a minute, unless the user says otherwise."""
    console = Console(stdout=io.StringIO(), stderr=io.StringIO(), stdin=io.StringIO(), environ={})
    run = Invocation(console, "diagnose", Format.auto, Connection(), 10.0, False)
    assert with_patience(run, Scope(**scope), given=given).timeout == seconds  # type: ignore[arg-type]


def test_an_empty_agent_is_told_of_any_agent() -> None:
    """An empty value may be an unset variable: the agent without a name has a switch of its own."""
    done = invoke("diagnose", "--agent", "", "-o", "json")
    assert "--any-agent" in json.loads(done.err)["error"]["hint"]
