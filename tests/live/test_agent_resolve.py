"""`lkctl agent resolve` on a real server: from outside, from inside, followed; and that all ways agree."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import pytest

from lkctl.agents.presence import Stay, present
from lkctl.errors import LkctlError
from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from tests import fakes
from tests.guests import guest
from tests.harness import Done, invoke, on_terminal, spawn, until
from tests.watcher import Running, api_of, code_of, running, use
from tests.workers import worker

pytestmark = pytest.mark.live
Start = Callable[..., LocalServer]
A, B, C, D = (f"user_170406720000{number}_abc123" for number in range(4))


def metadata(user_id: str) -> str:
    return json.dumps({"userId": user_id})


class Scene(NamedTuple):
    """A room with people in it, further arguments, and what an agent uses there: ID, source, codes of warnings."""

    expected: tuple[str | None, str | None, set[str]]
    name: str = ""
    text: str | None = None
    people: tuple[dict[str, Any], ...] = ()
    words: tuple[str, ...] = ()


PLAIN: dict[str, Any] = {}
FIRST, SECOND = {"metadata": metadata(A)}, {"metadata": metadata(B)}
SPOOFER = {"metadata": metadata(A), "grants": {"canUpdateOwnMetadata": True}}
PHONE = {"kind": "sip", "attributes": {"sip.phoneNumber": "+4930123456"}}
ENV = ("--agent-env", f"CHROME_USER_ID={D}")
NAMED = f"mcp-chrome-user-{C}"
MET = "participant.metadata"
SCENES = {
    "nothing": Scene((None, "random", {"W-RANDOM"})),
    "the name of the room": Scene((C, "room.name", set()), NAMED),
    "the metadata of the room": Scene((B, "room.metadata", set()), text=metadata(B)),
    "all four": Scene((A, MET, {"W-CONFLICT"}), NAMED, metadata(B), (FIRST,), ENV),
    "the environment": Scene((D, "env", set()), people=(PLAIN,), words=ENV),
    "broken metadata of the room": Scene((C, "room.name", {"W-JSON"}), NAMED, "hello", (PLAIN,)),
    "broken metadata": Scene((B, "room.metadata", {"W-JSON"}), text=metadata(B), people=({"metadata": "{"},)),
    "spoofable": Scene((A, MET, {"W-SPOOFABLE"}), people=(SPOOFER,)),
    "trusted": Scene((B, "room.metadata", {"W-SPOOFABLE"}), "", metadata(B), (SPOOFER,), ("--require-trusted",)),
    "two users": Scene((A, MET, {"W-AMBIGUOUS"}), people=(FIRST, SECOND)),
    "two users, strictly": Scene((None, None, {"W-AMBIGUOUS"}), people=(FIRST, SECOND), words=("--strict",)),
    "an agent's": Scene((None, "random", {"W-SKIPPED", "W-RANDOM"}), people=({"kind": "agent", **FIRST}, PLAIN)),
    "a phone": Scene(
        ("+4930123456", "participant.attributes", {"W-FORMAT"}), people=(PHONE,), words=("--preset", "phone")
    ),
    "the identity": Scene(
        (A, "participant.identity", set()), people=({"identity": A},), words=("--preset", "dispatch")
    ),
}
GIST = ("user_id", "source", "participant", "trusted", "log")


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_all_ways_agree(scene: Scene, server: LocalServer, room: str) -> None:
    """From outside, from inside, and as an agent that waits: the same ID for the same reason."""
    name = scene.name or room
    user_id, source, codes = scene.expected
    nobody = not any(one.get("kind") != "agent" for one in scene.people)
    try:
        api_of(server).create_room(RoomRequest(name, metadata=scene.text))
        with ExitStack() as inside:
            for number, one in enumerate(scene.people):
                about = {"identity": f"guest-{number}", **one}
                inside.enter_context(guest(server, about.pop("identity"), name, **about))
            answers = [
                json.loads(done.out)
                for done in at_once(
                    ["resolve", name, *scene.words],
                    ["resolve", name, "--via", "rtc", *scene.words],
                    ["simulate", name, *scene.words, *(["--wait", "none"] if nobody else [])],
                )
            ]
    finally:
        invoke("room", "delete", name, "--yes")
    assert [one["via"] for one in answers] == ["api", "rtc", "rtc"]
    assert [(one["user_id"], one["source"]) for one in answers] == [(user_id, source)] * 3
    assert [{warning["code"] for warning in one["warnings"]} for one in answers] == [codes] * 3
    assert len({json.dumps([one[key] for key in GIST]) for one in answers}) == 1


def at_once(*commands: list[str]) -> list[Done]:
    """Run commands of `lkctl agent` at the same time."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda words: spawn("agent", *words, "-o", "json"), commands))


UNSEEN = [
    pytest.param({"hidden": True}, None, [], id="hidden"),
    pytest.param({"recorder": True}, A, ["recorder"], id="recorder"),
    pytest.param({"agent": True}, A, ["agent"], id="agent by permission only"),
]


@pytest.mark.parametrize(("grants", "inside", "noted"), UNSEEN)
def test_where_inside_and_outside_differ(
    grants: dict[str, Any], inside: str | None, noted: list[str], server: LocalServer, room: str
) -> None:
    """The server hides the hidden from agents, and the SDK two permissions: where that matters, a note says so."""
    with guest(server, "alice", room, metadata=metadata(A), grants=grants):
        outside, rtc = at_once(["resolve", room], ["resolve", room, "--via", "rtc"])
    answer = json.loads(outside.out)
    assert (answer["user_id"], "W-SKIPPED" in outside.out) == (None, True)
    assert json.loads(rtc.out)["user_id"] == inside
    notes = [line for line in outside.err.splitlines() if "takes it for a user" in line]
    assert [f"has the permission of a{'n' if word == 'agent' else ''} {word}" in note for word, note in
            zip(noted, notes, strict=True)] == [True] * len(noted)  # fmt: skip


def test_the_note_of_a_late_join(server: LocalServer, room: str) -> None:
    """For 3 s an agent in the room may not know of who publishes nothing; then nothing is said, nor of a publisher."""
    with guest(server, "alice", room, metadata=metadata(A)) as alice:
        fresh = invoke("agent", "resolve", room, "-o", "json")
        assert "note: participant 'alice' joined " in fresh.err
        assert json.loads(fresh.out)["user_id"] == A
        alice.do("publish", source="microphone", name="mic")
        assert until(lambda: "note:" not in invoke("agent", "resolve", room, "-o", "json").err, 2)
    with guest(server, "bob", room):
        assert until(lambda: "note:" not in invoke("agent", "resolve", room, "-o", "json").err, 5)


def identities(api: Api, room: str) -> list[str]:
    return [one.identity for one in api.list_participants(room)]


def test_it_leaves_no_trace(server: LocalServer, room: str) -> None:
    """Nobody in the room hears of it; no participant, dispatch or room stays."""
    api = api_of(server)
    api.create_room(RoomRequest(room, metadata=metadata(B)))
    before = api.get_room(room), api.list_dispatches(room)
    with guest(server, "alice", room) as alice:
        assert json.loads(invoke("agent", "resolve", room, "--via", "rtc", "-o", "json").out)["user_id"] == B
        assert alice.do("others") == []
        assert identities(api, room) == ["alice"]
    assert (api.get_room(room).sid, api.list_dispatches(room)) == (before[0].sid, before[1])


def test_an_absent_room(server: LocalServer, room: str) -> None:
    """Judged by its name through the API; nobody can join it, unless it is made for that."""
    assert invoke("agent", "resolve", room).code == 0
    assert code_of(invoke("agent", "resolve", room, "--require-room", "-o", "json")) == (3, "room-missing")
    missing = invoke("agent", "resolve", room, "--via", "rtc", "-o", "json")
    assert (code_of(missing), missing.out) == ((3, "room-missing"), "")
    assert "--create" in json.loads(missing.err)["error"]["hint"]
    assert code_of(invoke("agent", "resolve", room, "--follow", "--require-room", "-qo", "json")) == (3, "room-missing")
    assert api_of(server).find_room(room) is None


def test_a_room_made_for_a_while(server: LocalServer) -> None:
    """It is removed again, and no agent without a name was called to it."""
    name = f"mcp-chrome-user-{D}"
    with worker(server, "") as unnamed:
        done = invoke("agent", "resolve", name, "--via", "rtc", "--create", "-o", "json")
        assert (done.code, json.loads(done.out)["source"], json.loads(done.out)["warnings"]) == (0, "room.name", [])
        assert api_of(server).find_room(name) is None
        time.sleep(0.5)
        assert unnamed.events.empty()


def test_a_room_that_is_there_is_not_removed(server: LocalServer, room: str) -> None:
    """--create makes what is missing, and removes only that."""
    made = api_of(server).create_room(RoomRequest(room))
    assert invoke("agent", "resolve", room, "--via", "rtc", "--create").code == 0
    assert api_of(server).get_room(room).sid == made.sid


@pytest.mark.parametrize("text", [None, metadata(B)], ids=["and nobody else", "and others made it anew"])
def test_a_room_deleted_while_it_is_joined(text: str | None, server: LocalServer, room: str) -> None:
    """Joining makes it anew, which is undone; a room that others made meanwhile stays."""
    api = api_of(server)
    api.create_room(RoomRequest(room))

    def meddle(line: str) -> None:
        if "ListDispatch" in line and api.find_room(room) is not None:
            api.delete_room(room)
            if text is not None:
                api.create_room(RoomRequest(room, metadata=text))

    racing = Api(Twirp(api.target, timeout=20, trace=meddle))
    with (
        pytest.raises(LkctlError, match="was deleted while it was being joined") as caught,
        present(racing, Stay(room), timeout=20),
    ):
        raise AssertionError("it is another room")
    assert caught.value.code == "room-missing"
    assert (api.find_room(room) is None) == (text is None)


FAILURES = [
    pytest.param(["resolve", "r", "--via", "rtc"], id="from inside"),
    pytest.param(["resolve", "r", "--follow"], id="followed"),
    pytest.param(["resolve", "r", "--follow", "--via", "rtc"], id="followed inside"),
    pytest.param(["simulate", "r"], id="simulated"),
    pytest.param(["simulate", "r", "--create", "--publish"], id="made and simulated"),
    pytest.param(["simulate", "r", "--dry-run"], id="planned"),
]


@pytest.mark.parametrize("words", FAILURES)
def test_no_server_and_wrong_secret(words: list[str], server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 and 4, by cause, at once or within the time limit; nothing on stdout."""

    def tried(*more: str) -> tuple[int, str]:
        started = time.monotonic()
        done = invoke("agent", *words, *more, "-q", "-o", "json")
        assert (done.out, time.monotonic() - started < 5) == ("", True)
        return code_of(done)

    with monkeypatch.context() as changed:
        changed.setenv("LIVEKIT_API_SECRET", "another-secret-0123456789abcdefghijklmnop")
        assert tried() == (4, "auth-secret")
    with monkeypatch.context() as changed:
        changed.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{fakes.closed_port()}")
        assert tried() == (5, "net-refused")
    with monkeypatch.context() as changed, fakes.serving(fakes.silent) as port:
        changed.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        assert tried("--timeout", "1") == (5, "net-timeout")


@contextmanager
def following(room: str, *words: str) -> Iterator[Running]:
    """Follow a room, and go on once its first line is there."""
    with running("agent", "resolve", room, "--follow", "-o", "jsonl", *words) as run:
        assert next_change(run)["room"] == room
        yield run


def next_change(run: Running, timeout: float = 20) -> Any:
    line = run.lines.get(timeout=timeout)
    assert line is not None, "it ended"
    return json.loads(line)


def codes(change: Any) -> list[str]:
    return [one["code"] for one in change["warnings"]]


WAYS = [pytest.param(["--interval", "0.2s"], id="api"), pytest.param(["--via", "rtc"], id="rtc")]


@pytest.mark.parametrize("words", WAYS)
def test_followed(words: list[str], server: LocalServer, room: str) -> None:
    """A line at each change: a late participant, changed metadata, and that he leaves; the rest is no news."""
    api = api_of(server)
    api.create_room(RoomRequest(room))
    with following(room, *words) as run:
        with guest(server, "alice", room, metadata=metadata(A)):
            joined = next_change(run)
            assert (joined["user_id"], joined["participant"], codes(joined)) == (A, "alice", [])
            assert next(iter(joined)) == "at"
            api.update_participant(room, "alice", {"name": "no news", "attributes": {"k": "v"}})
            api.update_participant(room, "alice", {"metadata": metadata(B)})
            changed = next_change(run)
            assert (changed["user_id"], codes(changed)) == (B, ["W-LATE"])
            api.update_room_metadata(room, metadata(C))
            assert codes(next_change(run)) == ["W-CONFLICT", "W-LATE"]
        left = next_change(run)
        assert (left["user_id"], left["source"], codes(left)) == (C, "room.metadata", ["W-LATE"])
        started = time.monotonic()
        done = run.end(signal.SIGINT)
        assert (done.code, time.monotonic() - started < 3) == (130, True)
    assert identities(api, room) == []


@pytest.mark.parametrize("words", WAYS)
def test_followed_for_a_time(words: list[str], server: LocalServer, room: str) -> None:
    """--timeout ends it with 0, in every form of output; one line only where nothing changes."""
    api_of(server).create_room(RoomRequest(room, metadata=metadata(B)))
    forms = {"name": f"{B}\n", "tsv": f"{room}\t{B}\troom.metadata\t\t\n", "auto": f"{room}\t{B}\troom.metadata\t\t\n"}
    for form, expected in forms.items():
        done = invoke("agent", "resolve", room, "--follow", *words, "--timeout", "0.5", "-o", form)
        assert (done.code, done.out) == (0, expected)
        assert done.err == f"following room {room!r} on {server.http_url}; ^C ends it\n"
    compact = invoke("agent", "resolve", room, "--follow", *words, "--timeout", "0.5", "-o", "json")
    assert [json.loads(line)["user_id"] for line in compact.out.splitlines()] == [B]


def test_followed_on_a_terminal(server: LocalServer, room: str) -> None:
    """The first is explained; then a line with the time, and what is new to be warned of."""
    api_of(server).create_room(RoomRequest(room, metadata="\x1b[31m[red]\u202e"))
    with guest(server, "alice", room, metadata=metadata(A)), ThreadPoolExecutor() as pool:
        words = ("--follow", "--timeout", "6", "--color", "never")
        screen = pool.submit(on_terminal, "agent", "resolve", room, *words, columns=150)
        time.sleep(3)
        api_of(server).update_participant(room, "alice", {"metadata": metadata("\x1b]0;x\x07")})
        done = screen.result()
    assert done.code == 0
    assert f"User ID in room {room}: {A}, from participant.metadata of alice\n" in done.out
    change = done.out.partition("The agent would log")[2]
    assert "  (made by the agent at run time), from random  W-UNSAFE,W-JSON,W-RANDOM,W-LATE\n" in change
    assert f"    W-LATE: An agent that was there before decided for {A} " in change
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


DEMANDS = [
    pytest.param(["--expect", A], [A], (0, ""), id="met from the start"),
    pytest.param(["--expect", A], ["", A], (0, ""), id="met later"),
    pytest.param(["--require"], ["", A, B], (0, ""), id="any ID will do"),
    pytest.param(["--expect", A], [A, B], (1, f"expected the user ID {A}"), id="met no more"),
    pytest.param(["--expect", A], ["", B], (1, f"expected the user ID {A}"), id="never met"),
    pytest.param(["--require"], [""], (1, "there is no user ID"), id="none came"),
    pytest.param(["--no-random"], ["", A], (0, ""), id="unresolved at first"),
    pytest.param(["--no-random"], [A, ""], (1, "the user ID is unresolved"), id="unresolved in the end"),
]


@pytest.mark.parametrize(("words", "ids", "expected"), DEMANDS)
def test_demands_of_who_follows(
    words: list[str], ids: list[str], expected: tuple[int, str], server: LocalServer, room: str
) -> None:
    """They may be met later, but then must stay so; without any, what holds in the end counts."""
    api = api_of(server)
    api.create_room(RoomRequest(room, metadata=metadata(ids[0])))
    with following(room, "--interval", "0.1s", "--timeout", "4", *words) as run:
        for user_id in ids[1:]:
            api.update_room_metadata(room, metadata(user_id))
            next_change(run)
        done = run.end()
    assert (done.code, expected[1] in done.err) == (expected[0], True)


def test_the_server_restarts_meanwhile(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the API it is waited for; what is different then is told."""
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    api_of(server).create_room(RoomRequest("demo", metadata=metadata(B)))
    with following("demo") as run:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        server.stop()
        while "the server is lost (net-" not in (run.remarks.get(timeout=20) or "the end"):
            pass
        server.start()
        gone = next_change(run)
        assert (gone["source"], "W-NOROOM" in codes(gone)) == ("random", True)
        api_of(server).create_room(RoomRequest("demo", metadata=metadata(C)))
        assert next_change(run)["user_id"] == C
        done = run.end(signal.SIGINT)
    assert (done.code, "the server is back, after " in done.err) == (130, True)


def test_the_server_goes_away_from_who_is_inside(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of it: to come back would make the room anew."""
    server = use(start_livekit_server(port=free_tcp_port()), monkeypatch)
    api_of(server).create_room(RoomRequest("demo"))
    with following("demo", "--via", "rtc") as run:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert code_of(run.end()) == (5, "net-failed")


def test_the_room_goes_away(server: LocalServer, room: str) -> None:
    """From outside that is a change; from inside it is the end."""
    for words, ends in (([], False), (["--via", "rtc"], True)):
        api_of(server).create_room(RoomRequest(room, metadata=metadata(B)))
        with following(room, *words) as run:
            api_of(server).delete_room(room)
            if ends:
                assert code_of(run.end()) == (3, "room-missing")
            else:
                assert "W-NOROOM" in codes(next_change(run))
