"""Participants on a real server: found, seen whole, put out, sent elsewhere."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests.guests import guest
from tests.harness import Done, invoke, on_terminal, until

pytestmark = pytest.mark.live
ID = "user_1704067200000_abc123"
KEYS = ["sid", "identity", "name", "kind", "state", "joined_at", "joined_at_ms", "metadata", "attributes"]


def told(*arguments: str) -> Any:
    """Run what must succeed, and give its JSON."""
    done = invoke("participant", *arguments, "-o", "json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def refused(done: Done) -> tuple[int, str]:
    """Give exit code and error code of a failure; nothing is on stdout then."""
    assert done.out == ""
    return done.code, json.loads(done.err)["error"]["code"]


@pytest.fixture
def crowd(server: LocalServer, room: str) -> Iterator[str]:
    """A room with a publisher, a viewer, a hidden one, an agent, and one who may publish a camera only."""
    metadata = json.dumps({"userId": ID, "plan": {"seats": [1, 2]}})
    attributes = {"plan": "pro", "odd": "[red]\x1b[31m"}
    with ExitStack() as stack:
        enter = stack.enter_context
        alice = enter(guest(server, "alice", room, metadata=metadata, attributes=attributes, name="Alice"))
        enter(guest(server, "viewer", room, grants={"canPublish": False}, attributes={"plan": "free"}))
        enter(guest(server, "spy", room, grants={"hidden": True}, metadata=metadata))
        enter(guest(server, "bot", room, kind="agent", grants={"agent": True, "canUpdateOwnMetadata": True}))
        enter(guest(server, "cam", room, grants={"canPublishSources": ["camera"]}, metadata='{"user_id": "u"}'))
        alice.do("publish", source="microphone", name="mic")
        assert until(lambda: told("inspect", room, "alice")["tracks"] != [])
        assert until(lambda: all(one["state"] == "ACTIVE" for one in told("list", room)))
        yield room


FILTERS: dict[str, tuple[list[str], list[str]]] = {
    "all, in the order of joining": ([], ["alice", "viewer", "spy", "bot", "cam"]),
    "a kind": (["--kind", "agent"], ["bot"]),
    "two kinds": (["--kind", "AGENT", "--kind", "standard"], ["alice", "viewer", "spy", "bot", "cam"]),
    "a kind that nobody is of": (["--kind", "sip"], []),
    "an attribute": (["--attribute", "plan"], ["alice", "viewer"]),
    "an attribute with its value": (["--attribute", "plan=pro"], ["alice"]),
    "all attributes must fit": (["--attribute", "plan=free", "--attribute", "odd"], []),
    "an empty value is a value": (["--attribute", "plan="], []),
}


def test_a_crowd_is_listed_and_inspected(crowd: str) -> None:
    """Each with what it is and may; filters choose; what people see is safe on a terminal."""
    for case, (arguments, expected) in FILTERS.items():
        assert [one["identity"] for one in told("list", crowd, *arguments)] == expected, case
    people = told("list", crowd)
    assert [one["kind"] for one in people] == ["STANDARD", "STANDARD", "STANDARD", "AGENT", "STANDARD"]
    assert all(list(one)[: len(KEYS)] == KEYS and one["state"] == "ACTIVE" for one in people)
    inspected = json.loads(invoke("room", "inspect", crowd, "-o", "json").out)["participants"]
    assert [told("inspect", crowd, one["identity"]) for one in people] == people == inspected
    screen = on_terminal("participant", "list", crowd, columns=140).out
    assert "STANDARD (hidden)" in screen
    assert "pub:camera sub data" in screen
    assert "There" not in on_terminal("participant", "list", crowd, "--kind", "sip").out
    assert "Nobody in the room is like that" in on_terminal("participant", "list", crowd, "--kind", "sip").out


SHEETS: dict[str, tuple[str, list[str]]] = {
    "alice": (
        "alice",
        [
            "Participant alice in room",
            "publish, subscribe, send data",
            f"user ID    {ID}",
            "MICROPHONE",
            r"\x1b[31m",
            "may not    change its own name, metadata and attributes, receive metrics",
            '{"seats": [1, 2]}',
            "s ago)",
        ],
    ),
    "viewer": ("viewer", ["may        subscribe\n", "may not    publish, send data", "none (no metadata)"]),
    "hidden": ("spy", ["counts as  hidden from the others", "user ID    none (is hidden)"]),
    "agent": ("bot", ["kind       AGENT", "counts as  an agent", "none (kind AGENT is no user)"]),
    "cam": ("cam", ["publish camera only, subscribe", "! W-NEARMISS: user_id", "its token spells them in capitals"]),
}


def test_a_participant_in_words(crowd: str) -> None:
    """What a person is told of each."""
    for case, (identity, expected) in SHEETS.items():
        sheet = invoke("participant", "inspect", crowd, identity, "-o", "table")
        assert sheet.code == 0
        assert not [words for words in expected if words not in sheet.out], (case, sheet.out)
        assert "\x1b" not in sheet.out
    plain = invoke("participant", "inspect", crowd, "cam").out.splitlines()
    assert 'metadata\t{"user_id": "u"}' in plain


MISSING: dict[str, tuple[list[str], tuple[int, str]]] = {
    "list, no room": (["list", "{absent}"], (3, "room-missing")),
    "inspect, no room": (["inspect", "{absent}", "alice"], (3, "room-missing")),
    "inspect, nobody": (["inspect", "{room}", "bob"], (3, "participant-missing")),
    "update, no room": (["update", "{absent}", "alice", "--name", "A"], (3, "room-missing")),
    "update, nobody": (["update", "{room}", "bob", "--name", "A"], (3, "participant-missing")),
    "remove, no room": (["remove", "{absent}", "alice", "--yes"], (3, "room-missing")),
    "remove, nobody": (["remove", "{room}", "bob", "--yes"], (3, "participant-missing")),
    "move, no room": (["move", "{absent}", "alice", "--to", "x"], (3, "room-missing")),
    "move, nobody": (["move", "{room}", "bob", "--to", "x"], (3, "participant-missing")),
    "forward, nobody": (["forward", "{room}", "bob", "--to", "x"], (3, "participant-missing")),
    "move to where it is": (["move", "{room}", "bob", "--to", "{room}"], (2, "usage")),
    "move to a name too long": (["move", "{room}", "bob", "--to", "ä" * 129], (2, "usage")),
    "move to a blank name": (["move", "{room}", "bob", "--to", " "], (2, "usage")),
    "move to nowhere": (["move", "{room}", "bob"], (2, "usage")),
    "the room that is called nothing": (["list", ""], (2, "option-empty")),
    "the identity that is empty": (["inspect", "{room}", ""], (2, "option-empty")),
    "no such kind": (["list", "{room}", "--kind", "robot"], (2, "usage")),
    "an attribute without a key": (["list", "{room}", "--attribute", "=x"], (2, "usage")),
    "remove nobody": (["remove", "{room}"], (2, "usage")),
}


@pytest.mark.parametrize("idle", [True, False], ids=["idle room", "live room"])
def test_what_is_missing(room: str, server: LocalServer, *, idle: bool) -> None:
    """The server says "participant" also where the room is missing, and takes 3 s for some; we tell which, at once."""
    with ExitStack() as stack:
        if idle:
            assert invoke("room", "create", room).code == 0
            assert told("list", room) == []
        else:
            stack.enter_context(guest(server, "alice", room))
        for case, (arguments, expected) in MISSING.items():
            words = [word.format(room=room, absent=f"{room}-absent") for word in arguments]
            began = time.monotonic()
            assert refused(invoke("participant", *words, "-o", "json")) == expected, case
            assert time.monotonic() - began < 2, case


DENIED = [
    pytest.param(
        {"LIVEKIT_API_SECRET": "not-the-secret-of-this-server-0123456789"}, (4, "auth-secret"), id="wrong secret"
    ),
    pytest.param({"LIVEKIT_API_KEY": "APInobody"}, (4, "auth-key"), id="wrong key"),
    pytest.param({"LIVEKIT_URL": "ws://127.0.0.1:9"}, (5, "net-refused"), id="no server"),
    pytest.param({"LIVEKIT_API_SECRET": ""}, (2, "settings-partial"), id="empty secret"),
]
COMMANDS = [
    pytest.param(["list", "r"], id="list"),
    pytest.param(["inspect", "r", "a"], id="inspect"),
    pytest.param(["update", "r", "a", "--name", "A"], id="update"),
    pytest.param(["remove", "r", "a", "b", "--yes", "--if-exists"], id="remove"),
    pytest.param(["move", "r", "a", "--to", "x"], id="move"),
]


@pytest.mark.parametrize(("environ", "expected"), DENIED)
@pytest.mark.parametrize("arguments", COMMANDS)
def test_no_way_in(
    arguments: list[str],
    environ: dict[str, str],
    expected: tuple[int, str],
    server: LocalServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused credentials are told as such, also where an absent participant would be fine."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert refused(invoke("participant", *arguments, "-o", "json")) == expected


@pytest.mark.parametrize("verb", ["move", "forward"])
def test_only_cloud_moves_participants(verb: str, room: str, server: LocalServer) -> None:
    """Said at once, and the participant stays where it is."""
    with guest(server, "alice", room):
        assert until(lambda: told("inspect", room, "alice")["state"] == "ACTIVE")
        before = told("list", room)
        planned = told(verb, room, "alice", "--to", "elsewhere", "--dry-run")
        assert (planned["accepted"], planned["dry_run"], planned["destination"]) == (False, True, "elsewhere")
        assert planned["participant"] == before[0]
        began = time.monotonic()
        assert refused(invoke("participant", verb, room, "alice", "--to", "elsewhere", "-o", "json")) == (
            7,
            "server-cloud",
        )
        assert time.monotonic() - began < 2
        assert told("list", room) == before


def test_removing(room: str, server: LocalServer) -> None:
    """Planned, done, looked at; who is not there is told, or fine; the room stays."""
    with guest(server, "alice", room) as alice, guest(server, "bob", room) as bob, guest(server, "carol", room):
        sids = {one["identity"]: one["sid"] for one in told("list", room)}
        planned = told("remove", room, "bob", "alice", "bob", "--dry-run")
        assert planned == [
            {"identity": identity, "sid": sids[identity], "result": "planned", "error": None}
            for identity in ("bob", "alice")
        ]
        assert len(told("list", room)) == 3
        done = invoke("participant", "remove", room, "alice", "nobody", "--yes", "-o", "json")
        first, second = json.loads(done.out)
        assert (done.code, first) == (
            3,
            {"identity": "alice", "sid": sids["alice"], "result": "removed", "error": None},
        )
        assert (second["sid"], second["result"], second["error"]["code"]) == (None, "missing", "participant-missing")
        assert "join again" in done.err
        assert alice.await_event("disconnected")["reason"].endswith("4")
        assert [one["result"] for one in told("remove", room, "alice", "bob", "--yes", "--if-exists")] == [
            "missing",
            "removed",
        ]
        assert bob.await_event("disconnected")
        assert [one["identity"] for one in told("list", room)] == ["carol"]
        names = invoke("participant", "remove", room, "alice", "carol", "--yes", "-o", "name")
        assert (names.code, names.out) == (3, "carol\n")
        assert "nobody in room" in names.err
    assert told("remove", f"{room}-absent", "alice", "--yes", "--if-exists")[0]["result"] == "missing"


def test_removing_wants_a_yes(room: str, server: LocalServer) -> None:
    """Without a terminal and --yes it is refused; on a terminal it asks, and no means no."""
    with guest(server, "alice", room):
        assert refused(invoke("participant", "remove", room, "alice", "-o", "json")) == (2, "confirm-impossible")
        no = on_terminal("participant", "remove", room, "alice", typed="n\n")
        assert (no.code, f"Put alice out of room {room} on" in no.out) == (130, True)
        assert len(told("list", room)) == 1
        assert on_terminal("participant", "remove", room, "alice", typed="y\n").code == 0
        assert told("list", room) == []


@pytest.mark.parametrize(("typed", "code"), [("y\n", 130), ("2\n", 0)])
def test_the_number_for_several(typed: str, code: int, room: str, server: LocalServer) -> None:
    """As for rooms: how many they are must be typed."""
    with guest(server, "alice", room), guest(server, "bob", room):
        done = on_terminal("participant", "remove", room, "alice", "bob", typed=typed, columns=200)
        assert f"Put 2 participants out of room {room} on http://" in done.out
        assert (done.code, len(told("list", room))) == (code, 0 if code == 0 else 2)


def test_a_crashed_one_and_two_of_one_identity(room: str, server: LocalServer) -> None:
    """Who crashed is listed until missed, and can be put out; the newcomer of an identity takes the place."""
    with guest(server, "alice", room) as first:
        before = told("inspect", room, "alice")
        with guest(server, "alice", room, metadata="{}") as second:
            after = told("inspect", room, "alice")
            assert first.await_event("disconnected")["reason"].endswith("2")
            assert [one["sid"] for one in told("list", room)] == [after["sid"]]
            assert (after["metadata"], before["metadata"], after["sid"] != before["sid"]) == ("{}", "", True)
            second.kill()
            assert told("inspect", room, "alice")["state"] != "DISCONNECTED"
            assert told("update", room, "alice", "--set", "a=1")["changed"] == ["metadata"]
            assert told("remove", room, "alice", "--yes")[0]["result"] == "removed"
            assert told("list", room) == []


def test_who_was_put_out_joins_again(room: str, server: LocalServer) -> None:
    """As the remark says: with the same token, at once."""
    from lkctl.server.rtc import joined
    from lkctl.settings.url import parse_url

    token = invoke("token", "mint", "--identity", "alice", "--room", room).out.strip()
    for _ in range(2):
        with joined(parse_url(server.url), token, timeout=20):
            assert told("remove", room, "alice", "--yes")[0]["result"] == "removed"


def test_limits_of_another_server(
    start_livekit_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server whose limits are lower says so itself, and nothing is changed."""
    small = start_livekit_server(settings={"limit": {"max_metadata_size": 20}})
    for name, value in small.environ.items():
        monkeypatch.setenv(name, value)
    with guest(small, "alice", "tiny"):
        done = invoke("participant", "update", "tiny", "alice", "--set", "a=" + "x" * 20, "-o", "json")
        assert (refused(done)[0], "metadata size exceeds limits" in done.err) == (7, True)
        assert told("inspect", "tiny", "alice")["metadata"] == ""
