"""action.yml, run as GitHub runs it on a machine that has nothing of lkctl: its own scripts, in its own shell."""

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from lkctl.localserver.process import LocalServer
from tests import fakes
from tests.ci.githubrunner import Machine, Outcome
from tests.harness import PRINTED, SECRETS, invoke, until
from tests.reports.readers import junit_skeleton

OUTPUTS = {"verdict", "exit-code", "cause", "check", "reports"}
FILES = {"report.json", "junit.xml", "report.html", "support.zip"}
WRONG = "wrongSecret0wrongSecret1wrongSecret2wrong3"
OFFLINE = "--only env.settings\n--only url.form"

Act = Callable[..., Outcome]


@pytest.fixture
def act(machine: Machine, installed: dict[str, str]) -> Act:
    """Run the action, lkctl being installed; all that it said is searched for secrets after the test."""

    def run(inputs: dict[str, str], env: dict[str, str] | None = None, **more: Any) -> Outcome:
        there = Machine(machine.action, machine.workspace, machine.temp, env or {})
        done = there.run(inputs, done={"install": installed}, **more)
        PRINTED.append(("action", f"{done.log}{done.summary}{done.outputs}"))
        for file in Path(done.outputs["reports"] or "nowhere").glob("*"):
            PRINTED.append((file.name, file.read_bytes().decode(errors="replace")))
        return done

    return run


def settings(server: LocalServer, secret: str | None = None) -> dict[str, str]:
    """Give the inputs that name a server."""
    given = secret or server.secret.reveal()
    SECRETS.update({given, server.secret.reveal()})
    return {"url": server.url, "api-key": server.key, "api-secret": given}


def heading(done: Outcome) -> str:
    """Give the first heading of the summary, as it is rendered."""
    tokens = MarkdownIt("commonmark").enable("table").parse(done.summary)
    assert [one.tag for one in tokens].count("h2") // 2 == 1
    return next(after.content for one, after in pairwise(tokens) if one.tag == "h2")


def report(done: Outcome) -> Any:
    """Give report.json."""
    return json.loads(Path(done.outputs["reports"], "report.json").read_text())


# --- as it is written


def test_nothing_is_written_into_scripts(machine: Machine) -> None:
    """What a workflow gives reaches a script by its environment: never as a part of it."""
    steps = machine.manifest["runs"]["steps"]
    assert not [step["id"] for step in steps if "${{" in step["run"]]
    named = "".join(str(value) for step in steps for value in step["env"].values())
    assert not [name for name in machine.manifest["inputs"] if f"inputs.{name} " not in named]
    assert machine.manifest["outputs"].keys() == OUTPUTS


# --- installed


def test_a_fresh_environment(installed: dict[str, str], checkout: Path) -> None:
    """lkctl is built from the action's own checkout, which stays as it is, and runs without what is installed here."""
    home = Path(installed["home"])
    done = subprocess.run([home / "bin/lkctl", "version"], capture_output=True, text=True, check=True, env={}, cwd=home)
    assert done.stdout.startswith("lkctl\t")
    packages = {path.name for path in home.glob("lib/*/site-packages/*")}
    assert "lkctl" in packages
    assert not packages & {"livekit_agents", "pytest", "hatchling", "segno"}
    assert not list(home.glob("lib/*/site-packages/livekit/rtc"))
    assert sorted(path.name for path in checkout.iterdir()) == sorted(
        ["LICENSE", "README.md", "action.yml", "lkctl", "pyproject.toml"]
    )


def test_media_has_what_it_needs(machine: Machine, wheels: dict[str, str]) -> None:
    """The extra rtc comes along."""
    there = Machine(machine.action, machine.workspace, machine.temp, wheels)
    done = there.run({"media": "true"}, done={"run": {"skipped": "here"}})
    assert done.code == 0, done.log
    assert list(Path(done.steps["install"]["home"]).glob("lib/*/site-packages/livekit/rtc"))


REFUSALS = [
    pytest.param({"command": "room"}, {}, "command is 'room': smoke or diagnose", id="command"),
    pytest.param({"command": "x\n::notice::y"}, {}, "command is 'x\n::notice::y': smoke or", id="hostile command"),
    pytest.param({"command": ""}, {}, "command is '': smoke or diagnose", id="no command"),
    pytest.param({"media": "yes"}, {}, "media is 'yes': true or false", id="media"),
    pytest.param({"python": "nosuch"}, {}, "'nosuch' is no Python 3.11 or newer: run actions/setup-python", id="none"),
    pytest.param({"python": "./old"}, {}, "'./old' is no Python 3.11 or newer: run actions/setup-python", id="old"),
    pytest.param({"python": "./bare"}, {}, "'./bare' makes no virtual environment", id="no venv"),
    pytest.param({}, {"RUNNER_OS": "Windows"}, "lkctl is for Linux and macOS", id="Windows"),
    pytest.param({}, {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}, "pip cannot install lkctl", id="pip"),
]


@pytest.mark.parametrize(("inputs", "env", "says"), REFUSALS)
def test_what_cannot_be_installed(machine: Machine, inputs: dict[str, str], env: dict[str, str], says: str) -> None:
    """Red, with one annotation that says why, and what to do; lkctl does not run."""
    for name, script in (("old", "exit 1"), ("bare", '[ "$1" = -c ]')):  # Pythons that cannot be had here
        Path(name).write_text(f"#!/bin/sh\n{script}\n")
        Path(name).chmod(0o755)
    done = Machine(machine.action, machine.workspace, machine.temp, env).run(inputs)
    assert (done.code, list(done.steps)) == (1, ["install"])
    assert [(one.name, one.properties) for one in done.commands] == [("error", {"title": "lkctl did not run"})]
    assert done.commands[0].message.startswith(says)
    assert set(done.outputs.values()) == {""}


# --- run


@pytest.mark.live
@pytest.mark.parametrize("command", ["smoke", "diagnose"])
def test_green(act: Act, livekit_server: LocalServer, command: str) -> None:
    """No annotation; a summary, reports, and outputs."""
    done = act({**settings(livekit_server), "command": command})
    assert (done.code, done.annotations) == (0, []), done.log
    assert heading(done) == f"lkctl {command}: PASS"
    assert done.outputs == {
        "verdict": "pass", "exit-code": "0", "cause": "", "check": "", "reports": done.outputs["reports"],
    }  # fmt: skip
    assert {path.name for path in Path(done.outputs["reports"]).iterdir()} == FILES
    assert junit_skeleton(Path(done.outputs["reports"], "junit.xml").read_text())
    assert (report(done)["command"], report(done)["exit_code"]) == (command, 0)
    assert "\nPASS  " in done.log


@pytest.mark.live
@pytest.mark.parametrize("command", ["smoke", "diagnose"])
def test_red(act: Act, livekit_server: LocalServer, command: str) -> None:
    """The exit code is kept; the cause is the first annotation, the output, and in the summary."""
    done = act({**settings(livekit_server, WRONG), "command": command})
    assert (done.code, done.outputs["exit-code"], done.outputs["verdict"]) == (1, "1", "fail"), done.log
    first = done.annotations[0]
    assert (first.name, first.properties["title"]) == ("error", "lkctl: api.auth failed, and is the probable cause")
    assert first.message.startswith(done.outputs["cause"])
    assert (done.outputs["check"], "LIVEKIT_API_SECRET" in done.outputs["cause"]) == ("api.auth", True)
    assert heading(done) == f"lkctl {command}: FAIL"
    assert report(done)["probable_cause"]["message"] == done.outputs["cause"]
    assert done.log.count("Probable cause: ") == 2


@pytest.mark.live
def test_wishes(act: Act, livekit_server: LocalServer) -> None:
    """Each input reaches the command it is for: here a user ID of another form, and an agent that nobody is."""
    wishes = {"user-id": "user 7; x", "agent": "nosuch $x", "args": "--timeout 8s"}
    done = act({**settings(livekit_server), **wishes})
    shown = {one["id"]: one for one in report(done)["results"]}
    assert "'user 7; x'" in shown["smoke.resolve"]["detail"]
    assert (done.code, shown["smoke.gone"]["status"]) == (1, "pass"), done.log
    assert "nosuch $x" in done.outputs["cause"]


@pytest.mark.live
def test_settings_of_the_job(act: Act, livekit_server: LocalServer) -> None:
    """Without inputs the environment of the job counts, as for any lkctl; what people read stays what it is."""
    settings(livekit_server)
    env = {**livekit_server.environ, "LKCTL_OUTPUT": "json"}
    done = act({"command": "diagnose", "url": "", "reports": "out/of here"}, env)
    assert (done.code, done.outputs["reports"]) == (0, "out/of here"), done.log
    assert {path.name for path in Path("out/of here").iterdir()} == FILES
    assert "\nPASS  " in done.log


def test_options(act: Act) -> None:
    """One a line, with the rest of it as its value; blanks and empty lines are nothing."""
    Path("my deployment.toml").write_text('[server]\nversion = ">=99"\n')
    given = "\r\n  --only url.form\r\n\n--expect   my deployment.toml \n--only\texpect.*\n--strict"
    done = act({"command": "diagnose", "url": f"ws://127.0.0.1:{fakes.closed_port()}", "args": given})
    shown = {one["id"]: one["status"] for one in report(done)["results"]}
    assert (shown["url.form"], "expect.version" in shown) == ("pass", True)
    assert not [name for name in shown if name.startswith("env.") and shown[name] == "pass"]


def test_an_option_that_is_wrong(act: Act) -> None:
    """Exit code 2 and an annotation; what an earlier run left in the folder is not taken for this one's."""
    first = act({"command": "diagnose", "url": "ws://127.0.0.1:1", "args": OFFLINE, "reports": "out"})
    assert first.outputs["verdict"] == "fail"
    done = act({"command": "diagnose", "args": "--nosuch", "reports": "out"})
    assert (done.code, done.outputs) == (
        2, {"verdict": "", "exit-code": "2", "cause": "", "check": "", "reports": "out"},
    )  # fmt: skip
    assert [one.message.partition(",")[0] for one in done.annotations] == ["Exit code 2"]
    assert "--nosuch" in done.log
    assert not list(Path("out").iterdir())


HOSTILE_TEXTS = {
    "substitution": "$(touch pwned)`touch pwned`${IFS}",
    "quotes": "'; touch pwned; '\" ; touch pwned; \"",
    "lines": "x\ntouch pwned\n",
    "command": "x\n::error::pwned\n::set-output name=verdict::pass",
    "old command": "##[error]pwned ##[add-path]/tmp",
    "resuming": "::stop-commands::x\n::x::\n::error::pwned",
    "output": "x\nverdict=pass\nverdict<<E\npass\nE",
    "expression": "${{ inputs.api-secret }} ${{ secrets.X }}",
    "option": "--help",
    "file": "@/etc/passwd",
    "glob": "/*",
    "terminal": "\x1b[2J\x1b]0;pwned\x07",
    "no text": "\ud7ff\u2028\u202e\ufffe",
}
PLACES = (["url"], ["agent"], ["args"], ["api-key", "api-secret", "token", "user-id"])
HOSTILE = [
    pytest.param(names, text, id=f"{'+'.join(names)}-{what.replace(' ', '-')}")
    for names in PLACES
    for what, text in HOSTILE_TEXTS.items()
]


@pytest.mark.parametrize(("names", "text"), HOSTILE)
def test_hostile_inputs_are_inert(act: Act, names: list[str], text: str) -> None:
    """Nothing is run, every annotation is ours, and the outputs are those of lkctl."""
    closed = f"ws://127.0.0.1:{fakes.closed_port()}"
    start = {"url": closed, "api-key": "APIabcdefghijkl", "api-secret": WRONG}
    done = act({**start, **dict.fromkeys(names, text)})
    assert not list(Path().rglob("pwned"))
    assert done.outputs["exit-code"] == str(done.code)
    if names == ["args"] and text == "--help":
        assert (done.code, done.outputs["verdict"]) == (0, "")
    else:
        assert (done.code, done.outputs["verdict"]) in ((1, "fail"), (2, "")), done.log
    ours = {"stop-commands", "error", "warning"}
    assert {one.name for one in done.commands} <= ours
    assert all(one.properties["title"].startswith("lkctl") for one in done.annotations)
    assert not any(sign in done.log for sign in "\x1b\x07\u202e")
    assert "\n" not in done.outputs["cause"]


def test_hostile_servers_are_inert(act: Act) -> None:
    """What a server answers commands nobody: not in the log, not in the summary, not in an output."""
    text = "::error::pwned\n##[error]pwned\nverdict=pass\n$(touch pwned)\x1b[2J<script>x</script>"
    with fakes.serving(fakes.reply("500 ::error::pwned", text.encode(), f"Server: {text[:15]}")) as port:
        done = act({"command": "diagnose", "url": f"ws://127.0.0.1:{port}", "api-key": "APIx", "api-secret": WRONG})
    assert (done.code, done.outputs["verdict"]) == (1, "fail")
    assert all(one.properties["title"].startswith("lkctl: ") for one in done.annotations)
    assert "\x1b" not in done.log + done.summary
    assert "<script" not in done.summary


# --- cut, and watched


def processes(command: str) -> Iterator[Path]:
    """Find processes whose first words are these; Linux only."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if any(command in word for word in words[:2]):
            yield folder


NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")


@NEEDS_PROC
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_cancelled(act: Act, installed: dict[str, str], number: signal.Signals) -> None:
    """A runner signals the shell alone: lkctl hears of it and reports; its command line told no secret."""
    program = f"{installed['home']}/bin/lkctl"
    seen: list[tuple[bytes, bytes]] = []
    asked = threading.Event()

    def never_answer(link: socket.socket) -> None:
        asked.set()
        fakes.silent(link)

    def cancel(shell: subprocess.Popen[str]) -> None:
        assert asked.wait(20)
        seen.extend(((one / "cmdline").read_bytes(), (one / "environ").read_bytes()) for one in processes(program))
        os.kill(shell.pid, number)

    jwt = invoke("token", "mint", "--identity", "a", "--room", "b", "--api-key", "APIx", "--api-secret", WRONG).out
    with fakes.serving(never_answer) as port:
        inputs = {"url": f"ws://127.0.0.1:{port}", "api-key": "APIx", "api-secret": WRONG, "token": jwt.strip()}
        done = act({**inputs, "args": "--timeout 100s"}, meanwhile=cancel)
    assert done.code == 143
    assert (done.outputs["verdict"], report(done)["cut"]) == ("fail", "terminated")
    assert done.annotations[0].properties["title"] == "lkctl: the run was cut"
    assert len(seen) == 1
    words, environ = seen[0]
    assert (b"--token=-" in words, WRONG.encode() in environ) == (True, True)
    assert WRONG.encode() not in words
    assert b"eyJ" not in words
    assert not list(processes(program))


@pytest.mark.live
def test_cancelled_with_a_room(act: Act, livekit_server: LocalServer) -> None:
    """What was made on the server is taken away again."""
    inputs = settings(livekit_server)

    def rooms() -> set[str]:
        given = [word for name, value in inputs.items() for word in (f"--{name}", value)]
        return {one["name"] for one in json.loads(invoke("room", "list", "-o", "json", *given).out)}

    before = rooms()
    during: set[str] = set()

    def cancel(shell: subprocess.Popen[str]) -> None:
        assert until(lambda: bool(rooms() - before))
        during.update(rooms() - before)
        os.kill(shell.pid, signal.SIGINT)

    done = act({**inputs, "agent": "nosuch", "args": "--timeout 100s"}, meanwhile=cancel)
    assert (done.code, report(done)["cut"]) == (143, "terminated")
    assert during
    assert rooms() == before
