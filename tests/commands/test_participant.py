"""`lkctl participant` where a server answers as a real one does only in the rarest of moments, or as Cloud does."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests import fakes
from tests.harness import Done, invoke

SECRET = "for-tests-only-for-tests-only-for-tests-only"
MAY = {"can_publish": True, "can_subscribe": True}
GONE = fakes.answer({"code": "not_found", "msg": "twirp error unknown: participant does not exist"}, "404 Not Found")
ROOM = fakes.answer({"rooms": [{"name": "r", "sid": "RM_1"}]})
OK = fakes.answer({})

Run = Callable[..., Done]


def alice(metadata: str = "", sid: str = "PA_1", permission: dict[str, Any] = MAY, **others: Any) -> fakes.Talk:
    """Answer with a participant."""
    one = {"sid": sid, "identity": "alice", "metadata": metadata, "permission": permission}
    return fakes.answer({**one, "state": "ACTIVE", "joined_at_ms": "1704067200000", **others})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs `lkctl participant …` against a server that answers in turn, the last one for ever."""

    def run_it(talks: list[fakes.Talk], *arguments: str, look: str = "json") -> Done:
        with fakes.serving(fakes.in_turn(*talks)) as port:
            monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
            monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
            monkeypatch.setenv("LIVEKIT_API_SECRET", SECRET)
            return invoke("participant", *arguments, "-o", look)

    return run_it


SET = ["update", "r", "alice", "--set", "a=1"]
A, B, AB = '{"a":1}', '{"b":1}', '{"b":1,"a":1}'
DENIED = {**MAY, "can_publish": False}
CHANGES = [
    pytest.param([alice(), alice(A)], SET, ["metadata"], id="as asked"),
    pytest.param([alice(), alice(A), alice(B), alice(B), alice(AB)], SET, ["metadata"], id="taken away, set again"),
    pytest.param([alice(), alice(A), alice(AB)], SET, ["metadata"], id="somebody else added a key"),
    pytest.param(
        [alice(), alice(permission=DENIED), alice(), alice(permission=DENIED)],
        ["update", "r", "alice", "--no-can-publish"],
        ["permission.can_publish"],
        id="given back by an older look, denied again",
    ),
    pytest.param([alice(), alice(A), GONE, ROOM], SET, ["metadata"], id="left since"),
]


@pytest.mark.parametrize(("talks", "arguments", "changed"), CHANGES)
def test_what_is_applied(talks: list[fakes.Talk], arguments: list[str], changed: list[str], run: Run) -> None:
    """It ends well only where what was asked for holds, half a second later, too."""
    done = run(talks, *arguments)
    answer = json.loads(done.out)
    assert (done.code, answer["changed"], answer["not_applied"]) == (0, changed, [])


def test_who_left_since_is_told_to_people(run: Run) -> None:
    """It was changed, and nobody has the change any more."""
    done = run([alice(), alice(A), GONE, ROOM], *SET, look="table")
    assert (done.code, "has left the room since" in done.out) == (0, True)


IGNORED = [
    pytest.param(["--set", "a=1"], ["metadata"], id="metadata"),
    pytest.param(["--name", "A"], ["name"], id="name"),
    pytest.param(["--attribute", "k=v"], ["attributes.k"], id="attribute"),
    pytest.param(["--no-can-publish"], ["permission.can_publish"], id="permission"),
    pytest.param(["--source", "camera"], ["permission.can_publish_sources"], id="sources"),
    pytest.param(["--name", "A", "--set", "a=1"], ["name", "metadata"], id="two"),
]


@pytest.mark.parametrize(("wish", "missed"), IGNORED)
def test_what_is_not_applied(wish: list[str], missed: list[str], run: Run) -> None:
    """A server that says yes and does nothing: the exit code says so, and which."""
    done = run([alice()], "update", "r", "alice", *wish)
    answer = json.loads(done.out)
    assert (done.code, answer["changed"], answer["not_applied"]) == (1, [], missed)


STANDS_AGAINST = [
    pytest.param([alice(), alice(A), alice('{"a":2}')], SET, id="somebody else wants the key otherwise"),
    pytest.param([alice(), alice(A), alice("{}")], ["update", "r", "alice", "--metadata", A], id="the whole replaced"),
    pytest.param([alice(), alice(name="A"), alice(name="B")], ["update", "r", "alice", "--name", "A"], id="a name"),
    pytest.param([alice(), alice(A), alice(sid="PA_2")], SET, id="left and joined again"),
]


@pytest.mark.parametrize(("talks", "arguments"), STANDS_AGAINST)
def test_somebody_else_at_the_same_time(talks: list[fakes.Talk], arguments: list[str], run: Run) -> None:
    """Told as what it is."""
    done = run(talks, *arguments)
    assert (done.code, done.out, json.loads(done.err)["error"]["code"]) == (1, "", "changed-meanwhile")


FAULT = fakes.answer({"code": "internal", "msg": "disk full"}, "500 Internal Server Error")
TOLD = [
    pytest.param([alice(), alice(A), FAULT], 7, "was changed as asked, and could not be looked at", id="the look"),
    pytest.param([alice(), fakes.hang_up], 5, "may have been changed all the same", id="the answer"),
]


@pytest.mark.parametrize(("talks", "code", "words"), TOLD)
def test_what_may_be_done_is_told(talks: list[fakes.Talk], code: int, words: str, run: Run) -> None:
    """Where the answer or the look afterwards fails, the change is not passed over."""
    done = run(talks, *SET)
    error = json.loads(done.err)["error"]
    assert (done.code, done.out, words in error["message"]) == (code, "", True), error


def test_permissions_of_a_newer_server_stay(run: Run) -> None:
    """What lkctl does not know goes back to the server as it was: left out, it would be false."""
    bodies: list[Any] = []

    def listen(link: socket.socket) -> None:
        head, _, body = _whole(link).partition(b"\r\n\r\n")
        if b"UpdateParticipant" in head:
            bodies.append(json.loads(body))
        permission = {**MAY, "can_fly": True, **(bodies[-1]["permission"] if bodies else {})}
        text = json.dumps({"sid": "PA_1", "identity": "alice", "permission": permission}).encode()
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text))
        link.sendall(text)

    done = run([listen], "update", "r", "alice", "--no-can-publish")
    assert done.code == 0
    assert [body["permission"] for body in bodies] == [{**MAY, "can_fly": True, "can_publish": False}]


OUT = [
    pytest.param([alice(), OK, GONE, ROOM], "removed", id="out"),
    pytest.param([alice(), OK, alice(), GONE, ROOM], "removed", id="out a little later"),
    pytest.param([alice(), GONE, ROOM], "left", id="left by itself"),
]
NOT_OUT = [
    pytest.param([alice(), OK, alice(sid="PA_2")], (1, "expectation-failed"), id="back at once"),
    pytest.param([alice(), OK, alice()], (7, "server-error"), id="still there"),
    pytest.param([alice(), fakes.silent], (5, "net-timeout"), id="no answer"),
]


@pytest.mark.parametrize(("talks", "result"), OUT)
def test_who_is_out(talks: list[fakes.Talk], result: str, run: Run) -> None:
    """Looked at, not believed."""
    done = run(talks, "remove", "r", "alice", "--yes")
    row = {"identity": "alice", "sid": "PA_1", "result": result, "error": None}
    assert (done.code, json.loads(done.out)) == (0, [row])


@pytest.mark.parametrize(("talks", "expected"), NOT_OUT)
def test_who_is_not_out(talks: list[fakes.Talk], expected: tuple[int, str], run: Run) -> None:
    """The failure of a single one is an error."""
    done = run(talks, "remove", "r", "alice", "--yes", "--timeout", "3")
    assert (done.out, (done.code, json.loads(done.err)["error"]["code"])) == ("", expected)


def test_one_of_several_fails(run: Run) -> None:
    """The others go on; where the server is lost, they are not tried; the exit code is the worst one's."""
    back = run([alice(), alice(), OK, alice(sid="PA_2"), OK, GONE, ROOM], "remove", "r", "alice", "bob", "--yes")
    assert [(one["result"], one["sid"]) for one in json.loads(back.out)] == [("back", "PA_2"), ("removed", "PA_1")]
    assert (back.code, json.loads(back.out)[0]["error"]["code"]) == (1, "expectation-failed")
    lost = run([alice(), alice(), fakes.hang_up], "remove", "r", "alice", "bob", "--yes")
    assert ([one["result"] for one in json.loads(lost.out)], lost.code) == (["failed", "untried"], 5)


@pytest.mark.parametrize("verb", ["move", "forward"])
def test_cloud_moves(verb: str, run: Run) -> None:
    """Where the server says yes, that is what is told."""
    answer = json.loads(run([alice(), OK], verb, "r", "alice", "--to", "s").out)
    assert (answer["accepted"], answer["dry_run"], answer["room"], answer["destination"]) == (True, False, "r", "s")


def _whole(link: socket.socket) -> bytes:
    """Read a request with its body."""
    content = b""
    while b"\r\n\r\n" not in content or len(content.partition(b"\r\n\r\n")[2]) < _length(content):
        part = link.recv(65536)
        if not part:
            break
        content += part
    return content


def _length(content: bytes) -> int:
    lines = content.lower().partition(b"\r\n\r\n")[0].split(b"\r\n")
    return next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
