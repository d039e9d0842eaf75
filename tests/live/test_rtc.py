"""The guest that looks: what it sees of a room and when, how it ends, and what becomes of it when we do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.rtc import Guest
from lkctl.settings.shape import Pair
from lkctl.settings.url import parse_url
from lkctl.tokens.minting import TokenRequest, mint
from tests import fakes
from tests.guests import guest
from tests.harness import SECRETS, until
from tests.watcher import api_of

pytestmark = pytest.mark.live
Start = Callable[..., LocalServer]


def ticket(server: LocalServer, room: str, identity: str = "eye", **grants: Any) -> str:
    """Give the token of an agent that nobody sees."""
    pair = Pair("test", server.key, server.secret.reveal())
    request = TokenRequest(
        identity=identity, room=room, kind="agent", grants={"hidden": True, "agent": True, **grants}
    )  # fmt: skip
    token = mint(request, pair, now=time.time(), entropy=os.urandom, force=True).token
    SECRETS.add(token)
    return token


@contextmanager
def watching(server: LocalServer, room: str, **grants: Any) -> Iterator[Guest]:
    """Look at a room for the time of the `with`."""
    one = Guest(parse_url(server.url), ticket(server, room, **grants), watch=True)
    try:
        one.enter(20)
        yield one
    finally:
        one.leave()


def see(one: Guest, wanted: Callable[[Any], bool], seconds: float = 10) -> Any:
    """Look until it is as wanted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        seen = one.next(end - time.monotonic())
        if seen is not None and wanted(seen):
            return seen
    raise AssertionError("it never was")


def look(one: Guest) -> Any:
    """Give the next that it sees; there must be something."""
    seen = one.next(10)
    assert seen is not None
    return seen


def look_until_the_end(one: Guest) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        one.next(0.5)


def people(seen: Any) -> dict[str, Any]:
    return {one["identity"]: one for one in seen["participants"]}


def test_what_is_there_and_what_changes(server: LocalServer, room: str) -> None:
    """At once who is there, then each change; it is the document that `agent resolve --snapshot` reads."""
    api = api_of(server)
    api.create_room(RoomRequest(room, metadata='{"a": 1}'))
    grants = {"canUpdateOwnMetadata": True}
    with (
        guest(server, "alice", room, metadata="m", attributes={"k": "v"}, grants=grants) as alice,
        guest(server, "ghost", room, grants={"hidden": True}),
        watching(server, room) as eye,
    ):
        first = look(eye)
        assert (list(first), first["room"], first["local_identity"]) == (
            ["room", "participants", "local_identity"], {"name": room, "metadata": '{"a": 1}'}, "eye",
        )  # fmt: skip
        (found,) = first["participants"]
        listed = api.get_participant(room, "alice")
        assert found == {
            "identity": "alice", "kind": "STANDARD", "state": "ACTIVE", "metadata": "m", "attributes": {"k": "v"},
            "joined_at_ms": listed.joined_at_ms,
            "permission": {"can_update_metadata": True, "hidden": False, "recorder": False, "agent": False},
        }  # fmt: skip
        assert eye.room_sid == api.get_room(room).sid
        assert eye.next(0.3) is None
        changes: list[tuple[Callable[[], object], Callable[[Any], bool]]] = [
            (lambda: alice.do("set_metadata", text="n"), lambda seen: people(seen)["alice"]["metadata"] == "n"),
            (
                lambda: api.update_participant(room, "alice", {"attributes": {"k": "w"}}),
                lambda seen: people(seen)["alice"]["attributes"] == {"k": "w"},
            ),
            (
                lambda: api.update_participant(room, "alice", {"permission": {"can_subscribe": True}}),
                lambda seen: people(seen)["alice"]["permission"]["can_update_metadata"] is False,
            ),
            (lambda: api.update_room_metadata(room, ""), lambda seen: seen["room"]["metadata"] == ""),
        ]
        for change, wanted in changes:
            started = time.monotonic()
            change()
            see(eye, wanted)
            assert time.monotonic() - started < 1  # measured: 0.03
        with guest(server, "bot", room, kind="agent"):  # the server tells of it up to 3 s late
            assert people(see(eye, lambda seen: "bot" in people(seen)))["bot"]["kind"] == "AGENT"
        see(eye, lambda seen: "bot" not in people(seen))
        assert "ghost" not in people(first)


def test_many_changes_at_once(server: LocalServer, room: str) -> None:
    """Gathered, and the last is the one that counts; the metadata is as large as the server takes."""
    api_of(server).create_room(RoomRequest(room))
    large = "x" * 500_000
    with guest(server, "alice", room, metadata=large), watching(server, room) as eye:
        assert len(people(look(eye))["alice"]["metadata"]) == 500_000
        for number in range(50):
            api_of(server).update_room_metadata(room, str(number))
        looks = 1
        while look(eye)["room"]["metadata"] != "49":
            looks += 1
        assert looks < 50


HOSTILE = '\x1b[31m[red]\u202e\u0000\n\U0001f600\ufeff{"userId": "\\ud800"}'


def test_hostile_words(server: LocalServer, room: str) -> None:
    """They come as they are: escaped on the way, judged by whoever prints them."""
    api_of(server).create_room(RoomRequest(room, metadata=HOSTILE))
    with guest(server, "a\n\x1b[31mb", room, metadata=HOSTILE), watching(server, room) as eye:
        seen = look(eye)
    assert seen["room"]["metadata"] == HOSTILE
    assert people(seen)["a\n\x1b[31mb"]["metadata"] == HOSTILE


def test_attributes_of_its_own(server: LocalServer, room: str) -> None:
    """Set where the token allows it; what is refused is refused without a word, by the server and the SDK."""
    api = api_of(server)
    api.create_room(RoomRequest(room))
    with watching(server, room, canUpdateOwnMetadata=True) as eye:
        eye.set_attributes({"a": "1"})
        assert until(lambda: api.get_participant(room, "eye").attributes.get("a") == "1", 3)
    with watching(server, room) as eye:
        eye.set_attributes({"a": "1"})
        assert eye.next(5) is not None
        assert eye.next(0.5) is None
        assert "a" not in api.get_participant(room, "eye").attributes


OUT: list[Any] = [
    pytest.param(lambda api, room: api.delete_room(room), "room-missing", "was deleted", id="room deleted"),
    pytest.param(
        lambda api, room: api.remove_participant(room, "eye"), "participant-missing", "somebody removed", id="removed"
    ),
]


@pytest.mark.parametrize(("happen", "code", "says"), OUT)
def test_put_out(happen: Callable[[Any, str], None], code: str, says: str, server: LocalServer, room: str) -> None:
    api_of(server).create_room(RoomRequest(room))
    with watching(server, room) as eye:
        eye.next(5)
        happen(api_of(server), room)
        with pytest.raises(LkctlError, match=says) as caught:
            look_until_the_end(eye)
        assert caught.value.code == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_the_server_goes(number: signal.Signals, start_livekit_server: Start) -> None:
    """It is lost at once, and does not come back by itself: that would make the room anew."""
    server = start_livekit_server(port=free_tcp_port())
    api_of(server).create_room(RoomRequest("demo"))
    with watching(server, "demo") as eye:
        eye.next(5)
        assert server.pid is not None
        if number == signal.SIGKILL:
            os.kill(server.pid, number)
        else:
            server.stop()  # it asks, then it insists
        with pytest.raises(LkctlError, match="was lost") as caught:
            look_until_the_end(eye)
        assert caught.value.code == "net-failed"
        server.stop()
        server.start()
        time.sleep(1)
        assert api_of(server).list_rooms() == []


def test_it_leaves_properly(server: LocalServer, room: str) -> None:
    """At once, and the server knows."""
    api_of(server).create_room(RoomRequest(room))
    with watching(server, room) as eye:
        assert [one.identity for one in api_of(server).list_participants(room)] == ["eye"]
        started = time.monotonic()
        assert eye.leave()
        assert time.monotonic() - started < 2
        assert until(lambda: api_of(server).list_participants(room) == [], 3)  # not the 20 s of who is lost
        assert eye.leave()  # once more, as a `finally` may


def test_it_ends_with_us(server: LocalServer, room: str) -> None:
    """Also when we are killed: it leaves the room, and its process ends."""
    api = api_of(server)
    api.create_room(RoomRequest(room))
    script = (
        "import sys, time\nfrom lkctl.server.rtc import Guest\nfrom lkctl.settings.url import parse_url\n"
        "url, token = sys.stdin.readline().split()\n"
        "one = Guest(parse_url(url), token, watch=True)\none.enter(20)\n"
        "print(one._child.pid, flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{server.url} {ticket(server, room)}\n")
        process.stdin.flush()
        child = int(process.stdout.readline())
        assert [one.identity for one in api.list_participants(room)] == ["eye"]
        process.kill()
    assert until(lambda: api.list_participants(room) == [], 5)
    assert until(lambda: not _runs(child), 5)


def test_ordered_to_leave_while_it_joins(server: LocalServer, room: str) -> None:
    """It is gone all the same: nobody of that name is in the room afterwards."""
    api = api_of(server)
    api.create_room(RoomRequest(room))
    for pause in (0.0, 0.2, 0.4, 0.6):
        one = Guest(parse_url(server.url), ticket(server, room), watch=True)
        with suppress(LkctlError):  # no time is enough
            one.enter(pause)
        one.leave()
        assert until(lambda: api.list_participants(room) == [], 3)


def test_a_bad_token(server: LocalServer) -> None:
    """The SDK tells the token in its error; we do not."""
    token = ticket(server, "r")[:-4] + "AAAA"
    one = Guest(parse_url(server.url), token, watch=True)
    try:
        with pytest.raises(LkctlError) as caught:
            one.enter(20)
    finally:
        one.leave()
    assert caught.value.code == "server-error"
    assert "eyJ" not in str(caught.value)


def test_a_server_that_says_nothing(server: LocalServer) -> None:
    """The time limit holds for joining, and leaving does not hang."""
    with fakes.serving(fakes.silent) as port:
        one = Guest(parse_url(f"ws://127.0.0.1:{port}"), ticket(server, "r"), watch=True)
        started = time.monotonic()
        with pytest.raises(LkctlError) as caught:
            one.enter(1.5)
        assert (caught.value.code, time.monotonic() - started < 3) == ("net-timeout", True)
        one.leave()
        assert time.monotonic() - started < 8


def test_modules_of_the_folder_are_not_its_own(server: LocalServer, room: str) -> None:
    """A file called json.py or livekit.py lies in many a folder of an agent."""
    for name in ("json.py", "livekit.py", "asyncio.py"):
        Path(name).write_text("raise SystemExit('the wrong module')\n")
    api_of(server).create_room(RoomRequest(room))
    with watching(server, room) as eye:
        assert look(eye)["participants"] == []


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
