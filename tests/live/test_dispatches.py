"""Dispatches on a real server, with real workers: taken, refused, ignored, crashed; and nobody there at all."""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from lkctl.localserver.process import LocalServer
from tests.fakes import closed_port
from tests.harness import Done, command, invoke, on_terminal, remembered
from tests.redis import eventually
from tests.workers import worker

pytestmark = pytest.mark.live
ID = "user_1704067200000_abc123"


@pytest.fixture
def name() -> str:
    """A name that no other test's worker has."""
    return f"Helper-{secrets.token_hex(4)}"


@pytest.fixture
def live_room(room: str) -> str:
    """A room that is there."""
    assert invoke("room", "create", room).code == 0
    return room


def verdicts(room: str) -> dict[str, str]:
    """Give the verdict by agent name."""
    return {one["agent_name"]: one["verdict"] for one in listed(room)}


def listed(room: str) -> list[dict[str, Any]]:
    done = invoke("dispatch", "list", room, "-o", "json")
    assert done.code == 0, done.err
    return list(json.loads(done.out))


def sent(*words: str) -> dict[str, Any]:
    """Send an agent and give the JSON."""
    done = invoke("dispatch", "create", *words, "-o", "json")
    assert done.code == 0, done.err
    return dict(json.loads(done.out))


def error_of(done: Done) -> tuple[int, str, str]:
    """Give exit code, error code and all words; nothing is on stdout."""
    assert done.out == ""
    error = json.loads(done.err.splitlines()[-1])["error"]
    return done.code, error["code"], f"{error['message']} {error['hint']}"


def waited_in_vain(done: Done, room: str) -> tuple[int, str, str]:
    """Give the same of a wait for an agent that did not come; stdout has the dispatch, which was made."""
    document = json.loads(done.out)
    assert (document["room"], document["agent"]) == (room, None)
    code, error, words = error_of(replace(done, out=""))
    assert document["dispatch"]["id"] in words
    return code, error, words


class Waiting(NamedTuple):
    """A `dispatch create --wait` that has sent its agent, and what it said of that."""

    process: "subprocess.Popen[str]"
    said: str

    def done(self) -> Done:
        """Let it end by itself."""
        out, err = self.process.communicate(timeout=20)
        return remembered(("dispatch", "create"), Done(self.process.returncode, out, self.said + err))


@contextmanager
def waiting(room: str, name: str, limit: str = "20") -> Iterator[Waiting]:
    """Wait for an agent in a process of its own."""
    words = command("dispatch", "create", room, name, "--wait", "--timeout", limit, "-o", "json")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process:
        yield Waiting(process, process.stderr.readline())


def test_each_fate_has_its_verdict(server: LocalServer, live_room: str, name: str) -> None:
    """Seven dispatches that LiveKit's own list shows alike; a killed agent is a ghost until the server misses it."""
    answers = {"stays": "take", "leaves": "take", "crashes": "take", "never-came": "stay-away",
               "refused": "refuse", "ended": "end", "ignored": "ignore"}  # fmt: skip
    with ExitStack() as stack:
        workers = {who: stack.enter_context(worker(server, f"{name}-{who}", answer)) for who, answer in answers.items()}
        for who in (*answers, "nobody"):
            assert sent(live_room, f"{name}-{who}")["dispatch"]["verdict"] == "too-early"
        wrong_case = f"{name}-STAYS"
        sent(live_room, wrong_case)
        assert verdicts(live_room)[wrong_case] == "too-early"
        jobs = {who: workers[who].await_event("joined")["job"] for who in ("stays", "leaves", "crashes")}
        eventually(lambda: verdicts(live_room)[f"{name}-stays"] == "running", within=2)  # long before its job is listed
        workers["leaves"].do("leave", job=jobs["leaves"])
        workers["crashes"].kill()
        eventually(lambda: "too-early" not in verdicts(live_room).values(), within=15)
        assert verdicts(live_room) == {
            "": "nobody",  # the room's own
            f"{name}-stays": "running",
            f"{name}-leaves": "left",
            f"{name}-crashes": "running",
            f"{name}-never-came": "left",
            f"{name}-refused": "nobody",
            f"{name}-ended": "refused",
            f"{name}-ignored": "nobody",
            f"{name}-nobody": "nobody",
            wrong_case: "nobody",
        }
        eventually(lambda: verdicts(live_room)[f"{name}-crashes"] == "left", within=30)
        taken = [one["jobs"][0]["status"] for one in listed(live_room) if one["verdict"] in {"running", "left"}]
        assert taken == ["JS_RUNNING"] * 4  # which is why the status is no evidence
        created = [datetime.fromisoformat(one["created_at"]) for one in listed(live_room)]
        assert created == sorted(created)
        checks = {who: invoke("dispatch", "list", live_room, "--agent", f"{name}-{who}", "--require-running")
                  for who in ("stays", "leaves", "nobody", "unheard-of")}  # fmt: skip
        assert {who: done.code for who, done in checks.items()} == {
            "stays": 0, "leaves": 1, "nobody": 1, "unheard-of": 1,
        }  # fmt: skip
        assert "1 of 1 dispatches" in checks["leaves"].err
        whole = invoke("dispatch", "list", live_room, "--require-running")
        assert (whole.code, "8 of 9 dispatches" in whole.err) == (1, True)  # the automatic one does not count
        seen = json.loads(invoke("room", "inspect", live_room, "-o", "json").out)["dispatches"]
        assert {one["agent_name"]: one["verdict"] for one in seen} == verdicts(live_room)


def test_the_agent_is_awaited(server: LocalServer, live_room: str, name: str) -> None:
    """--wait ends when the agent is in the room; its job has the metadata."""
    with worker(server, name) as helper:
        began = time.monotonic()
        metadata = json.dumps({"lang": "<[é]\u2028\\>"}, ensure_ascii=False)
        seen = sent(live_room, name, "--metadata", metadata, "--user-id", ID, "--wait")
        assert time.monotonic() - began < 4.5  # the server lists the job after 5 s only
        offer, joined = helper.await_event("offer"), helper.await_event("joined")
        assert json.loads(offer["metadata"]) == {**json.loads(metadata), "userId": ID}
        assert (seen["agent"], seen["dispatch"]["verdict"]) == (joined["identity"], "running")
        assert (seen["not_applied"], seen["room_created"], seen["room"]) == ([], False, live_room)
        resolved = invoke("agent", "resolve", live_room, "--preset", "dispatch", "--expect", ID)
        assert resolved.code == 0
        again = sent(live_room, name, "--wait")  # a second one beside it: not the first one's agent
        assert again["agent"] == helper.await_event("joined")["identity"] != seen["agent"]


def test_any_text_may_be_metadata(server: LocalServer, live_room: str, name: str) -> None:
    """--metadata-text takes what is no JSON, to the last byte that the server takes; a worker sees it unchanged."""
    with worker(server, name) as helper:
        for text in ("plain", "{'a': 1}", "x" * 524_288):
            done = invoke("dispatch", "create", live_room, name, "--metadata-text", "-", "-o", "name", stdin=text)
            assert done.code == 0
            assert helper.await_event("offer")["metadata"] == text


def test_an_unnamed_worker(server: LocalServer, live_room: str) -> None:
    """--any-agent asks for a worker without a name; a worker that comes later gets nothing."""
    assert verdicts(live_room) == {"": "too-early"}
    with worker(server, "") as helper:
        seen = sent(live_room, "--any-agent", "--wait")
        assert (seen["agent"], seen["dispatch"]["agent_name"]) == (helper.await_event("joined")["identity"], "")
        eventually(lambda: "too-early" not in [one["verdict"] for one in listed(live_room)], within=8)
        assert [(one["verdict"], one["automatic"]) for one in listed(live_room)] == [
            ("nobody", True),
            ("running", False),
        ]
        assert invoke("dispatch", "list", live_room, "--require-running").code == 0  # who was sent is there
        both = invoke("dispatch", "list", live_room, "--any-agent", "--require-running", "-o", "table")
        assert (both.code, "1 of 2 dispatches" in both.err) == (1, True)
        assert "(any agent, automatic)" in both.out
        assert "only those are called automatically" in both.out


class Required(NamedTuple):
    """What is dispatched, which options there are, and how that ends."""

    names: list[str]
    words: list[str]
    says: str
    code: int = 1
    word: str = "expectation-failed"


REQUIRED = {
    "the automatic one alone": Required([], [], "the server's automatic dispatch does not count"),
    "it is asked for": Required([], ["--any-agent"], "1 of 1 dispatches"),
    "never sent": Required([], ["--agent", "x"], "no agent 'x' was dispatched"),
    "no worker": Required(["x"], [], "('x', nobody)"),
    "too early": Required(["x"], ["--timeout", "2"], "too early to say of 1 of 1", 6, "wait-expired"),
}


@pytest.mark.parametrize("required", REQUIRED.values(), ids=REQUIRED)
def test_what_is_required_to_run(live_room: str, required: Required) -> None:
    """Right after a creation it waits for the verdicts, and the list is shown all the same."""
    for name in required.names:
        sent(live_room, name)
    done = invoke("dispatch", "list", live_room, "--require-running", *required.words, "-o", "json")
    assert isinstance(json.loads(done.out), list)
    code, error, said = error_of(replace(done, out=""))
    assert (code, error) == (required.code, required.word)
    assert required.says in said


def test_a_requirement_waits_for_the_agent(server: LocalServer, live_room: str, name: str) -> None:
    """A dispatch of this moment fails no CI job: its agent comes within a second."""
    with worker(server, name):
        sent(live_room, name)
        assert invoke("dispatch", "list", live_room, "--require-running").code == 0


def test_an_agent_that_has_left_at_once(server: LocalServer, live_room: str, name: str) -> None:
    """The server says of its job what it says of one whose agent is still to come: that is what the verdict means."""
    with worker(server, name) as helper:
        sent(live_room, name, "--wait")
        helper.do("leave", job=helper.await_event("joined")["job"])
        eventually(lambda: bool(listed(live_room)[1]["jobs"]), within=7)
        gone = listed(live_room)[1]
        assert (gone["verdict"], gone["jobs"][0]["status"]) == ("too-early", "JS_RUNNING")
        assert "or has left already" in invoke("dispatch", "list", live_room, "--agent", name, "-o", "table").out
        done = invoke("dispatch", "list", live_room, "--require-running")
        assert (done.code, "(" + repr(name) + ", left)" in done.err) == (1, True)


class Vain(NamedTuple):
    """How a worker answers, how its name is spelt in the dispatch, how long is waited, and how that ends."""

    answer: str
    spell: Callable[[str], str]
    limit: float
    says: str
    code: int = 6
    word: str = "wait-expired"


VAIN = {
    "another case": Vain("take", str.lower, 7, "no worker took"),
    "no answer": Vain("ignore", str, 7, "no worker took"),
    "never came": Vain("stay-away", str, 11, "its agent is not there"),
    "too early": Vain("take", str.upper, 1, "too early to say why"),
    "refused for good": Vain("end", str, 30, "refused dispatch", 1, "expectation-failed"),
}


@pytest.mark.parametrize("vain", VAIN.values(), ids=VAIN)
def test_a_wait_in_vain(server: LocalServer, live_room: str, name: str, vain: Vain) -> None:
    """In time, with the verdict, the dispatch that is left, and how to delete it: which works."""
    with worker(server, name, vain.answer):
        began = time.monotonic()
        wait = ["--wait", "--timeout", f"{vain.limit}"]
        done = invoke("dispatch", "create", live_room, vain.spell(name), *wait, "-o", "json")
        assert time.monotonic() - began < vain.limit + 2
    code, error, words = waited_in_vain(done, live_room)
    assert (code, error) == (vain.code, vain.word)
    assert vain.says in words
    assert ("Case counts" in words) is ("no worker" in words)
    assert f"waiting up to {vain.limit} s" in done.err
    advice = words.partition("to delete it: lkctl ")[2].split()
    assert advice[:3] == ["dispatch", "delete", live_room]
    assert invoke(*advice, "--yes").code == 0
    assert set(verdicts(live_room)) == {""}


def test_a_missing_room(server: LocalServer, room: str, name: str) -> None:
    """Told at once, and not made by the way: the server would, with an unnamed agent; a list takes it 3 s."""
    for words in (["create", room, name], ["create", room, name, "--dry-run"], ["list", room],
                  ["delete", room, "AD_1"], ["delete", room, "--all"]):  # fmt: skip
        began = time.monotonic()
        assert error_of(invoke("dispatch", *words, "-o", "json"))[:2] == (3, "room-missing"), words
        assert time.monotonic() - began < 2
    missing = [{"id": "AD_1", "agent_name": None, "verdict": None, "result": "missing", "error": None}]
    assert json.loads(invoke("dispatch", "delete", room, "AD_1", "--if-exists", "-o", "json").out) == missing
    assert invoke("dispatch", "delete", room, "--all", "--if-exists", "-o", "json").out == "[]\n"
    assert room not in invoke("room", "list", "-o", "name").out.split()


@pytest.mark.parametrize("auto_create", [True, False])
def test_a_room_made_for_an_agent(
    start_livekit_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch, name: str, *, auto_create: bool
) -> None:
    """--create-room makes it for this agent alone, also where the server makes none by itself."""
    server = start_livekit_server(settings={"room": {"auto_create": auto_create}})
    for variable, value in server.environ.items():
        monkeypatch.setenv(variable, value)
    began = time.monotonic()
    refused = invoke("dispatch", "create", "demo", name, "-o", "json")
    assert (error_of(refused)[:2], time.monotonic() - began < 2) == ((3, "room-missing"), True)
    planned = sent("demo", name, "--create-room", "--dry-run")
    assert planned == {
        "dry_run": True, "room_created": True, "request": {"room": "demo", "agent_name": name, "metadata": ""},
    }  # fmt: skip
    assert json.loads(invoke("room", "list", "-o", "json").out) == []
    with worker(server, name) as helper, worker(server, "") as stranger:
        seen = sent("demo", name, "--metadata", '{"a": 1}', "--create-room", "--wait")
        assert (seen["room_created"], seen["agent"]) == (True, helper.await_event("joined")["identity"])
        assert [(one["id"], one["agent_name"], one["metadata"]) for one in listed("demo")] == [
            (seen["dispatch"]["id"], name, '{"a": 1}')
        ]
        assert stranger.events.empty()
        assert sent("demo", name, "--create-room", "--dry-run")["room_created"] is False


def test_odd_names_are_taken_as_the_server_takes_them(server: LocalServer, live_room: str) -> None:
    """Any name but a blank one may be a worker's: long, with markup, with control characters."""
    for odd in ("a" * 5000, "[bold]x[/]", "\x1b[31mred", "a\nb", " edge ", "日本語"):
        assert sent(live_room, odd)["dispatch"]["agent_name"] == odd
        shown = invoke("dispatch", "list", live_room, "--agent", odd, "-o", "table")
        assert (shown.code, "\x1b" in shown.out) == (0, False)
    with worker(server, "a\nb"):
        assert sent(live_room, "a\nb", "--wait")["dispatch"]["verdict"] == "running"


def deleted(*words: str) -> tuple[int, list[tuple[str | None, str, str | None]]]:
    """Delete dispatches; give the exit code, and of each its agent's name, the result, and the error's code."""
    done = invoke("dispatch", "delete", *words, "-o", "json")
    rows = json.loads(done.out)
    assert all(list(row) == ["id", "agent_name", "verdict", "result", "error"] for row in rows)
    return done.code, [(row["agent_name"], row["result"], (row["error"] or {}).get("code")) for row in rows]


def test_deletion(server: LocalServer, live_room: str, name: str) -> None:
    """By ID, by name, all; one that is missing stops no other; the agent leaves."""
    with worker(server, name) as helper:
        seen = sent(live_room, name, "--wait")
        first = seen["dispatch"]["id"]
        for words in (["AD_nowhere"], ["--agent", name.lower()]):
            done = invoke("dispatch", "delete", live_room, *words, "--yes", "-o", "json")
            assert error_of(done)[:2] == (3, "dispatch-missing")
        assert deleted(live_room, "AD_nowhere", "--if-exists") == (0, [(None, "missing", None)])
        assert deleted(live_room, "--agent", name, "--dry-run") == (0, [(name, "planned", None)])
        assert deleted(live_room, first, "AD_nowhere", first, "--dry-run") == (
            3, [(name, "planned", None), (None, "missing", "dispatch-missing")])  # fmt: skip
        assert name in verdicts(live_room)
        screen = on_terminal("dispatch", "delete", live_room, first, typed="y\n", columns=200)
        assert (screen.code, "is told to leave" in screen.out) == (0, True)
        assert f"Delete dispatch {first} ('{name}', running) in room {live_room} on http://" in screen.out
        assert helper.await_event("ended")["job"] in seen["agent"]
        assert set(verdicts(live_room)) == {""}
    second = sent(live_room, name)["dispatch"]["id"]
    assert deleted(live_room, "AD_nowhere", second, "--yes") == (
        3, [(None, "missing", "dispatch-missing"), (name, "deleted", None)])  # fmt: skip
    sent(live_room, name)
    assert deleted(live_room, "--all", "--yes") == (0, [("", "deleted", None), (name, "deleted", None)])
    assert listed(live_room) == []
    nothing = invoke("dispatch", "delete", live_room, "--all", "-o", "table")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "There was nothing to delete\n")


@pytest.mark.parametrize(("typed", "code"), [("y\n", 130), ("2\n", 0)])
def test_the_number_for_several_dispatches(typed: str, code: int, live_room: str, name: str) -> None:
    """As for rooms and participants."""
    sent(live_room, name)
    done = on_terminal("dispatch", "delete", live_room, "--all", typed=typed, columns=300)
    assert f"Delete 2 dispatches in room {live_room} on http://" in done.out
    assert (done.code, len(listed(live_room))) == (code, 0 if code == 0 else 2)


@pytest.mark.parametrize("words", [["create", "a"], ["list"], ["delete", "--all", "--yes"]], ids=lambda w: w[0])
def test_a_wrong_secret(words: list[str], server: LocalServer, live_room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 4."""
    monkeypatch.setenv("LIVEKIT_API_SECRET", "w" * 43)
    done = invoke("dispatch", words[0], live_room, *words[1:], "-o", "json")
    assert error_of(done)[:2] == (4, "auth-secret")


LOST = [
    pytest.param(["room", "delete"], "room-missing", id="room"),
    pytest.param(["dispatch", "delete", "--all"], "dispatch-missing", id="dispatch"),
]


@pytest.mark.parametrize(("words", "code"), LOST)
def test_lost_while_it_is_awaited(live_room: str, name: str, words: list[str], code: str) -> None:
    """Somebody deletes room or dispatch: exit 3, the dispatch is told, and no waiting for what cannot come."""
    with waiting(live_room, name) as wait:
        assert invoke(*words[:2], live_room, *words[2:], "--yes").code == 0
        exit_code, error, said = waited_in_vain(wait.done(), live_room)
    assert (exit_code, error, "was made; now " in said) == (3, code, True)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_interrupted(live_room: str, name: str, number: int, code: int, word: str) -> None:
    """^C ends the wait at once; the dispatch, which was asked for, stays, and how to delete it is told."""
    with waiting(live_room, name) as wait:
        wait.process.send_signal(number)
        done = wait.done()
    assert error_of(done)[:2] == (code, word)
    (made,) = [one["id"] for one in listed(live_room) if one["agent_name"] == name]
    assert wait.said.split()[1] == made
    assert f"to delete it: lkctl dispatch delete {live_room} {made}\n" in done.err


def test_interrupted_in_silence(live_room: str, name: str) -> None:
    """Who asked for quiet is told, too: else nobody would know what is left."""
    words = command("dispatch", "create", live_room, name, "--wait", "-q")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: name in verdicts(live_room), within=10)
        time.sleep(1)  # its answer has come
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    (made,) = [one["id"] for one in listed(live_room) if one["agent_name"] == name]
    assert (process.returncode, out) == (130, "")
    assert f"to delete it: lkctl dispatch delete {live_room} {made}\n" in err


LOSSES = [
    pytest.param(True, 3, "room-missing", "was made; then the server was lost, and now there is no room", id="back"),
    pytest.param(False, 6, "wait-expired", "the server was lost: after 8 s it still does not answer", id="gone"),
]


@pytest.mark.parametrize(("returns", "code", "word", "says"), LOSSES)
def test_a_server_that_goes(
    livekit_server_program: Any, monkeypatch: pytest.MonkeyPatch, name: str, *, returns: bool, code: int, word: str,
    says: str,
) -> None:  # fmt: skip
    """Where it comes back, its rooms are gone, and that is said; where it does not, the wait ends in time."""
    with LocalServer(livekit_server_program, port=closed_port()) as server:
        for variable, value in server.environ.items():
            monkeypatch.setenv(variable, value)
        assert invoke("room", "create", "demo").code == 0
        with waiting("demo", name, "8") as wait:
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            server.stop()
            if returns:
                time.sleep(0.5)  # the wait has a look at nothing
                server.start()
            exit_code, error, said = waited_in_vain(wait.done(), "demo")
    assert (exit_code, error) == (code, word)
    assert says in said
