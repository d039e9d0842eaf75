"""`lkctl agent launch` against a real server: real workers that succeed, and real ones that fail, each in its own way.

All launches of the table run side by side, four at a time; each test then looks at one.
"""

import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lkctl.localserver.process import LocalServer
from tests.guests import guest
from tests.harness import SECRETS, Done, command, environment, invoke, on_terminal, remembered, spawn, until
from tests.localserver.stand_ins import gone, script

pytestmark = pytest.mark.live

SCRIPTS = Path(__file__).parents[1] / "scripts"
MISBEHAVING = SCRIPTS / "misbehaving.py"
TAIL = secrets.token_hex(4)  # so that no other test has rooms of these names
ID = "user_1704067200000_abc123"
KILLED = ("bundled", "stays busy")
PATIENT = ("--timeout", "90")  # machines under test are slow; what fails must not wait for it


class Row(NamedTuple):
    """A script that fails as HOW says, and what is told of it."""

    how: str
    code: str
    exit_code: int
    words: str
    options: tuple[str, ...] = ()

    @property
    def room(self) -> str:
        return f"launch-{self.how.replace(' ', '-')}-{TAIL}"


FAILURES = [
    # agent-facts 5.1: the worker never registers, and mostly exits 0
    Row("secret", "agent-credentials", 4, "(401)"),
    Row("key", "agent-credentials", 4, "(401)"),
    Row("down", "agent-unreachable", 5, "Cannot connect to host 127.0.0.1:9"),
    Row("scheme", "agent-unreachable", 5, "127.0.0.1:9"),
    Row("path", "agent-unreachable", 5, "HTTP 404"),
    Row("port", "agent-port-taken", 1, "address already in use", ("--no-trace",)),
    Row("import", "agent-start-failed", 1, "No module named 'a_module_that_nobody_has'"),
    Row("exit", "agent-start-failed", 1, "the key of a service is missing"),
    Row("blank", "agent-start-failed", 1, "ws_url is required"),
    Row("name", "agent-name", 1, "registered as 'another'"),
    # agent-facts 6 and 9: it registers, and its job fails
    Row("reject", "agent-rejected", 1, "rejected the job"),
    Row("request raises", "agent-rejected", 1, "RuntimeError: no jobs today"),
    Row("no answer", "agent-rejected", 1, "gave no answer"),
    Row("raises", "agent-crashed", 1, "KeyError: 'userId'"),
    Row("raises late", "agent-crashed", 1, "KeyError: 'too late'"),
    Row("process ends", "agent-crashed", 1, "exit code 3"),
    Row("worker ends", "agent-crashed", 1, "exit status 4"),
    Row("unconnected", "agent-unconnected", 1, "without ctx.connect()"),
    Row("leaves", "agent-left", 1, "(done)"),
    Row("process without guard", "agent-script", 1, '`if __name__ == "__main__":`'),
    Row("hang", "agent-absent", 6, "got its job", ("--timeout", "15")),
]


@pytest.fixture(scope="module")
def failures(livekit_server: LocalServer) -> Iterator[dict[str, "Future[tuple[Done, float]]"]]:
    """All launches of the table, under way."""
    with socket.create_server(("127.0.0.1", 0)) as taken, ThreadPoolExecutor(4) as pool:
        port = taken.getsockname()[1]

        def play(row: Row) -> tuple[Done, float]:
            began = time.monotonic()
            given = ("--agent-env", f"HOW={row.how}", "--agent-env", f"TAKEN={port}")
            asked = (row.room, str(MISBEHAVING), "--create", "--window", "2s", "-o", "json")
            done = spawn("agent", "launch", *asked, *given, *PATIENT, *row.options, env=livekit_server.environ)
            return done, time.monotonic() - began

        yield {row.how: pool.submit(play, row) for row in FAILURES}


@pytest.mark.parametrize("row", FAILURES, ids=lambda row: row.how)
@pytest.mark.usefixtures("killed")  # so that their time has gone by when they are looked at
def test_what_fails(row: Row, failures: dict[str, "Future[tuple[Done, float]]"], server: LocalServer) -> None:
    """Each has its code, is told long before the time is up, with evidence and next step, and leaves nothing."""
    done, seconds = failures[row.how].result()
    *_, last = done.err.strip().splitlines()
    error = json.loads(last)["error"]
    assert (done.code, error["code"]) == (row.exit_code, row.code), done.err
    assert row.words in error["message"]
    assert error["hint"]
    assert "\x1b" not in done.err
    assert seconds < 60
    assert len(error["message"].splitlines()) <= 21
    assert invoke("room", "list", "--match", row.room, "-o", "name").out == ""


def test_the_bundled_agent_in_a_live_room(server: LocalServer, room: str) -> None:
    """The user's own ID wins; the API says the same; the worker's line is byte-exact; nothing is left."""
    assert invoke("room", "create", room).code == 0
    with guest(server, "alice", room, metadata=json.dumps({"userId": ID})):
        asked = ("agent", "launch", room, "--user-id", "user_1704067200000_env", "--expect", ID, "-o", "json")
        done = spawn(*asked, *PATIENT, env=server.environ)
        assert done.code == 0, done.err
        answer = json.loads(done.out)
        assert dispatches(room) == []
        assert agents(room) == []
    assert list(answer) == [
        "room", "room_created", "agent_name", "identity", "script", "user_id", "source", "resolution", "prediction",
        "agrees", "published", "user_came", "log", "reads", "trace_unavailable", "flaws", "canaries", "timing",
        "worker", "cleanup",
    ]  # fmt: skip
    assert (answer["user_id"], answer["source"]) == (ID, "participant.metadata")
    assert answer["resolution"]["participant"] == answer["prediction"]["participant"] == "alice"
    assert (answer["agrees"], answer["published"], answer["room_created"]) == (True, True, False)
    assert answer["user_came"] is True
    assert "expired" not in answer["resolution"]
    assert answer["log"] == answer["resolution"]["log"] == [f"✅ Using user ID from metadata: {ID}"]
    assert answer["agent_name"].startswith("lkctl-")
    assert answer["identity"].startswith("agent-")
    assert {"W-CONFLICT"} == {one["code"] for one in answer["resolution"]["warnings"]}
    timing = answer["timing"]
    assert 0 < timing["registered_s"] < timing["joined_s"] <= timing["result_s"] < timing["total_s"]
    assert [(one["what"], one["done"]) for one in answer["cleanup"]] == [
        ("agent", True),
        ("dispatch", True),
        ("worker", True),
    ]
    assert answer["worker"]["exit_status"] in {0, -9}  # on a busy machine it may need more than its 2 s, and is killed
    assert gone(answer["worker"]["pid"])


RESULTS = [
    pytest.param(f"mcp-chrome-user-{ID}-{TAIL}", (), (f"{ID}-{TAIL}", "room.name"), 0, id="room's name"),
    pytest.param(f"by-env-{TAIL}", ("--user-id", ID), (ID, "env"), 0, id="environment"),
    pytest.param(
        f"by-job-{TAIL}", ("--metadata", json.dumps({"userId": ID}), "--preset", "dispatch"), (ID, "job.metadata"), 0,
        id="dispatch",
    ),
    pytest.param(f"unmet-{TAIL}", ("--user-id", ID, "--expect", "another"), (ID, "env"), 1, id="expectation unmet"),
    pytest.param(f"unresolved-{TAIL}", ("--no-random",), (None, None), 1, id="unresolved"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "answer", "code"), RESULTS)
def test_the_bundled_agent_in_a_room_of_its_own(
    name: str, options: tuple[str, ...], answer: tuple[str | None, str | None], code: int, server: LocalServer
) -> None:
    """`--create` makes the room and removes it; what the agent was given decides; demands are judged at the end."""
    done = spawn("agent", "launch", name, "--create", *options, "-o", "json", *PATIENT, env=server.environ)
    assert done.code == code, done.err
    found = json.loads(done.out)
    assert ((found["user_id"], found["source"]), found["agrees"]) == (answer, True)
    assert (found["room_created"], found["cleanup"][-1]["what"]) == (True, "room")
    assert invoke("room", "list", "--match", name, "-o", "name").out == ""


def test_nobody_comes(server: LocalServer, room: str) -> None:
    """It waits as long as a real agent, ends with the exit code of `agent simulate`, and tells its result, too."""
    assert invoke("room", "create", room).code == 0
    done = spawn("agent", "launch", room, "--timeout", "60s", "-o", "json", env=server.environ)
    assert (done.code, error_of(done)["code"]) == (6, "wait-expired"), done.err
    assert (json.loads(done.out)["user_came"], json.loads(done.out)["source"]) == (False, "random")
    assert "within 30 s" in error_of(done)["message"]


def test_an_agent_that_still_waits_for_its_user(server: LocalServer, room: str) -> None:
    """A script that uses `find_user_id` and has told nothing: nobody takes it for one that uses nothing."""
    path = str(SCRIPTS.with_name("examples") / "agent.py")
    asked = ("agent", "launch", room, path, "--create", "--window", "1s", *PATIENT)
    done = on_terminal(*asked, env=server.environ, columns=160)
    assert done.code == 0, done.out
    assert "it uses find_user_id, and still waits for its user" in done.out


def test_two_launches_make_one_room(server: LocalServer) -> None:
    """One of them has made it, says so, and removes it; the other one's agent is gone, and its room was no guess."""
    name = f"both-{TAIL}"
    asked = ("agent", "launch", name, "--create", "--wait", "3s", "-o", "json", *PATIENT)
    with ThreadPoolExecutor(2) as pool:
        several = [pool.submit(spawn, *asked, env=server.environ) for _ in range(2)]
        done = [one.result() for one in several]
    ours = [json.loads(one.out)["room_created"] for one in done if one.out]
    assert ours.count(True) == 1
    for one in done:  # the other one may be overtaken by the end of the first: then it says so
        assert one.code == 0 or error_of(one)["code"] == "room-missing", one.err
    assert until(lambda: invoke("room", "list", "--match", name, "-o", "name").out == "", 40)


def test_a_room_of_the_same_name_that_came_later_stays(server: LocalServer, room: str) -> None:
    """Ours was deleted, and somebody made another one: it is not deleted."""
    with launching(server, room, "--create", "--wait", "60s") as launch:
        launch.await_remark("is in room")
        assert invoke("room", "delete", room, "--yes").code == 0
        assert invoke("room", "create", room).code == 0
        assert launch.process.wait(20) == 3
    assert any("deleted or closed meanwhile" in line for line in launch.said)
    assert invoke("room", "inspect", room).code == 0


@pytest.mark.parametrize("scripted", [False, True], ids=["bundled", "script"])
def test_the_room_is_deleted_meanwhile(scripted: bool, server: LocalServer, room: str) -> None:
    """Told as what it is, and not as the agent's fault."""
    assert invoke("room", "create", room).code == 0
    with launching(server, room, *((str(MISBEHAVING),) if scripted else ()), "--wait", "60s") as launch:
        launch.await_remark("is in room")
        assert invoke("room", "delete", room, "--yes").code == 0
        assert launch.process.wait(20) == 3
    assert any("deleted or closed meanwhile" in line for line in launch.said)


def test_random_is_no_id(server: LocalServer) -> None:
    """Made by the agent: the ID is there, and `--require` is not met."""
    asked = ("agent", "launch", f"random-{TAIL}", "--create", "--require", "-o", "json", *PATIENT)
    done = spawn(*asked, env=server.environ)
    assert (done.code, json.loads(done.out)["source"]) == (1, "random")
    assert "made a random one" in done.err


def test_a_script_is_watched(server: LocalServer, room: str) -> None:
    """What it reads, where and when; never what it uses; the user is there first."""
    assert invoke("room", "create", room, "--metadata", json.dumps({"userId": ID})).code == 0
    with guest(server, "alice", room):
        path = str(SCRIPTS / "early_metadata.py")
        done = on_terminal("agent", "launch", room, path, "--window", "1s", *PATIENT, env=server.environ, columns=160)
    assert done.code == 1, done.out
    said = ("runs your agent for real", "room.metadata", "early_metadata.py:", "before connect", "reads wrongly")
    for words in (*said, "--canary"):
        assert words in done.out
    assert "uses:" not in done.out
    assert "user ID  " not in done.out
    assert dispatches(room) == []


def test_a_canary_tells_what_is_used(server: LocalServer) -> None:
    """In a scratch room, with a visitor: the one source that came out, and where; the room is gone."""
    asked = ("--canary", "--script", str(SCRIPTS / "first_participant.py"), "--window", "1s", "-o", "json", *PATIENT)
    done = spawn("agent", "launch", *asked, env=server.environ)
    assert done.code == 0, done.err
    answer = json.loads(done.out)
    canaries = {one["source"]: (one["read"], one["came_out"]) for one in answer["canaries"]}
    assert canaries.pop("participant.metadata") == (True, ["stdout"])
    assert all(found == (False, []) for found in canaries.values())
    assert answer["source"] == "participant.metadata"
    assert any(read["source"] == "participant.metadata" and read["connected"] for read in answer["reads"])
    assert invoke("room", "list", "--match", answer["room"], "-o", "name").out == ""


CUT = """
from livekit.agents import AgentServer, JobContext, cli
server = AgentServer()

@server.rtc_session()
async def attend(ctx: JobContext) -> None:
    await ctx.connect()
    print("the user is", ctx.job.room.metadata.split("user_")[1].split("_")[0], flush=True)

if __name__ == "__main__":
    cli.run_app(server)
"""


def test_a_part_of_a_canary_is_no_user_id(server: LocalServer, tmp_path: Path) -> None:
    """It is told as what it is; what was expected is not met by it."""
    (tmp_path / "agent.py").write_text(CUT)
    asked = ("--canary", "--script", str(tmp_path / "agent.py"), "--window", "1s", "--expect", "room.metadata")
    done = spawn("agent", "launch", *asked, "-o", "json", *PATIENT, env=server.environ)
    answer = json.loads(done.out)
    assert (done.code, answer["user_id"], answer["source"]) == (1, None, None), done.err
    canary = next(one for one in answer["canaries"] if one["source"] == "room.metadata")
    assert (canary["part"], canary["came_out"]) == (canary["value"].split("_")[1], ["stdout"])
    assert "a part of room.metadata" in error_of(done)["message"]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        pytest.param(("--expect", "participant.metadata", "--require"), 0, "", id="met"),
        pytest.param(("--expect", "env"), 1, "expected that the agent uses env; came out: participant", id="unmet"),
        pytest.param(("--fail-on", "warning"), 1, "takes the first of remote_participants", id="a warning"),
    ],
)
def test_what_a_canary_is_asked_for(server: LocalServer, options: tuple[str, ...], code: int, words: str) -> None:
    asked = ("--canary", "--script", str(SCRIPTS / "first_participant.py"), "--window", "0.5s", "-o", "json")
    done = spawn("agent", "launch", *asked, *options, *PATIENT, env=server.environ)
    assert (done.code, words in done.err) == (code, True), done.err


def test_the_bundled_agent_among_canaries(server: LocalServer) -> None:
    """It says what it uses, in its log and in its attributes."""
    done = spawn("agent", "launch", "--canary", "-o", "json", *PATIENT, env=server.environ)
    answer = json.loads(done.out)
    out = {one["source"]: one["came_out"] for one in answer["canaries"] if one["came_out"]}
    assert (done.code, answer["source"]) == (0, "participant.metadata"), done.err
    assert out == {"participant.metadata": ["stdout", "attributes"]}


def test_a_script_that_runs_through_is_run_by_the_sdk(server: LocalServer) -> None:
    """Without `cli.run_app` a script starts nothing by itself; livekit-agents finds its server."""
    asked = (
        f"plain-{TAIL}",
        str(MISBEHAVING),
        "--create",
        "--agent-env",
        "HOW=no main",
        "--window",
        "0.5s",
        "-o",
        "json",
    )
    done = spawn("agent", "launch", *asked, *PATIENT, env=server.environ)
    assert done.code == 0, done.err
    assert json.loads(done.out)["worker"]["command"][1:4] == ["-m", "livekit.agents", "start"]


def test_a_worker_that_gets_no_job_is_called_again(server: LocalServer) -> None:
    """What the server could give to nobody is dropped for good; so the second call counts."""
    given = ("--agent-env", "HOW=busy at first", "--no-trace", "--window", "0.5s", "-o", "json")
    done = spawn("agent", "launch", f"busy-{TAIL}", str(MISBEHAVING), "--create", *given, *PATIENT, env=server.environ)
    assert done.code == 0, done.err
    assert "asking again" in done.err
    assert json.loads(done.out)["identity"]


def test_a_script_that_is_no_agent(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("print('hello')\n")
    asked = ("agent", "launch", f"none-{TAIL}", str(tmp_path / "hello.py"), "--create", "-o", "json", *PATIENT)
    done = spawn(*asked, env=server.environ)
    assert (done.code, error_of(done)["code"]) == (1, "agent-script")


@pytest.mark.parametrize("way", ["path", "finder"])
def test_an_interpreter_with_another_lkctl(way: str, server: LocalServer, tmp_path: Path) -> None:
    """Ours comes first, also before a finder that an editable installation has put in front of all others."""
    (tmp_path / "lkctl").mkdir()
    (tmp_path / "lkctl" / "__init__.py").write_text("raise SystemExit('another lkctl')\n")
    finder = (
        "import sys\nfrom importlib.machinery import PathFinder\n"
        "class Finder:\n    def find_spec(self, name, path=None, target=None):\n"
        f"        return PathFinder.find_spec(name, [{str(tmp_path)!r}]) if name == 'lkctl' else None\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    (tmp_path / "sitecustomize.py").write_text(finder if way == "finder" else "")
    text = f'PYTHONPATH={shlex.quote(str(tmp_path))} exec {shlex.quote(sys.executable)} "$@"'
    asked = ("agent", "launch", f"other-{way}-{TAIL}", "--create", "--python", str(script(tmp_path / "python", text)))
    done = spawn(*asked, "-o", "json", *PATIENT, env=server.environ)
    assert (done.code, json.loads(done.out)["source"]) == (0, "random"), done.err


def test_what_is_no_interpreter(server: LocalServer) -> None:
    """No script is spoken of where there is none."""
    asked = ("agent", "launch", f"true-{TAIL}", "--create", "--python", "/bin/true", "-o", "json")
    done = spawn(*asked, *PATIENT, env=server.environ)
    assert (done.code, error_of(done)["code"]) == (1, "agent-start-failed")
    assert "/bin/true" in error_of(done)["hint"]
    assert "script" not in error_of(done)["hint"]


def test_an_interpreter_without_livekit_agents(server: LocalServer, tmp_path: Path) -> None:
    """What is missing, and the next step."""
    bare = script(tmp_path / "python", f'exec {shlex.quote(sys.executable)} -S "$@"')
    asked = ("agent", "launch", f"bare-{TAIL}", "--create", "--python", str(bare), "-o", "json", *PATIENT)
    done = spawn(*asked, env=server.environ)
    assert (done.code, error_of(done)["code"]) == (2, "extra-missing"), done.err
    assert "lkctl[agents]" in error_of(done)["hint"]


def test_a_worker_that_registers_with_another_server(
    server: LocalServer, start_livekit_server: Callable[..., LocalServer]
) -> None:
    """An env file of the script's may lead elsewhere, where the same key is good."""
    other = start_livekit_server(keys={server.key: server.secret.reveal()})
    given = ("--agent-env", "HOW=elsewhere", "--agent-env", f"ELSEWHERE={other.url}")
    asked = ("agent", "launch", f"elsewhere-{TAIL}", str(MISBEHAVING), "--create", "-o", "json", *given, *PATIENT)
    done = spawn(*asked, env=server.environ)
    assert (done.code, error_of(done)["code"]) == (1, "agent-elsewhere")
    assert other.url in error_of(done)["message"]


REFUSALS = [
    pytest.param(["nobody-made-this"], {}, 3, "room-missing", id="no such room"),
    pytest.param(["a", "--create"], {"LIVEKIT_API_SECRET": "w" * 40}, 4, "auth-secret", id="wrong secret"),
    pytest.param(["a", "--create"], {"LIVEKIT_URL": "ws://127.0.0.1:9"}, 5, "net-refused", id="no server"),
    pytest.param([], {}, 2, "usage", id="no room"),
    pytest.param(["a", "no_such.py", "--create"], {}, 2, "file-unreadable", id="no such script"),
    pytest.param(["a", str(MISBEHAVING), "--script", "x.py"], {}, 2, "usage", id="two scripts"),
    pytest.param(["a", "--canary"], {}, 2, "usage", id="canary and a room"),
    pytest.param(["a", str(MISBEHAVING), "--expect", ID], {}, 2, "usage", id="a script has no result"),
    pytest.param(["--canary", "--expect", ID], {}, 2, "usage", id="a canary is asked for its source"),
    pytest.param(["a", str(MISBEHAVING), "--preset", "phone"], {}, 2, "usage", id="a script has no policy"),
    pytest.param(["a", "--wait", "soon"], {}, 2, "usage", id="no wait"),
    pytest.param(["a", "--wait", "40s"], {}, 2, "usage", id="a wait longer than all"),
    pytest.param(["a", "--user-id", ID, "--agent-env", "CHROME_USER_ID=b"], {}, 2, "usage", id="two user IDs"),
    pytest.param(["a", "--create", "--python", "/nonexistent/python"], {}, 2, "usage", id="no such interpreter"),
]


@pytest.mark.parametrize(("arguments", "settings", "code", "name"), REFUSALS)
def test_what_is_refused_at_once(
    arguments: list[str], settings: dict[str, str], code: int, name: str, *,
    server: LocalServer, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for key, value in settings.items():
        monkeypatch.setenv(key, value)
    done = invoke("agent", "launch", *arguments, "-o", "json")
    assert (done.code, error_of(done)["code"]) == (code, name), done.err
    assert done.out == ""


def test_the_server_goes_away(start_livekit_server: Callable[..., LocalServer]) -> None:
    """The worker fails of it; what cannot be taken back is told; the worker is gone."""
    server = start_livekit_server()
    SECRETS.add(server.secret.reveal())
    with launching(server, "away", "--create", "--wait", "40s") as launch:
        launch.await_remark("is in room")
        ours = launch.descendants()
        server.stop()
        assert launch.process.wait(40) == 5
    assert all(gone(pid) for pid in ours)
    assert any("lkctl participant remove away agent-" in line for line in launch.said)
    assert any("room may be left" in line and "lkctl room delete away --yes" in line for line in launch.said)


def test_the_server_falls_silent(start_livekit_server: Callable[..., LocalServer]) -> None:
    """Told long before the time is up."""
    server = start_livekit_server()
    SECRETS.add(server.secret.reveal())
    with launching(server, "silent", "--create", "--wait", "75s") as launch:
        launch.await_remark("is in room")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            assert launch.process.wait(50) == 5
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert any("the server has given no answer for" in line for line in launch.said)


def test_dry_run(server: LocalServer, room: str) -> None:
    """It looks, and starts nothing; values of variables are not told."""
    asked = ("agent", "launch", room, "--create", "--agent-env", "TOKEN=hidden-value", "--dry-run", "-o", "json")
    done = invoke(*asked)
    assert (done.code, json.loads(done.out)["room_created"]) == (0, True)
    assert "TOKEN" in json.loads(done.out)["variables"]
    assert "hidden-value" not in done.out + done.err
    assert invoke("room", "inspect", room).code == 3


def test_an_id_of_this_shell_is_not_handed_on(server: LocalServer) -> None:
    """As `agent resolve` does not take the operator's environment for the agent's."""
    asked = ("agent", "launch", f"shell-{TAIL}", "--create", "-o", "json", *PATIENT)
    done = spawn(*asked, env={**server.environ, "CHROME_USER_ID": ID})
    assert json.loads(done.out)["source"] == "random"
    assert "CHROME_USER_ID of this shell is not handed on" in done.err


class Launch:
    """A launch under way, with its remarks as they come."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: list[str] = []
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as lines:
            for line in lines:
                self.said.append(line)

    def await_remark(self, words: str) -> None:
        """Wait until it says so."""
        assert until(lambda: any(words in line for line in self.said), 60), self.said

    def descendants(self) -> list[int]:
        """Give the processes that it has started, and theirs."""
        found, left = [], [self.process.pid]
        while left:
            children = Path(f"/proc/{left[0]}/task")
            left.pop(0)
            for task in children.glob("*/children"):
                numbers = [int(number) for number in task.read_text().split()]
                found += numbers
                left += numbers
        return found


@contextmanager
def launching(server: LocalServer, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Launch]:
    """Have a launch under way."""
    process = subprocess.Popen(
        command("agent", "launch", *PATIENT, *arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment({**server.environ, **(env or {})}),
    )
    launch = Launch(process)
    try:
        yield launch
    finally:
        process.kill()
        process.wait()
        launch.listener.join()
        remembered(arguments, Done(process.returncode, "", "".join(launch.said)))


PHASES = [
    pytest.param("starting", 0.05, id="starting"),
    pytest.param("starting", 0.8, id="importing"),
    pytest.param("registered", 0.0, id="registered"),
    pytest.param("registered", 0.3, id="called"),
    pytest.param("is in room", 0.2, id="waiting for its user"),
]


@pytest.mark.parametrize("made", [False, True], ids=["live room", "made room"])
@pytest.mark.parametrize(("moment", "later"), PHASES)
def test_interrupted(moment: str, later: float, made: bool, server: LocalServer, room: str) -> None:
    """^C in any phase: exit 130, and no process, agent, dispatch or room of ours."""
    if not made:
        assert invoke("room", "create", room).code == 0
    with launching(server, room, *(("--create",) if made else ()), "--wait", "60s") as launch:
        launch.await_remark(moment)
        time.sleep(later)
        ours = launch.descendants()
        launch.process.send_signal(signal.SIGINT)
        assert launch.process.wait(15) == 130
    assert "Traceback" not in "".join(launch.said)
    insist_nothing_left(room, ours, made=made)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 143)], ids=str)
def test_terminated(number: signal.Signals, code: int, server: LocalServer, room: str) -> None:
    """The same cleaning up."""
    with launching(server, room, "--create", "--wait", "60s") as launch:
        launch.await_remark("is in room")
        ours = launch.descendants()
        launch.process.send_signal(number)
        assert launch.process.wait(15) == code
    insist_nothing_left(room, ours, made=True)


def test_interrupted_twice(server: LocalServer, room: str) -> None:
    """The second ^C does not wait for an agent that is stuck: all is killed, and nothing is left all the same."""
    assert invoke("room", "create", room).code == 0
    given = ("--agent-env", "HOW=stays busy", "--wait", "60s", "--window", "1s")
    with launching(server, room, str(MISBEHAVING), *given) as launch:
        launch.await_remark("is in room")
        ours = launch.descendants()
        launch.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        launch.process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert launch.process.wait(15) == 130
    assert time.monotonic() - began < 3
    insist_nothing_left(room, ours, made=False)


@pytest.fixture(scope="module")
def killed(
    livekit_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[tuple[list[int], float, Path]]"]]:
    """Launches that are killed, side by side with all others.

    Gives the processes, the seconds until no agent was left, and the folder for temporary files.
    """

    def play(how: str) -> tuple[list[int], float, Path]:
        folder = tmp_path_factory.mktemp("t")
        room = f"killed-{how.replace(' ', '-')}-{TAIL}"
        env = livekit_server.environ
        assert spawn("room", "create", room, env=env).code == 0
        scripted = () if how == "bundled" else (str(MISBEHAVING), "--agent-env", f"HOW={how}")
        given = (*scripted, "--wait", "60s")
        with launching(livekit_server, room, *given, env={"TMPDIR": str(folder)}) as launch:
            launch.await_remark("is in room")
            ours = launch.descendants()
            assert list(folder.glob("lkctl-*"))
            launch.process.kill()
            launch.process.wait()
        began = time.monotonic()
        while (
            "agent-" in spawn("participant", "list", room, "-o", "name", env=env).out and time.monotonic() - began < 60
        ):
            time.sleep(0.5)
        return ours, time.monotonic() - began, folder

    with ThreadPoolExecutor(2) as pool:
        yield {how: pool.submit(play, how) for how in KILLED}


@pytest.mark.parametrize("how", KILLED)
def test_killed(how: str, killed: dict[str, "Future[tuple[list[int], float, Path]]"]) -> None:
    """SIGKILL of lkctl itself: no process, and no agent within 30 s; a dispatch in somebody else's room may stay."""
    processes, seconds, folder = killed[how].result()
    assert len(processes) > 1
    assert all(gone(pid) for pid in processes)
    assert seconds < 30
    assert not list(folder.glob("lkctl-*"))


def insist_nothing_left(room: str, processes: list[int], *, made: bool) -> None:
    """Nothing that the launch made is there."""
    assert processes
    assert all(gone(pid, 5) for pid in processes)
    if made:
        assert invoke("room", "inspect", room).code == 3
        return
    assert agents(room) == []
    assert dispatches(room) == []


def agents(room: str) -> list[str]:
    """Give the agents in a room."""
    people = json.loads(invoke("participant", "list", room, "-o", "json").out)
    return [one["identity"] for one in people if one["kind"] == "AGENT"]


def dispatches(room: str) -> list[dict[str, Any]]:
    """Give the dispatches of a room but for the automatic one."""
    found = json.loads(invoke("dispatch", "list", room, "-o", "json").out)
    return [one for one in found if one["agent_name"]]


def error_of(done: Done) -> dict[str, str]:
    """Give the error that a run ended with."""
    return dict(json.loads(done.err.strip().splitlines()[-1])["error"])


@pytest.fixture(autouse=True)
def known_secret(livekit_server: LocalServer) -> None:
    """The server's secret is searched for in all that was printed."""
    SECRETS.add(livekit_server.secret.reveal())
