"""`lkctl diagnose --room` and a real server: who is in it, what is wrong with that; nothing is changed by asking."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lkctl.checks.room import ROOM_CHECKS
from lkctl.localserver.process import LocalServer
from lkctl.models import AgentRequest, RoomRequest
from lkctl.tokens.signer import sign
from tests.guests import guest
from tests.harness import SECRETS, invoke, until
from tests.redis import api_of, kill, node, running_redis
from tests.workers import worker

pytestmark = pytest.mark.live
USER = json.dumps({"userId": "user_1704067200000_abc123"})
OTHER = json.dumps({"userId": "user_1704067200000_def456"})
KEYS = {"APIclusterkey": "cluster0secret1of2tests3a4b5c6d7e8f9g0h1i2"}
JOB = json.dumps({"phone": "1"})


def report(room: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Diagnose a room; the rooms are the same before and after."""
    before = invoke("room", "list", "-o", "name").out
    done = invoke("diagnose", "--room", room, "--only", "room.*", "-o", "json", *words)
    assert invoke("room", "list", "-o", "name").out == before
    return done.code, json.loads(done.out)


def results(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the results of a report by their ids."""
    return {result["id"]: result for result in shown["results"]}


def statuses(shown: dict[str, Any]) -> dict[str, str]:
    """Give those that did not pass."""
    return {id_: result["status"] for id_, result in results(shown).items() if result["status"] != "pass"}


def test_a_healthy_room(server: LocalServer, room: str) -> None:
    """People, their metadata, and the agent that was called: no warning."""
    with worker(server, "helper") as helper:
        api = api_of(server)
        api.create_room(RoomRequest(room, agents=(AgentRequest("helper", JOB),), metadata=USER, max_participants=3))
        with guest(server, "alice", room, metadata=USER), guest(server, "bob", room):
            helper.await_event("joined")
            assert until(lambda: all(one.state == "ACTIVE" for one in api.list_participants(room)))
            code, shown = report(room, "--agent", "helper")
    by_id = results(shown)
    assert (code, shown["verdict"], statuses(shown)) == (0, "pass", {})
    assert "2 people, 1 agent" in by_id["room.live"]["detail"]
    assert "places taken: 2 of 3" in by_id["room.capacity"]["detail"]
    assert "20 s after the last of them it closes (departure_timeout)" in by_id["room.timeouts"]["detail"]
    assert "an agent would use 'user_1704067200000_abc123'" in by_id["room.user_id"]["detail"]
    assert "1 called by name" in by_id["room.dispatches"]["detail"]


@pytest.mark.usefixtures("server")
def test_no_such_room(room: str) -> None:
    """Joining would make it: that was tried, and made nothing; a name that is near is mentioned."""
    code, shown = report(room)
    cause = shown["probable_cause"]
    assert (code, cause["check"], cause["code"]) == (1, "room.live", "room-missing")
    assert "joining makes rooms" in cause["evidence"][0]
    assert "departure_timeout (20 s" in cause["hint"]
    assert cause["fix"]["command"] == f"lkctl room create {room}"
    assert len(cause["follows"]) == 6
    invoke("room", "create", room)
    _, near = report(room.upper())
    assert near["probable_cause"]["hint"].startswith(f"Is '{room}' meant?")
    assert near["probable_cause"]["fix"] is None


def test_joining_makes_no_rooms(
    start_livekit_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """auto_create is off."""
    server = start_livekit_server(settings={"room": {"auto_create": False}})
    SECRETS.add(server.secret.reveal())
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    _, shown = report("demo")
    assert "joining makes none: auto_create is off" in shown["probable_cause"]["message"]


def test_full(server: LocalServer, room: str) -> None:
    """The next one finds no place; agents take none."""
    api_of(server).create_room(RoomRequest(room, max_participants=1))
    with guest(server, "alice", room), guest(server, "helper", room, kind="agent"):
        code, shown = report(room)
    assert (code, statuses(shown)) == (0, {"room.capacity": "warn"})
    assert "places taken 1 of 1" in results(shown)["room.capacity"]["detail"]


def test_about_to_close(server: LocalServer, room: str) -> None:
    """Nobody is in it, and its time is nearly over."""
    api_of(server).create_room(RoomRequest(room, empty_timeout=10))
    code, shown = report(room)
    assert (code, statuses(shown)) == (0, {"room.timeouts": "warn"})
    assert "(empty_timeout), or 20 s after the last one left" in results(shown)["room.timeouts"]["detail"]


def test_nobody_holds_it_but_a_recorder(server: LocalServer, room: str) -> None:
    """The room closes although somebody is inside, and then it does."""
    api_of(server).create_room(RoomRequest(room, empty_timeout=3, departure_timeout=1))
    with guest(server, "alice", room, grants={"recorder": True}) as alice:
        code, shown = report(room)
        assert (code, shown["probable_cause"]["check"]) == (1, "room.timeouts")
        assert "closes although somebody is inside" in shown["probable_cause"]["message"]
        assert alice.await_event("disconnected")


METADATA = {
    "no JSON": ("hello", "not JSON"), "a list": ("[]", "not an object"),
    "twice encoded": (json.dumps(USER), "encoded twice"), "large": (json.dumps({"a": "x" * 70_000}), "70009 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", METADATA)
def test_metadata(name: str, server: LocalServer, room: str) -> None:
    """Of the room and of who is in it, with the place; a warning, and the text itself is not shown."""
    text, words = METADATA[name]
    api_of(server).create_room(RoomRequest(room, metadata=text))
    with guest(server, "alice", room, metadata=text):
        code, shown = report(room)
    found = results(shown)["room.metadata"]["findings"]
    assert (code, [one["place"] for one in found]) == (0, ["room", "participant 'alice'"])
    assert all(words in one["message"] for one in found)


# metadata and grants of alice, then of bob; whether an agent is called; status, words
IDS: dict[str, tuple[str, dict[str, bool], str, bool, str, str]] = {
    "none": ("", {}, "", True, "pass", "no user ID is in it"),
    "one": (USER, {}, "", True, "pass", "from participant.metadata of 'alice'"),
    "two, and an agent": (USER, {}, OTHER, True, "warn", "W-AMBIGUOUS"),
    "two, and no agent": (USER, {}, OTHER, False, "pass", "W-AMBIGUOUS"),
    "may be changed": (USER, {"canUpdateOwnMetadata": True}, "", True, "warn", "W-SPOOFABLE"),
    "another spelling": ('{"user_id": "user_1704067200000_abc123"}', {}, "", True, "warn", "W-NEARMISS"),
    "a number": ('{"userId": 5}', {}, "", True, "pass", "W-COERCED"),
    "null": ('{"userId": null}', {}, "", True, "warn", "W-TYPE"),
}


@pytest.mark.parametrize("name", IDS)
def test_user_ids(name: str, server: LocalServer, room: str) -> None:
    """Which one an agent would use, and what speaks against it."""
    first, grants, second, called, status, words = IDS[name]
    agents = (AgentRequest("helper"),) if called else None
    api_of(server).create_room(RoomRequest(room, agents=agents))
    with guest(server, "alice", room, metadata=first, grants=grants), guest(server, "bob", room, metadata=second):
        _, shown = report(room, "--skip", "room.dispatches")
    result = results(shown)["room.user_id"]
    assert (result["status"], words in result["detail"]) == (status, True), result["detail"]


def test_nobody_called_the_agent(server: LocalServer, room: str) -> None:
    """A worker with a name comes only where it is called; another spelling is another name."""
    with worker(server, "helper"):
        api_of(server).create_room(RoomRequest(room, agents=(AgentRequest("lkctl-none"),)))
        code, shown = report(room, "--agent", "helper")
        cause = shown["probable_cause"]
        assert (code, cause["check"]) == (1, "room.dispatches")
        assert f"nobody has called 'helper' to room '{room}'" in cause["message"]
        assert cause["fix"]["command"] == f"lkctl dispatch create {room} helper"
        _, near = report(room, "--agent", "LKCTL-none")
        assert "'lkctl-none' was called, and names must be the same to the letter" in near["probable_cause"]["message"]


CALLS: dict[str, tuple[str, str, str]] = {
    "nobody took it": ("", "", "no worker of exactly that name took it"),
    "it left, without metadata": ("take", "", "its agent is not in the room"),
    "it left, with text for metadata": ("take", "phone: 5", "json.loads(ctx.job.metadata) may have failed"),
}


@pytest.mark.parametrize("name", CALLS)
def test_the_agent_is_not_there(name: str, server: LocalServer, room: str) -> None:
    """It is waited for what comes of a fresh call; then the reason is named, whatever the status of the job."""
    answer, metadata, words = CALLS[name]
    with worker(server, "helper" if answer else "somebody-else") as helper, guest(server, "alice", room):
        api_of(server).create_dispatch(room, "helper", metadata)
        if answer:
            helper.do("leave", job=helper.await_event("joined")["job"])
        started = time.monotonic()
        code, shown = report(room, "--agent", "helper", "--timeout", "15s")
    assert time.monotonic() - started < 18
    cause = shown["probable_cause"]
    assert (code, cause["check"]) == (1, "room.dispatches")
    assert words in cause["message"]
    assert cause["hint"]


@contextmanager
def signalling(server: LocalServer, identity: str, room: str) -> Iterator[None]:
    """Be in a room with signals alone: a WebSocket, and no path for media, as behind a firewall."""
    claims = {
        "iss": server.key,
        "sub": identity,
        "exp": int(time.time()) + 60,
        "video": {"roomJoin": True, "room": room},
    }
    lines = (
        f"GET /rtc?protocol=9&access_token={sign(claims, server.secret.reveal())} HTTP/1.1", "Host: 127.0.0.1",
        "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: bGFib3JhdG9yeSBub25jZQ==", "", "",
    )  # fmt: skip
    with socket.create_connection(("127.0.0.1", server.port), 5) as link:
        link.sendall("\r\n".join(lines).encode())
        assert link.recv(12) == b"HTTP/1.1 101"
        yield


def test_no_path_for_media(server: LocalServer, room: str) -> None:
    """Who stays JOINED has none: nobody has, or the others have, which are different causes."""
    with signalling(server, "alice", room):
        fresh, early = report(room)
        time.sleep(6)
        code, shown = report(room)
        with guest(server, "bob", room):
            assert until(lambda: any(one.state == "ACTIVE" for one in api_of(server).list_participants(room)))
            some, mixed = report(room)
    assert (fresh, statuses(early)) == (0, {})
    assert (code, shown["probable_cause"]["check"]) == (1, "room.participants")
    assert "'alice' joined, but no path for media came about" in shown["probable_cause"]["message"]
    assert "nobody in the room is ACTIVE" in shown["probable_cause"]["evidence"]
    assert "--media" in shown["probable_cause"]["hint"]
    assert (some, statuses(mixed)) == (0, {"room.participants": "warn"})
    assert "ACTIVE beside them: 1" in results(mixed)["room.participants"]["evidence"][-1]


def test_the_node_of_the_room_is_gone(livekit_server_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one still lists room and people as if all were well; that it does not answer tells."""
    with running_redis() as redis, ExitStack() as running:
        first = running.enter_context(node(livekit_server_program, redis, KEYS))
        alice = running.enter_context(guest(first, "alice", "held"))
        second = running.enter_context(node(livekit_server_program, redis, KEYS))
        alice.kill()
        kill(first)
        SECRETS.update(KEYS.values())
        for name, value in second.environ.items():
            monkeypatch.setenv(name, value)
        code, shown = report("held")
    cause = shown["probable_cause"]
    assert (code, cause["check"], cause["code"]) == (1, "room.dispatches", "server-unavailable")
    assert "the node that has it does not answer" in cause["message"]
    assert results(shown)["room.participants"]["status"] == "pass"


def test_every_check_needs_an_open_room() -> None:
    """So a room that is not there is the one cause."""
    assert {check.needs for check in ROOM_CHECKS} == {("api.auth",), ("room.live",)}
