"""`lkctl room create`, `update` and `delete` where a server answers as a real one does only in rare moments."""

import json
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from tests import fakes
from tests.harness import Done, invoke

SECRET = "for-tests-only-for-tests-only-for-tests-only"
HOUR = 3600.0
NOTHING = fakes.answer({})
FAULT = fakes.answer({"code": "internal", "msg": "disk full"}, "500 Internal Server Error")
GATEWAY = fakes.reply("502 Bad Gateway", fakes.HTML)

Run = Callable[..., Done]


def room(metadata: str = "", sid: str = "RM_1") -> fakes.Talk:
    """Answer with a room, as a list and by itself."""
    one = {"name": "r", "sid": sid, "metadata": metadata}
    return fakes.answer({**one, "rooms": [one]})


def dispatched(*names: str) -> fakes.Talk:
    """Answer with dispatches of these agents."""
    return fakes.answer({"agent_dispatches": [{"id": f"AD_{name}", "agent_name": name} for name in names]})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs `lkctl room …` against a server that answers in turn, the last one for ever."""

    def run_it(talks: list[fakes.Talk], *arguments: str, look: str = "json") -> Done:
        with fakes.serving(fakes.in_turn(*talks)) as port:
            monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
            monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
            monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
            return invoke("room", *arguments, "-o", look)

    return run_it


AGES = [
    pytest.param(-2 * HOUR, 300, [], id="their clock is behind: young all the same"),
    pytest.param(-2 * HOUR, 4000, ["planned"], id="their clock is behind: old all the same"),
    pytest.param(2 * HOUR, 300, [], id="their clock is ahead: young all the same"),
    pytest.param(2 * HOUR, 4000, ["planned"], id="their clock is ahead: old all the same"),
]


@pytest.mark.parametrize(("theirs", "age", "results"), AGES)
def test_ages_are_of_the_servers_clock(theirs: float, age: float, results: list[str], run: Run) -> None:
    """A clock that is wrong by hours deletes no young room: the server tells its own time with every answer."""
    now = time.time() + theirs
    made = {"name": "r", "sid": "RM_1", "creation_time": str(int(now - age))}
    headers = ("Content-Type: application/json", f"Date: {formatdate(now, usegmt=True)}")
    talk = fakes.reply("200 OK", json.dumps({"rooms": [made]}).encode(), *headers)
    done = run([talk], "delete", "--older-than", "1h", "--dry-run")
    assert (done.code, [one["result"] for one in json.loads(done.out)]) == (0, results)
    named = run([talk], "delete", "r", "--older-than", "1h", "--dry-run")
    assert named.code == (0 if results else 1)


IGNORED = [
    pytest.param(["--set", "a=1"], ["a"], id="a key"),
    pytest.param(["--set", "a=1", "--set", "b=2", "--unset", "c"], ["a", "b"], id="one of them was so"),
    pytest.param(["--metadata", "{}"], ["metadata"], id="the whole"),
    pytest.param(["--clear-metadata"], ["metadata"], id="cleared"),
]


@pytest.mark.parametrize(("wish", "missed"), IGNORED)
def test_a_write_that_is_ignored(wish: list[str], missed: list[str], run: Run) -> None:
    """A server that says yes and changes nothing: not applied, exit 1, and nobody else is blamed."""
    done = run([room('{"there":1}')], "update", "r", *wish)
    answer = json.loads(done.out)
    assert (done.code, answer["changed"], answer["not_applied"]) == (1, [], missed)
    people = run([room('{"there":1}')], "update", "r", *wish, look="table")
    assert f"! {missed[0]} was not applied" in people.out


WRITTEN = "the metadata of room 'r' was written, and could not be looked at"
MAYBE = "the metadata of room 'r' may have been written all the same"
A = room('{"a":1}')
UNSEEN = [
    pytest.param([room(), room(), A, GATEWAY], 5, WRITTEN, id="a proxy's page for the look"),
    pytest.param([room(), room(), A, FAULT], 7, WRITTEN, id="a fault for the look"),
    pytest.param([room(), room(), fakes.silent], 5, MAYBE, id="no answer to the write"),
    pytest.param([room(), room(), FAULT], 7, "disk full", id="a fault for the write"),
    pytest.param([room(), room(), A, room(sid="RM_2")], 1, "made anew", id="made anew"),
    pytest.param([room(), room(), A, NOTHING], 3, "there is no room", id="deleted"),
]


@pytest.mark.parametrize(("talks", "code", "words"), UNSEEN)
def test_what_was_written_is_told(talks: list[fakes.Talk], code: int, words: str, run: Run) -> None:
    """Where the look afterwards fails, or the answer never came, the write is not passed over; else it is not said."""
    done = run(talks, "update", "r", "--set", "a=1", "--timeout", "1")
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, words in error["message"]) == (code, "", True), error
    assert ("written" in error["message"]) is (words in {WRITTEN, MAYBE})


RECORDED = ["--egress", '{"room": {"file_outputs": [{"filepath": "x"}]}}']
AGENT = ["--agent", "a"]
CREATED = [
    pytest.param([NOTHING, room(), dispatched(), dispatched("a")], AGENT, [], id="an agent that is listed later"),
    pytest.param([NOTHING, room(), dispatched()], AGENT, ["agents"], id="an agent that is never listed"),
    pytest.param([NOTHING, NOTHING, room(), fakes.answer({"items": [{"egress_id": "EG_1"}]})], RECORDED, [],
                 id="recorded"),
    pytest.param([NOTHING, NOTHING, room(), fakes.answer({"items": []})], RECORDED, ["egress"], id="not recorded"),
]  # fmt: skip


@pytest.mark.parametrize(("talks", "wish", "missed"), CREATED)
def test_a_new_room_is_told_as_new(talks: list[fakes.Talk], wish: list[str], missed: list[str], run: Run) -> None:
    """Whatever was not applied of what does not come with the room itself."""
    answer = run(talks, "create", "r", *wish)
    made = json.loads(answer.out)
    assert (answer.code, made["created"], made["dry_run"]) == (1 if missed else 0, True, False)
    assert (made["not_applied"], made["unconfirmed"], made["changed"]) == (missed, [], [])


FAILED: list[Any] = [
    pytest.param([NOTHING, fakes.silent, room()], [], 5, "room 'r' is there all the same", id="made unheard"),
    pytest.param([NOTHING, room(), FAULT], AGENT, 7, "room 'r' was created, and could not be looked at", id="unseen"),
]


@pytest.mark.parametrize(("talks", "wish", "code", "words"), FAILED)
def test_a_room_that_is_there_all_the_same(
    talks: list[fakes.Talk], wish: list[str], code: int, words: str, run: Run
) -> None:
    """Where creating it, or looking at it, fails after it was made, that is said."""
    done = run(talks, "create", "r", *wish, "--timeout", "1")
    assert (done.code, done.out, words in json.loads(done.err)["error"]["message"]) == (code, "", True), done.err
