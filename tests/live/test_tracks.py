"""Tracks on a real server: what real guests publish is listed, muted and unmuted, and each answer is what is so.

Measured on 1.13.5: the server lists tracks in random order; a mute or unmute shows in its list some ms after its reply;
a publisher that does not put up with being muted has unmuted itself within 10 ms.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests import fakes
from tests.guests import Guest, guest
from tests.harness import SECRETS, invoke, on_terminal

pytestmark = pytest.mark.live

HOSTILE = "\x1b[31mred\x1b]0;pwned\x07 [bold]x[/bold] \u202eevil"
Start = Callable[..., LocalServer]


def tracks(room: str, count: int = 0, *arguments: str) -> list[dict[str, Any]]:
    """List tracks, once there are so many: a publication is listed up to 0.5 s late."""
    end = time.monotonic() + 10
    while True:
        done = invoke("track", "list", room, *arguments, "-o", "json")
        assert done.code == 0, done.err
        found: list[dict[str, Any]] = json.loads(done.out)
        if len(found) >= count or time.monotonic() > end:
            return found
        time.sleep(0.05)


def muted(room: str) -> dict[str, bool]:
    """Say what the server lists as muted, by SID."""
    return {one["sid"]: one["muted"] for one in tracks(room)}


@contextmanager
def microphone(server: LocalServer, room: str, identity: str = "alice") -> Iterator[tuple[Guest, str]]:
    """Have somebody in the room with a microphone; give both."""
    with guest(server, identity, room) as one:
        sid = one.do("publish", source="microphone", name="mic")
        tracks(room, 1)
        yield one, sid


def test_what_is_published(room: str, server: LocalServer) -> None:
    """Everything that the server knows of each track, by SID; the order is the same each time."""
    with guest(server, "alice", room) as alice, guest(server, "bot", room, kind="agent") as bot:
        camera = alice.do("publish", source="camera", name="cam", size=(1280, 720))
        voice = alice.do("publish", source="microphone", name="mic", stream="own")
        screen = alice.do("publish", source="screenshare", name="desk", codec="VP9", size=(1920, 1080))
        speech = bot.do("publish", source="microphone", name="speech")
        found = tracks(room, 4)
        assert [one["sid"] for one in found] == [*sorted([camera, voice, screen]), speech]
        assert [one["participant"] for one in found] == ["alice"] * 3 + ["bot"]
        assert all(tracks(room) == found for _ in range(5))
        by_sid = {one["sid"]: one for one in found}
        told = ("source", "type", "mime_type", "codecs", "muted", "width", "height", "simulcast", "name", "stream")
        assert {sid: [by_sid[sid][key] for key in told] for sid in (camera, voice, screen)} == {
            camera: ["CAMERA", "VIDEO", "video/VP8", ["video/VP8"], False, 1280, 720, True, "cam", "camera"],
            voice: ["MICROPHONE", "AUDIO", "audio/red", ["audio/red"], False, 0, 0, False, "mic", "own"],
            screen: ["SCREEN_SHARE", "VIDEO", "video/VP9", ["video/VP9"], False, 1920, 1080, False, "desk", "screen"],
        }
        assert {one["encryption"] for one in found} == {"NONE"}
        layers = by_sid[camera]["layers"]
        assert [(one["quality"], one["width"], one["height"]) for one in layers] == [
            ("LOW", 320, 180), ("MEDIUM", 640, 360), ("HIGH", 1280, 720),
        ]  # fmt: skip
        assert all(one["bitrate"] > 0 for one in layers)
        table = invoke("track", "list", room, "-o", "table").out
        assert "simulcast: HIGH 1280x720" in table
        assert invoke("track", "list", room, "-o", "name").out.split() == [one["sid"] for one in found]


def test_who_subscribes_is_not_told(room: str, server: LocalServer) -> None:
    """A subscription, and data that is sent, change nothing that the API says; the help says that."""
    with microphone(server, room) as (alice, sid), guest(server, "bob", room) as bob:
        before = tracks(room)
        bob.do("subscribe", sid=sid)
        assert bob.await_event("subscribed") == {"event": "subscribed", "participant": "alice", "sid": sid}
        alice.do("send", text="hello", topic="chat")
        assert bob.await_event("data") == {"event": "data", "participant": "alice", "topic": "chat", "text": "hello"}
        assert tracks(room) == before
    assert "Who subscribes to a track" in invoke("track", "list", "--help").out


FILTERS = {
    "of one participant": (["--participant", "alice"], ["CAMERA", "MICROPHONE"]),
    "one source": (["--source", "camera"], ["CAMERA"]),
    "two": (["--source", "CAMERA", "--source", "Microphone"], ["CAMERA", "MICROPHONE", "MICROPHONE"]),
    "muted": (["--muted"], ["MICROPHONE"]),
    "unmuted, of one": (["--unmuted", "--participant", "bob"], ["MICROPHONE"]),
    "none": (["--source", "screen-share"], []),
}


def test_filters(room: str, server: LocalServer) -> None:
    """By participant, by source, by what is muted; nothing found is no failure. A publisher mutes itself."""
    with microphone(server, room) as (alice, sid), microphone(server, room, "bob"):
        alice.do("publish", source="camera", name="cam")
        alice.do("mute", sid=sid)
        tracks(room, 3)
        tracks(room, 1, "--muted")
        for arguments, sources in FILTERS.values():
            assert sorted(one["source"] for one in tracks(room, 0, *arguments)) == sources, arguments
        assert "No tracks found" in on_terminal("track", "list", room, "--source", "screen_share").out


@pytest.mark.parametrize("by", ["sid", "source", "all"])
def test_muted_by_the_server(room: str, server: LocalServer, by: str) -> None:
    """The publisher hears of it, everybody sees it, and it is told; once more there is nothing to do."""
    with microphone(server, room) as (alice, sid), guest(server, "bob", room) as bob:
        bob.do("subscribe", sid=sid)
        bob.await_event("subscribed")
        which: list[str] = {"sid": [sid, sid], "source": ["--source", "microphone"], "all": ["--all"]}[by]
        planned = invoke("track", "mute", room, "alice", *which, "--dry-run", "-o", "tsv")
        assert (planned.code, planned.out) == (0, f"{sid}\talice\tMICROPHONE\tno\twould be muted\n")
        assert alice.do("muted", sid=sid) is False
        done = invoke("track", "mute", room, "alice", *which, "-o", "json")
        row = {"participant": "alice", "sid": sid, "source": "MICROPHONE", "muted": True, "result": "muted",
               "dry_run": False}  # fmt: skip
        assert (done.code, json.loads(done.out)) == (0, [row])
        for one in (alice, bob):
            assert one.await_event("muted") == {"event": "muted", "participant": "alice", "sid": sid}
        assert alice.do("muted", sid=sid) is True
        assert muted(room) == {sid: True}
        while not alice.events.empty():  # the SDK tells its own participant twice
            alice.events.get()
        again = invoke("track", "mute", room, "alice", *which, "-o", "tsv")
        assert (again.code, again.out) == (0, f"{sid}\talice\tMICROPHONE\tyes\twas muted already\n")
        with pytest.raises(Empty):
            alice.events.get(timeout=0.3)


def test_others_stay_as_they_are(room: str, server: LocalServer) -> None:
    """Just what was named is muted; of what is muted already nothing is changed."""
    with microphone(server, room) as (alice, voice):
        camera = alice.do("publish", source="camera", name="cam")
        screen = alice.do("publish", source="screenshare", name="desk")
        tracks(room, 3)
        done = invoke("track", "mute", room, "alice", camera, "--source", "microphone", "-o", "name")
        assert (done.code, done.out.split()) == (0, sorted([camera, voice]))
        assert muted(room) == {voice: True, camera: True, screen: False}
        rest = json.loads(invoke("track", "mute", room, "alice", "--all", "-o", "json").out)
        assert {row["sid"]: row["result"] for row in rest} == {voice: "already", camera: "already", screen: "muted"}


def test_unmuting_is_off(room: str, server: LocalServer) -> None:
    """livekit-server lets nobody but the publisher unmute: an error of its own, with the setting that allows it."""
    with microphone(server, room) as (alice, sid):
        as_it_is = invoke("track", "unmute", room, "alice", sid, "-o", "tsv")
        assert (as_it_is.code, as_it_is.out) == (0, f"{sid}\talice\tMICROPHONE\tno\twas unmuted already\n")
        alice.do("mute", sid=sid)
        tracks(room, 1, "--muted")
        done = invoke("track", "unmute", room, "alice", "--source", "microphone", "-o", "json")
        error = json.loads(done.err)["error"]
        assert (done.code, done.out, error["code"]) == (7, "", "server-unmute")
        assert "enable_remote_unmute: true" in error["hint"]
        assert (alice.do("muted", sid=sid), muted(room)) == (True, {sid: True})


def test_unmuting_is_on(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server allows it, the publisher is unmuted, whoever had muted it."""
    server = start_livekit_server(settings={"room": {"enable_remote_unmute": True}})
    SECRETS.add(server.secret.reveal())
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    with microphone(server, "r") as (alice, sid):
        assert invoke("track", "mute", "r", "alice", sid).code == 0
        alice.await_event("muted")
        for by_itself in (False, True):
            if by_itself:
                alice.do("mute", sid=sid)
                tracks("r", 1, "--muted")
            done = invoke("track", "unmute", "r", "alice", "--source", "microphone", "-o", "json")
            assert done.code == 0
            assert [(row["muted"], row["result"]) for row in json.loads(done.out)] == [(False, "unmuted")]
            assert alice.await_event("unmuted")["sid"] == sid
            assert (alice.do("muted", sid=sid), muted("r")) == (False, {sid: False})
        gone = invoke("track", "unmute", "r", "alice", "TR_none", "-o", "json")
        assert (gone.code, json.loads(gone.err)["error"]["code"]) == (3, "track-missing")


def test_who_defies_it(room: str, server: LocalServer) -> None:
    """A publisher that unmutes itself at once: the server said yes, but it is not muted, and that is told."""
    with microphone(server, room) as (alice, sid):
        alice.do("defy")
        planned = invoke("track", "mute", room, "alice", sid, "--dry-run", "-o", "json")
        done = invoke("track", "mute", room, "alice", sid, "-o", "json")
        rows = [json.loads(one.out)[0] for one in (planned, done)]
        told = [(row["muted"], row["result"], row["dry_run"]) for row in rows]
        assert told == [(False, "planned", True), (False, "refused", False)]
        assert done.code == 1
        people = invoke("track", "mute", room, "alice", sid, "-o", "table")
        assert (people.code, "not muted: the participant undid it" in people.out) == (1, True)


MISSING = {
    "list, room": (["list", "no-such-room"], "room-missing"),
    "list, room and participant": (["list", "no-such-room", "--participant", "alice"], "room-missing"),
    "list, participant": (["list", "ROOM", "--participant", "carol"], "participant-missing"),
    "mute, room": (["mute", "no-such-room", "alice", "--all"], "room-missing"),
    "mute, participant": (["mute", "ROOM", "carol", "--all"], "participant-missing"),
    "mute, identity in another case": (["mute", "ROOM", "ALICE", "--all"], "participant-missing"),
    "mute, SID": (["mute", "ROOM", "alice", "TR_none"], "track-missing"),
    "mute, source": (["mute", "ROOM", "alice", "--source", "camera"], "track-missing"),
    "mute, one of two": (["mute", "ROOM", "alice", "--source", "microphone", "TR_none"], "track-missing"),
    "unmute, room": (["unmute", "no-such-room", "alice", "--all"], "room-missing"),
    "unmute, participant": (["unmute", "ROOM", "carol", "--all"], "participant-missing"),
    "unmute, SID": (["unmute", "ROOM", "alice", "TR_none"], "track-missing"),
    "dry run, participant": (["mute", "ROOM", "carol", "--all", "--dry-run"], "participant-missing"),
}


def test_what_is_missing(room: str, server: LocalServer) -> None:
    """Each is told apart, at once (the server itself needs 3 s for half of them), and nothing is muted."""
    with microphone(server, room) as (_, sid):
        for words, code in MISSING.values():
            arguments = [room if word == "ROOM" else word for word in words]
            began = time.monotonic()
            done = invoke("track", *arguments, "-o", "json")
            error = json.loads(done.err)["error"]
            assert (done.code, done.out, error["code"]) == (3, "", code), arguments
            assert time.monotonic() - began < 2, arguments
            if code == "track-missing":
                assert f"it publishes MICROPHONE {sid}" in error["message"]
        assert muted(room) == {sid: False}


def test_nothing_is_published(room: str, server: LocalServer) -> None:
    """No tracks is no failure; a source that is not there is one."""
    with guest(server, "ghost", room, grants={"hidden": True}):
        assert (invoke("track", "list", room, "-o", "json").out, tracks(room)) == ("[]\n", [])
        everything = invoke("track", "mute", room, "ghost", "--all", "-o", "json")
        assert (everything.code, everything.out) == (0, "[]\n")
        one = invoke("track", "mute", room, "ghost", "--source", "camera", "-o", "json")
        assert (one.code, "it publishes nothing" in json.loads(one.err)["error"]["message"]) == (3, True)


def test_two_of_one_identity(room: str, server: LocalServer) -> None:
    """The newcomer puts the first one out: its track is listed and muted, that of the first is not there any more."""
    with microphone(server, room) as (first, old), guest(server, "alice", room) as second:
        assert first.await_event("disconnected")
        new = second.do("publish", source="microphone", name="mic")
        assert [one["sid"] for one in tracks(room, 1)] == [new]
        gone = invoke("track", "mute", room, "alice", old, "-o", "json")
        assert (gone.code, json.loads(gone.err)["error"]["code"]) == (3, "track-missing")
        assert invoke("track", "mute", room, "alice", "--source", "microphone").code == 0
        assert second.await_event("muted")["sid"] == new


def test_hostile_names(room: str, server: LocalServer) -> None:
    """Escape sequences, markup and direction marks in names move nothing on a terminal; JSON holds them as they are."""
    with guest(server, "m\x1b[2Jallory", room) as mallory:
        mallory.do("publish", source="camera", name=HOSTILE + "x" * 500)
        assert tracks(room, 1)[0]["name"].startswith(HOSTILE)
        for arguments in (["track", "list", room], ["track", "mute", room, "m\x1b[2Jallory", "--all"]):
            screen = on_terminal(*arguments, columns=200, env={"NO_COLOR": "1"}).out
            assert "m\\x1b[2Jallory" in screen
            assert not {"\x1b", "\x07", "\u202e"} & set(screen)
        assert "[bold]x[/bo" in on_terminal("track", "list", room, columns=200).out
        missing = invoke("track", "mute", room, "m\x1b[2Jallory", "TR_\x1b[31m")
        assert (missing.code, "\x1b" in missing.err) == (3, False)


@pytest.mark.parametrize("arguments", [["list", "r"], ["mute", "r", "a", "--all"], ["unmute", "r", "a", "--all"]])
def test_without_a_server(arguments: list[str], server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong secret exits 4, a server that is not there 5."""
    monkeypatch.setenv("LIVEKIT_API_SECRET", "w" * 43)
    done = invoke("track", *arguments, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (4, "auth-secret")
    monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{fakes.closed_port()}")
    done = invoke("track", *arguments, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (5, "net-refused")


def published(*sids: str) -> fakes.Talk:
    return fakes.answer({"identity": "a", "tracks": [{"sid": sid, "source": "MICROPHONE"} for sid in sids]})


DONE, UNKNOWN = fakes.answer({"track": {"sid": "TR_1", "muted": True}}), fakes.answer({"track": None})
NO_ANSWER = fakes.answer({"code": "unavailable", "msg": "no response from servers"}, "503 Service Unavailable")
LEFT = fakes.answer({"code": "not_found", "msg": "participant does not exist"}, "404 Not Found")
ROOM, NO_ROOM = fakes.answer({"rooms": [{"name": "r"}]}), fakes.answer({"rooms": []})
MEANWHILE = [
    pytest.param([published("TR_1"), NO_ANSWER, LEFT, ROOM], "participant-missing", "", id="left before"),
    pytest.param([published("TR_1"), NO_ANSWER, LEFT, NO_ROOM], "room-missing", "", id="room gone before"),
    pytest.param([published("TR_1"), NO_ANSWER, published("TR_1")], "server-unavailable", "", id="node is away"),
    pytest.param(
        [published("TR_1", "TR_2"), DONE, NO_ANSWER, LEFT, ROOM], "participant-missing", "muted before that: TR_1",
        id="left between two",
    ),
    pytest.param([published("TR_1"), DONE, LEFT, ROOM], "participant-missing", "muted before that: TR_1",
                 id="left after"),
]  # fmt: skip


@contextmanager
def answering(talks: list[fakes.Talk], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer as a server does in whose room things change from call to call."""
    with fakes.serving(fakes.in_turn(*talks)) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        yield


@pytest.mark.parametrize(("talks", "code", "says"), MEANWHILE)
def test_who_goes_meanwhile(
    talks: list[fakes.Talk], code: str, says: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who leaves between the look and the muting is missing; what was muted before is told."""
    with answering(talks, monkeypatch):
        done = invoke("track", "mute", "r", "a", "--all", "-o", "json")
    error = json.loads(done.err)["error"]
    assert (done.out, error["code"]) == ("", code)
    assert says in error["message"]


def test_a_track_that_goes_meanwhile(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server says 200 to a track that it does not know; it is not said to be muted."""
    with answering([published("TR_1"), UNKNOWN, published()], monkeypatch):
        done = invoke("track", "mute", "r", "a", "TR_1", "-o", "json")
    assert [(row["muted"], row["result"]) for row in json.loads(done.out)] == [(None, "gone")]
    assert done.code == 1
