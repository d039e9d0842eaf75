"""`lkctl room wait` with real guests, and while the server restarts."""

import json
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.scenarios.look import Look, look_at, now, with_dispatches
from lkctl.server.api import Api
from tests import fakes
from tests.guests import guest
from tests.harness import Done, invoke, on_terminal
from tests.watcher import api_of, code_of, running, use

pytestmark = pytest.mark.live
Start = Callable[..., LocalServer]


def wait(*words: str, timeout: str = "20") -> Done:
    return invoke("room", "wait", *words, "--timeout", timeout, "-o", "json")


def held(done: Done) -> dict[str, bool]:
    return {one["condition"]: one["held"] for one in json.loads(done.out)["conditions"]}


def test_what_holds_already(server: LocalServer, room: str) -> None:
    """At once, with what was seen."""
    assert wait(room, "gone").code == 0
    api_of(server).create_room(RoomRequest(room, metadata='{"userId": "u1"}'))
    done = wait(room, "exists", "empty", "metadata", "metadata.userId=u1", "participants=0")
    document = json.loads(done.out)
    assert (done.code, list(document), document["room"]) == (0, ["room", "waited_s", "conditions"], room)
    assert document["waited_s"] < 2
    assert document["conditions"][3] == {"condition": "metadata.userId=u1", "held": True, "seen": "'userId' is 'u1'"}
    assert all(held(done).values())
    assert invoke("room", "wait", room, "exists", "-o", "name").out == f"{room}\n"
    assert "exists     yes    the room exists" in on_terminal("room", "wait", room, "exists").out


def test_guests_of_every_kind(server: LocalServer, room: str) -> None:
    """Publisher, hidden one, agent, two with one identity."""
    api_of(server).create_room(RoomRequest(room))
    with ExitStack() as inside:
        alice = inside.enter_context(guest(server, "alice", room))
        inside.enter_context(guest(server, "ghost", room, grants={"hidden": True}))
        assert wait(room, "participant=alice", "participant=ghost", "participants==2").code == 0
        assert code_of(wait(room, "agent", timeout="0.3")) == (6, "wait-expired")
        alice.do("publish", source="microphone", name="mic")
        assert wait(room, "track=microphone", "track=alice:microphone").code == 0
        assert held(wait(room, "track=ghost:microphone", "exists", timeout="0.3")) == {
            "track=ghost:microphone": False, "exists": True,
        }  # fmt: skip
        inside.enter_context(guest(server, "bot", room, kind="agent", attributes={"lk.agent_name": "support"}))
        assert wait(room, "agent", "agent=support", "participants=3").code == 0
        assert wait(room, "agent=sales", timeout="0.3").code == 6
        inside.enter_context(guest(server, "alice", room))  # puts the first one out
        assert wait(room, "participants=3", "participant=alice").code == 0
        assert wait(room, "track=microphone", timeout="0.3").code == 6
    assert wait(room, "empty").code == 0


HAPPENING: list[Any] = [
    pytest.param(["exists"], lambda api, room: api.create_room(RoomRequest(room)), id="exists"),
    pytest.param(["metadata.n=2"], lambda api, room: api.create_room(RoomRequest(room, metadata='{"n": 2}')),
                 id="metadata"),
    pytest.param(["exists", "empty"], lambda api, room: api.create_dispatch(room, "nobody"), id="made by a dispatch"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "happen"), HAPPENING)
def test_what_comes_to_hold(
    words: list[str], happen: Callable[[Api, str], Any], server: LocalServer, room: str
) -> None:
    with running("room", "wait", room, *words, "-o", "json", "--timeout", "20", "--debug") as run:
        run.await_look()
        run.await_look()  # one look more: it waits
        happen(api_of(server), room)
        done = run.end()
    assert (done.code, [line for line in done.err.splitlines() if not line.startswith("debug: ")]) == (0, [])
    assert 0 < json.loads(done.out)["waited_s"] < 20


def test_a_room_deleted_meanwhile(server: LocalServer, room: str) -> None:
    api_of(server).create_room(RoomRequest(room))
    with running("room", "wait", room, "gone", "--timeout", "20", "--debug") as run:
        run.await_look()
        api_of(server).delete_room(room)
        assert run.end().code == 0


def test_time_is_up(server: LocalServer, room: str) -> None:
    """Exit 6, saying what did not hold, and what was seen last; without JSON nothing on stdout."""
    missing = invoke("room", "wait", room, "agent", "--timeout", "1")
    assert (missing.code, missing.out) == (6, "")
    assert f"this did not hold of room '{room}': agent: the room does not exist" in missing.err
    assert f"lkctl room create {room}" in missing.err
    api_of(server).create_room(RoomRequest(room))
    done = wait(room, "agent", "exists", "track=camera", timeout="1")
    assert code_of(done) == (6, "wait-expired")
    assert held(done) == {"agent": False, "exists": True, "track=camera": False}
    assert 1 <= json.loads(done.out)["waited_s"] < 3
    assert (
        "agent: no agent; nobody is in the room\n  track=camera: no tracks are published"
        in json.loads(done.err)["error"]["message"]
    )


def test_dispatches_of_a_room_that_went(server: LocalServer, room: str) -> None:
    """Between two calls of one look: it is seen to be absent or, where the server does not say so soon, as it was."""
    api = api_of(server)
    made = api.create_room(RoomRequest(room))
    api.delete_room(room)
    seen = with_dispatches(api, Look(room, now(), made))
    assert (seen.room in (None, made), seen.dispatches) == (True, None)
    assert look_at(api, made, room).room is None


def test_a_terminal_sees_what_is_awaited(server: LocalServer, room: str) -> None:
    """And the line is wiped away."""
    screen = on_terminal("room", "wait", room, "agent", "--timeout", "1.5", columns=120).out
    assert f"waiting for room {room}, 1 s: agent: the room does not exist" in screen
    assert "\r\x1b[2K" in screen


REFUSED = [
    pytest.param(["r"], "usage", id="no condition"),
    pytest.param(["r", "exsts"], "usage", id="typo"),
    pytest.param([" ", "exists"], "usage", id="blank name"),
    pytest.param(["r" * 257, "exists"], "usage", id="long name"),
    pytest.param(["r", ""], "option-empty", id="empty condition"),
    pytest.param(["r", "exists", "--timeout", "0"], "usage", id="no time"),
    pytest.param(["r", "exists", "--timeout", "soon"], "usage", id="no duration"),
]


@pytest.mark.parametrize(("words", "code"), REFUSED)
def test_refused_before_anything_is_asked(words: list[str], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of these settings is not there: who asked it would end with 5."""
    monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{fakes.closed_port()}")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "no-secret-of-any-server-0123456789abcdef")
    done = invoke("room", "wait", *words, "-o", "json")
    assert (code_of(done), done.out) == ((2, code), "")


def test_a_server_that_does_not_answer_from_the_start(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not waited for: by cause, at once, or within the time limit."""
    monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{fakes.closed_port()}")
    assert code_of(wait("r", "exists")) == (5, "net-refused")
    with fakes.serving(fakes.silent) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        started = time.monotonic()
        assert code_of(wait("r", "exists", timeout="1")) == (5, "net-timeout")
        assert time.monotonic() - started < 5


def test_a_wrong_secret(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_API_SECRET", "another-secret-0123456789abcdefghijklmnop")
    assert code_of(wait("r", "exists")) == (4, "auth-secret")


def test_interrupted(server: LocalServer, room: str) -> None:
    """^C ends it at once."""
    with running("room", "wait", room, "exists", "--debug") as run:
        run.await_look()
        started = time.monotonic()
        done = run.end(signal.SIGINT)
    assert (done.code, done.out, done.err.splitlines()[-1]) == (130, "", "interrupted")
    assert time.monotonic() - started < 3


def restarted(server: LocalServer, pause: float = 1.5) -> None:
    """Have the server gone for a while."""
    server.stop()
    time.sleep(pause)
    server.start()


def test_the_server_restarts_meanwhile(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for; then what holds is seen."""
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    with running("room", "wait", "demo", "exists", "--timeout", "40", "-o", "json", "--debug") as run:
        run.await_look()
        restarted(server)
        api_of(server).create_room(RoomRequest("demo"))
        assert run.end().code == 0


def test_the_server_goes_for_good(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time runs out, and what held before does not count: nobody can know."""
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    api_of(server).create_room(RoomRequest("demo", empty_timeout=300))
    with running("room", "wait", "demo", "exists", "agent", "--timeout", "8", "-o", "json", "--debug") as run:
        run.await_look()
        run.await_look()  # the first look is over
        server.stop()
        done = run.end()
    assert code_of(done) == (6, "wait-expired")
    assert held(done) == {"exists": False, "agent": False}
    assert "the server does not answer any more (net-refused" in done.err


def test_another_server_in_its_place(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that refuses the key is not waited for."""
    port = free_tcp_port()
    server = use(start_livekit_server(port=port), monkeypatch)
    with running("room", "wait", "demo", "exists", "--timeout", "40", "-o", "json", "--debug") as run:
        run.await_look()
        server.stop()
        start_livekit_server(port=port)
        assert code_of(run.end()) == (4, "auth-key")
