"""`lkctl room watch` with real guests, and while the server restarts."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.scenarios.overview import look_at_all
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.url import parse_url
from tests import fakes
from tests.guests import guest
from tests.harness import Done, command, environment, invoke, on_terminal
from tests.relay import Meddle, relaying
from tests.watcher import api_of, code_of, running, use, watching

pytestmark = pytest.mark.live
Start = Callable[..., LocalServer]
KEYS = ["at", "event", "room", "participant", "kind", "sid", "old", "new"]


def watch(*words: str) -> Done:
    return invoke("room", "watch", *words, "-o", "jsonl")


def test_the_life_of_a_room(server: LocalServer, room: str) -> None:
    """Everything that happens in it is told, as it happens, in JSON lines."""
    api = api_of(server)
    with watching(room) as run:
        api.create_room(RoomRequest(room))
        started = run.await_event("room_started", room=room)
        assert (list(started), started["new"]["name"]) == (KEYS, room)
        assert run.await_event("dispatch_created")["new"]["verdict"] == "too-early"
        grants = {"canUpdateOwnMetadata": True}
        with guest(server, "alice", room, attributes={"plan": "free"}, grants=grants) as alice:
            joined = run.await_event("participant_joined", participant="alice", kind="STANDARD")
            assert joined["new"]["attributes"] == {"plan": "free"}
            track = alice.do("publish", source="microphone", name="mic")
            assert run.await_event("track_published", sid=track)["new"]["source"] == "MICROPHONE"
            api.mute_track(room, "alice", track, muted=True)
            assert run.await_event("track_muted", sid=track, participant="alice")["new"]["muted"] is True
            alice.do("unpublish", sid=track)
            run.await_event("track_unpublished", sid=track)
            alice.do("set_attributes", attributes={"plan": "pro"})
            changed = run.await_event("participant_attributes_changed", participant="alice")
            assert (changed["old"], changed["new"]) == ({"plan": "free"}, {"plan": "pro"})
            alice.do("set_metadata", text="hello")
            assert run.await_event("participant_metadata_changed")["new"] == "hello"
            api.update_participant(room, "alice", {"name": "Alice", "permission": {"can_subscribe": True}})
            assert run.await_event("participant_name_changed")["new"] == "Alice"
            assert run.await_event("participant_permission_changed")["new"]["can_publish"] is False
            with guest(server, "alice", room):  # puts the first one out
                assert run.await_event("participant_left", participant="alice")["sid"] == joined["sid"]
                assert run.await_event("participant_joined", participant="alice")["sid"] != joined["sid"]
            run.await_event("participant_left", participant="alice")
        with guest(server, "bot", room, kind="agent"), guest(server, "ghost", room, grants={"hidden": True}):
            run.await_event("participant_joined", participant="bot", kind="AGENT")
            hidden = run.await_event("participant_joined", participant="ghost")
            assert hidden["new"]["permission"]["hidden"] is True
        api.update_room_metadata(room, '{"a": 1}')
        assert run.await_event("room_metadata_changed")["new"] == '{"a": 1}'
        dispatch = api.create_dispatch(room, "nobody")
        assert run.await_event("dispatch_created", sid=dispatch.id)["new"]["agent_name"] == "nobody"
        api.delete_dispatch(room, dispatch.id)
        run.await_event("dispatch_deleted", sid=dispatch.id)
        with guest(server, "bob", room):
            run.await_event("participant_joined", participant="bob")
            api.delete_room(room)
            run.await_event("participant_left", participant="bob")
            assert run.await_event("room_finished")["old"]["name"] == room


def test_a_snapshot_comes_first(server: LocalServer, room: str) -> None:
    api_of(server).create_room(RoomRequest(room))
    with guest(server, "alice", room):
        (line,) = watch(room, "--timeout", "0.3").out.splitlines()
    event = json.loads(line)
    assert (event["event"], event["new"]["room"]["name"], event["new"]["room"]["sid"]) == (
        "snapshot", room, event["sid"],
    )  # fmt: skip
    assert [one["identity"] for one in event["new"]["participants"]] == ["alice"]
    assert [one["verdict"] for one in event["new"]["dispatches"]] == ["too-early"]


def test_every_format(server: LocalServer, room: str) -> None:
    """The same event as people, scripts and programs want it; a reached --timeout is no failure."""
    api_of(server).create_room(RoomRequest(room))
    forms = {
        "name": "snapshot\n",
        "tsv": "\tsnapshot\t" + room,
        "table": "=  snapshot ",
        "json": '[\n{\n  "at"',
    }
    for form, expected in forms.items():
        done = invoke("room", "watch", room, "--timeout", "0.3", "-o", form)
        assert (done.code, expected in done.out) == (0, True), form
        assert done.err == f"watching room '{room}' on {server.http_url}; ^C ends it\n"
    assert json.loads(invoke("room", "watch", room, "--timeout", "0.3", "-o", "json").out)[0]["event"] == "snapshot"
    assert json.loads(invoke("room", "watch", "--timeout", "0.3", "-o", "json", "-q").out)


def test_all_rooms(server: LocalServer, room: str) -> None:
    """Without a name: rooms that come and go, and who is in them."""
    with running("room", "watch", "--debug") as run:
        run.await_look()
        api_of(server).create_room(RoomRequest(room))
        run.await_event("room_started", room=room)
        with guest(server, "alice", room):
            run.await_event("participant_joined", room=room, participant="alice")
        run.await_event("participant_left", room=room, participant="alice")
        api_of(server).delete_room(room)
        run.await_event("room_finished", room=room)


def test_a_room_without_a_name_among_all(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server allows it; it disturbs nothing."""
    server = use(start_livekit_server(), monkeypatch)
    api_of(server).create_room(RoomRequest(""))
    api_of(server).create_room(RoomRequest("demo"))
    done = watch("--timeout", "1")
    assert (done.code, [json.loads(line)["room"] for line in done.out.splitlines()]) == (0, ["", "demo"])


@contextmanager
def relayed(server: LocalServer, meddle: Meddle, seconds: float = 10) -> Iterator[Api]:
    """Give the API of a server behind a proxy that meddles with calls."""
    with relaying(parse_url(server.url).port, meddle) as port:
        target = Target(parse_url(f"ws://127.0.0.1:{port}"), Credentials(server.key, server.secret))
        yield Api(Twirp(target, timeout=seconds))


@pytest.mark.parametrize("before", ["ListParticipants", "ListDispatch"])
def test_rooms_deleted_in_the_middle_of_a_look(before: str, server: LocalServer, room: str) -> None:
    """For the dispatches of each of them the server needs 3 s: they are not waited for."""
    api = api_of(server)
    names = [f"{room}-{number}" for number in range(10)]
    for name in names:
        api.create_room(RoomRequest(name))
    deleting = threading.Lock()
    deleted: list[str] = []

    def meddle(method: str, _: bytes) -> None:
        with deleting:  # calls come several at once; none is answered before the rooms are gone
            if method == before and not deleted:
                deleted.extend(names)
                for name in names:
                    api.delete_room(name)

    with relayed(server, meddle) as watched:
        started = time.monotonic()
        seen = look_at_all(watched)
    assert time.monotonic() - started < 2.9
    if before == "ListParticipants":
        assert not {*names} & {*seen}
    else:
        assert {one.dispatches for name, one in seen.items() if one is not None and name in names} == {None}


def test_a_room_that_gives_no_answer(server: LocalServer, room: str) -> None:
    """The others are seen all the same; where none answers, the first error is raised."""
    api = api_of(server)
    names = [f"{room}-{number}" for number in range(3)]
    for name in names:
        api.create_room(RoomRequest(name))
    refused = [names[1]]

    def meddle(method: str, body: bytes) -> tuple[int, bytes] | None:
        fails = method == "ListParticipants" and any(name.encode() in body for name in refused)
        return (503, b'{"code": "unavailable", "msg": "no response from servers"}') if fails else None

    with relayed(server, meddle) as watched:
        seen = look_at_all(watched)
        assert {name: one is not None for name, one in seen.items() if name in names} == {
            names[0]: True, names[1]: False, names[2]: True,
        }  # fmt: skip
        refused.append("room")
        with pytest.raises(LkctlError, match="no response from servers"):
            look_at_all(watched)


def test_slow_rooms_do_not_outlast_the_timeout(server: LocalServer, room: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not told as a lost server either: the time is up, that is all."""
    for number in range(3):
        api_of(server).create_room(RoomRequest(f"{room}-{number}"))
    looks: list[str] = []

    def meddle(method: str, _: bytes) -> None:
        looks.append(method)
        if looks.count("ListDispatch") >= 3:  # the first look is over
            time.sleep(0.8)

    with relaying(parse_url(server.url).port, meddle) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        started = time.monotonic()
        done = watch("--timeout", "1", "--interval", "0.1")
    assert time.monotonic() - started < 4
    assert (done.code, "server_lost" in done.out) == (0, False)


def test_hostile_names_on_a_terminal(server: LocalServer, room: str) -> None:
    api_of(server).create_room(RoomRequest(room, metadata="\x1b]0;x\x07 [red]b[/] \u202e"))
    with guest(server, "a\x1b[31m\nb", room):
        screen = on_terminal("room", "watch", room, "--timeout", "0.5", env={"NO_COLOR": "1"}, columns=120).out
    assert "1 in the room" in screen
    assert "\x1b[31m" not in screen
    assert "\u202e" not in watch(room, "--timeout", "0.3").out


def test_enough(server: LocalServer, room: str) -> None:
    """--count ends it with 0; where the time is up first, 6."""
    with watching(room, "--count", "1") as run:
        api_of(server).create_room(RoomRequest(room))
        done = run.end()
    assert (done.code, [json.loads(line)["event"] for line in done.out.splitlines()]) == (
        0, ["snapshot", "room_started"],
    )  # fmt: skip
    assert code_of(invoke("room", "watch", room, "--count", "9", "--timeout", "0.5", "-o", "json")) == (
        6, "wait-expired",
    )  # fmt: skip


REFUSED = [
    pytest.param([" "], "usage", id="blank name"),
    pytest.param([""], "option-empty", id="empty name"),
    pytest.param(["r", "--interval", "0.05"], "usage", id="too often"),
    pytest.param(["r", "--interval", "often"], "usage", id="no duration"),
    pytest.param(["r", "--timeout", "0"], "usage", id="no time"),
    pytest.param(["r", "--count", "0"], "usage", id="no events"),
]


@pytest.mark.parametrize(("words", "code"), REFUSED)
def test_refused_before_anything_is_asked(words: list[str], code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{fakes.closed_port()}")
    monkeypatch.setenv("LIVEKIT_API_KEY", "APIabcdefghijkl")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "no-secret-of-any-server-0123456789abcdef")
    assert code_of(watch(*words)) == (2, code)


def test_a_server_that_does_not_answer_from_the_start(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{fakes.closed_port()}")
    done = invoke("room", "watch", "r", "-q", "-o", "json")
    assert (code_of(done), done.out) == ((5, "net-refused"), "")


def test_a_wrong_secret(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEKIT_API_SECRET", "another-secret-0123456789abcdefghijklmnop")
    assert code_of(invoke("room", "watch", "r", "-q", "-o", "json")) == (4, "auth-secret")


@pytest.mark.parametrize(("form", "whole"), [("jsonl", json.loads), ("json", lambda text: json.loads(text)[0])])
def test_interrupted(form: str, whole: Callable[[str], dict[str, object]], server: LocalServer, room: str) -> None:
    """^C ends it at once; what was printed is whole."""
    with running("room", "watch", room, "-o", form, "-q") as run:
        while '"snapshot"' not in (run.lines.get(timeout=20) or ""):
            pass
        started = time.monotonic()
        done = run.end(signal.SIGINT)
    assert (done.code, "interrupted" in done.err) == (130, True)
    assert whole(done.out)["event"] == "snapshot"
    assert time.monotonic() - started < 3


def test_a_reader_who_has_gone(server: LocalServer, room: str) -> None:
    """`| head -1` ends it with 141, though nothing more happens in the room."""
    words = " ".join(command("room", "watch", room, "-q"))
    line = f"{words} | head -1 >/dev/null; exit ${{PIPESTATUS[0]}}"
    piped = subprocess.run(["bash", "-c", line], env=environment(), capture_output=True, timeout=30, check=False)
    assert (piped.returncode, piped.stderr) == (141, b"")


def test_the_server_restarts_meanwhile(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost, back, and what is different since: a server without Redis has forgotten its rooms."""
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    api_of(server).create_room(RoomRequest("demo"))
    with watching("demo") as run:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        lost = run.await_event("server_lost")
        assert lost["new"]["code"] in {"net-refused", "net-failed"}
        server.stop()
        server.start()
        assert run.await_event("server_back")["new"]["lost_s"] > 0
        run.await_event("room_finished", room="demo")
        api_of(server).create_room(RoomRequest("demo"))
        run.await_event("room_started", room="demo")
        done = run.end(signal.SIGINT)
    assert done.code == 130
    assert [json.loads(line)["event"] for line in done.out.splitlines()].count("server_lost") == 1


def test_interrupted_while_the_server_is_lost(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    with watching("demo") as run:
        server.stop()
        run.await_event("server_lost")
        started = time.monotonic()
        assert run.end(signal.SIGINT).code == 130
    assert time.monotonic() - started < 3


def test_a_timeout_while_the_server_is_lost(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    with watching("demo", "--timeout", "8") as run:
        server.stop()
        run.await_event("server_lost")
        assert run.end().code == 0


def test_another_server_in_its_place(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that refuses the key is not waited for."""
    port = free_tcp_port()
    server = use(start_livekit_server(port=port), monkeypatch)
    with watching("demo", "-o", "jsonl") as run:
        server.stop()
        start_livekit_server(port=port)
        done = run.end()
    assert code_of(done) == (4, "auth-key")
