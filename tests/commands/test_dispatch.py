"""`lkctl dispatch`: what is refused before anything is sent, and what only a lying server can show."""

import json
import signal
import socket
import subprocess
import threading
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.harness import command, invoke, on_terminal

HOUR = 3600.0


def serve_nobody(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "for-tests-only-for-tests-only-for-tests-only")


def replying(document: dict[str, Any], *headers: str) -> fakes.Talk:
    """Answer every call with this document, which holds what each of them looks for."""
    return fakes.reply("200 OK", json.dumps(document).encode(), "Content-Type: application/json", *headers)


def listed(created_at: float, **dispatch: Any) -> dict[str, Any]:
    """Make a room `r` with one dispatch, created at a time of the server's clock."""
    state = {"created_at": str(int(created_at * 1e9)), "jobs": []}
    return {"rooms": [{"name": "r"}], "agent_dispatches": [{"id": "AD_1", "state": state, **dispatch}]}


REFUSED = [
    pytest.param(["create", "", "a"], "option-empty", "ROOM is empty", id="room called nothing"),
    pytest.param(["create", "  ", "a"], "usage", "the room name is blank", id="blank room"),
    pytest.param(["create", "r" * 257, "a"], "usage", "257 bytes", id="room too long"),
    pytest.param(["create", "r", ""], "option-empty", "AGENT_NAME is empty", id="agent called nothing"),
    pytest.param(["create", "r", " "], "usage", "the agent name is blank", id="blank agent"),
    pytest.param(["create", "r"], "usage", "no agent is named", id="no agent"),
    pytest.param(["create", "r", "a", "--any-agent"], "usage", "--any-agent excludes", id="any agent, and one"),
    pytest.param(["create", "r", "a\udcff"], "input-encoding", "agent name is not valid", id="broken agent name"),
    pytest.param(["create", "r", "a", "--metadata", ""], "option-empty", "--metadata is empty", id="no metadata"),
    pytest.param(["create", "r", "a", "--metadata", "{'a': 1}"], "input-malformed", "--metadata-text", id="no JSON"),
    pytest.param(["create", "r", "a", "--metadata", "[1]"], "input-malformed", "not an object", id="no object"),
    pytest.param(["create", "r", "a", "--metadata", '{"a":1,"a":2}'], "input-malformed", "a", id="a key twice"),
    pytest.param(["create", "r", "a", "--metadata", "@nowhere.json"], "file-unreadable", "nowhere", id="no file"),
    pytest.param(["create", "r", "a", "--metadata", "-"], "input-empty", "standard input is empty", id="no input"),
    pytest.param(["create", "r", "a", "--metadata-text", "@big"], "input-too-large", "524289 bytes", id="too large"),
    pytest.param(["create", "r", "a", "--metadata", "{}", "--metadata-text", "x"], "usage", "excludes", id="both"),
    pytest.param(["create", "r", "a", "--metadata-text", "x", "--user-id", "new"], "usage", "excludes", id="no place"),
    pytest.param(["create", "r", "a", "--metadata", '{"userId":"b"}', "--user-id", "a"], "usage", "another", id="two"),
    pytest.param(["create", "r", "a", "--wait", "--timeout", "0"], "usage", "in no time", id="no time to wait"),
    pytest.param(["list", ""], "option-empty", "ROOM is empty", id="list nothing"),
    pytest.param(["list", "r", "--agent", ""], "option-empty", "--agent is empty", id="list an agent called nothing"),
    pytest.param(["delete", "", "AD_1"], "option-empty", "ROOM is empty", id="delete in nothing"),
    pytest.param(["delete", "r"], "usage", "which dispatches", id="delete nothing named"),
    pytest.param(["delete", "r", ""], "option-empty", "is empty", id="delete an empty ID"),
    pytest.param(["delete", "r", "AD_1", "--all"], "usage", "which dispatches", id="delete in two ways"),
    pytest.param(["delete", "r", "--agent", "a", "--all"], "usage", "which dispatches", id="delete in two other ways"),
]


@pytest.mark.parametrize(("words", "code", "says"), REFUSED)
def test_nothing_is_sent(words: list[str], code: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, and no server was asked: there is none."""
    serve_nobody(monkeypatch, fakes.closed_port())
    Path("big").write_text("x" * 524_289)
    done = invoke("dispatch", *words, "-qo", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (2, "", code)
    assert says in error["message"] + error["hint"]


NO_SERVER = [["create", "r", "a"], ["create", "r", "a", "--dry-run"], ["list", "r"], ["delete", "r", "--all", "-y"]]


@pytest.mark.parametrize("words", NO_SERVER, ids=" ".join)
def test_no_server(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 5."""
    serve_nobody(monkeypatch, fakes.closed_port())
    done = invoke("dispatch", *words, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (5, "net-refused")


@pytest.mark.parametrize(
    ("theirs", "age", "word"),
    [
        pytest.param(HOUR, 60, "nobody", id="their clock is ahead: old all the same"),
        pytest.param(HOUR, 1, "too-early", id="their clock is ahead: young all the same"),
        pytest.param(-HOUR, 60, "nobody", id="their clock is behind: old all the same"),
        pytest.param(-HOUR, 1, "too-early", id="their clock is behind: young all the same"),
    ],
)
def test_ages_are_of_the_servers_clock(theirs: float, age: float, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is wrong by an hour changes no verdict: the server tells its own time with every answer."""
    now = time.time() + theirs
    with fakes.serving(replying(listed(now - age), f"Date: {formatdate(now, usegmt=True)}")) as port:
        serve_nobody(monkeypatch, port)
        assert [one["verdict"] for one in json.loads(invoke("dispatch", "list", "r", "-o", "json").out)] == [word]


def test_a_future_without_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no answer tells the time, a dispatch of the far future is not young for hours."""
    with fakes.serving(replying(listed(time.time() + HOUR))) as port:
        serve_nobody(monkeypatch, port)
        assert [one["verdict"] for one in json.loads(invoke("dispatch", "list", "r", "-o", "json").out)] == ["nobody"]


def test_what_was_not_applied_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply is compared with the wish."""
    made = {"rooms": [{"name": "r"}], "id": "AD_1", "agent_name": "other", "metadata": "[red]\x1b[31m"}
    with fakes.serving(replying(made)) as port:
        serve_nobody(monkeypatch, port)
        done = invoke("dispatch", "create", "r", "helper", "--metadata", "{}", "-o", "json")
        words = invoke("dispatch", "create", "r", "helper", "--metadata", "{}", "-o", "table")
    assert (done.code, json.loads(done.out)["not_applied"]) == (1, ["agent_name", "metadata"])
    assert (words.code, "\x1b" in words.out + words.err) == (1, False)
    assert "! agent_name was not applied: asked for 'helper', the dispatch has 'other'" in words.out


def test_a_deletion_that_was_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says yes, and still lists it: exit 7, and not "deleted"."""
    with fakes.serving(replying(listed(1, agent_name="a"))) as port:
        serve_nobody(monkeypatch, port)
        done = invoke("dispatch", "delete", "r", "AD_1", "--yes", "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, error["code"]) == (7, "", "server-error")
    assert "still lists it" in error["message"]


def both(*dispatches: str) -> fakes.Talk:
    """Answer as a room `r` with these dispatches, which nobody took."""
    found = [{"id": one, "agent_name": "a", "state": {"created_at": "1", "jobs": []}} for one in dispatches]
    return fakes.answer({"rooms": [{"name": "r"}], "agent_dispatches": found})


FAULT = fakes.answer({"code": "internal", "msg": "disk full"}, "500 Internal Server Error")
ABSENT = fakes.answer({"code": "not_found", "msg": "dispatch ID not found"}, "404 Not Found")
LOOKS = [both("AD_1", "AD_2")] * 3  # at the room, its dispatches, and who is in it
IDS, ALL = ["AD_1", "AD_2"], ["--all"]
FATES = [
    pytest.param(IDS, [FAULT, both("AD_1"), both("AD_1")], ["failed", "deleted"], 7, id="one fails"),
    pytest.param(IDS, [both("AD_2"), both("AD_2"), fakes.hang_up], ["deleted", "failed"], 5, id="lost at the last"),
    pytest.param(IDS, [fakes.hang_up], ["failed", "untried"], 5, id="lost at once"),
    pytest.param(IDS, [both(*IDS), both(*IDS), both(), both()], ["failed", "deleted"], 7, id="one is still there"),
    pytest.param(IDS, [ABSENT, both(), both()], ["missing", "deleted"], 3, id="one went meanwhile"),
    pytest.param(ALL, [ABSENT, both(), both()], ["missing", "deleted"], 0, id="one that was not named went"),
]


@pytest.mark.parametrize(("words", "talks", "results", "code"), FATES)
def test_each_of_several_has_its_fate(
    words: list[str], talks: list[fakes.Talk], results: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that fails does not stop the others, and what is done is told."""
    with fakes.serving(fakes.in_turn(*LOOKS, *talks)) as port:
        serve_nobody(monkeypatch, port)
        done = invoke("dispatch", "delete", "r", *words, "--yes", "-o", "json")
    rows = json.loads(done.out)
    assert ([(row["id"], row["result"]) for row in rows], done.code) == (list(zip(IDS, results, strict=True)), code)


def test_what_is_deleted_is_told_at_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    """^C while the second one is deleted: the first one is on stdout, and the exit code is 130."""
    arrived = threading.Event()

    def wait(link: socket.socket) -> None:
        arrived.set()
        fakes.silent(link)

    with fakes.serving(fakes.in_turn(*LOOKS, both("AD_2"), both("AD_2"), wait)) as port:
        serve_nobody(monkeypatch, port)
        words = command("dispatch", "delete", "r", *IDS, "--yes", "-o", "json")
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert arrived.wait(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert ([(row["id"], row["result"]) for row in json.loads(out)], process.returncode) == ([("AD_1", "deleted")], 130)
    assert "interrupted" in err


UNANSWERED = [
    pytest.param(fakes.silent, "net-timeout", id="silence"),
    pytest.param(fakes.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"), "http-malformed", id="cut short"),
    pytest.param(fakes.reply("502 Bad Gateway", fakes.HTML), "http-gateway", id="a proxy's page"),
]


@pytest.mark.parametrize(("talk", "code"), UNANSWERED)
def test_an_answer_that_never_came(talk: fakes.Talk, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent may be on its way all the same: that is said, and how to look."""
    with fakes.serving(fakes.in_turn(both(), talk)) as port:
        serve_nobody(monkeypatch, port)
        done = invoke("dispatch", "create", "r", "helper", "--timeout", "1", "-o", "json")
    error = json.loads(done.err.splitlines()[-1])["error"]
    assert (done.code, done.out, error["code"]) == (5, "", code)
    assert "the agent may have been dispatched all the same" in error["message"]
    assert "lkctl dispatch list r" in error["hint"]


def test_hostile_words_of_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Markup, escape sequences and direction marks reach no terminal, in no format, nor the question."""
    evil = "[bold]\x1b]0;x\x07\u202e</"
    with fakes.serving(replying(listed(60, agent_name=evil, metadata=evil * 1000))) as port:
        serve_nobody(monkeypatch, port)
        for format_ in ("table", "tsv", "json", "jsonl", "name"):
            done = invoke("dispatch", "list", "r", "--require-running", "-o", format_)
            assert (done.code, "\x1b" in done.out + done.err, "\u202e" in done.out + done.err) == (1, False, False)
        screen = on_terminal("dispatch", "delete", "r", "AD_1", typed="n\n")
    assert (screen.code, "\x1b]" in screen.out, "\u202e" in screen.out) == (130, False, False)
    assert "Delete dispatch AD_1" in screen.out


def test_nothing_is_deleted_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal and without --yes: exit 2."""
    with fakes.serving(replying(listed(1))) as port:
        serve_nobody(monkeypatch, port)
        done = invoke("dispatch", "delete", "r", "--all", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "confirm-impossible")
