"""`lkctl room update` on a real server: metadata changed, and never over somebody else's change unheard."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.models import Room, RoomRequest
from lkctl.scenarios.metadata import Edit, MetadataChange, Whole, change_metadata
from lkctl.scenarios.writes import SETTLE
from lkctl.server.api import Api
from lkctl.views.metadata import change_view
from tests.guests import guest
from tests.harness import command, environment, invoke, on_terminal
from tests.redis import api_of, eventually

pytestmark = pytest.mark.live
ID = "user_1704067200000_abc123"


def updated(room: str, *arguments: str) -> dict[str, Any]:
    """Update a room that lets itself be updated; give the document."""
    done = invoke("room", "update", room, *arguments, "-o", "json")
    assert (done.code, done.err) == (0, "")
    document: dict[str, Any] = json.loads(done.out)
    return document


def metadata_of(room: str) -> str:
    """Give a room's metadata as the server has it."""
    return str(json.loads(invoke("room", "inspect", room, "-o", "json").out)["room"]["metadata"])


CHANGES = [
    pytest.param("", ["--set", "a=1"], {"a": 1}, id="from nothing"),
    pytest.param('{"z":[1.5,null],"a":0}', ["--set", "a=x", "--set", 'b={"c": true}'],
                 {"z": [1.5, None], "a": "x", "b": {"c": True}}, id="others stay"),
    pytest.param('{"a":1,"b":2}', ["--unset", "a", "--unset", "never"], {"b": 2}, id="removed"),
    pytest.param('{"a":1}', ["--set", "a=true"], {"a": True}, id="true is not 1"),
    pytest.param('{"a":1}', ["--unset", "a", "--set", "b=2"], {"b": 2}, id="removed and set"),
    pytest.param('{"a":1}', ["--unset", "a"], {}, id="the last one removed"),
    pytest.param('{"userId":"other"}', ["--user-id", ID], {"userId": ID}, id="user ID replaced"),
    pytest.param('{"a":1}', ["--metadata", '{"b": 2}'], {"b": 2}, id="whole"),
    pytest.param('{"a":1}', ["--metadata", '{"b": 2}', "--set", "c=3", "--user-id", ID],
                 {"b": 2, "c": 3, "userId": ID}, id="whole, with keys"),
    pytest.param("no JSON", ["--metadata", '{"b": 2}'], {"b": 2}, id="whole, over what is no JSON"),
    pytest.param('{"n":12345678901234567890,"ü":"\\u202e"}', ["--set", "a=1"],
                 {"n": 12345678901234567890, "ü": "\u202e", "a": 1}, id="nothing else is touched"),
]  # fmt: skip


def changed_keys(before: str, arguments: list[str], after: dict[str, Any]) -> list[str]:
    """Give the keys that differ, as JSON writes them; "metadata" where the whole is replaced."""
    if "--metadata" in arguments:
        return ["metadata"]
    was = json.loads(before or "{}")
    return [key for key in {**was, **after} if json.dumps(was.get(key)) != json.dumps(after.get(key))]


@pytest.mark.parametrize(("before", "arguments", "after"), CHANGES)
def test_a_change(before: str, arguments: list[str], after: dict[str, Any], room: str, server: LocalServer) -> None:
    """A dry run writes nothing and shows what would be; the change is read back; once more it is none."""
    api_of(server).create_room(RoomRequest(room, metadata=before))
    would = updated(room, *arguments, "--dry-run")
    keys = changed_keys(before, arguments, after)
    assert (would["changed"], would["dry_run"], would["writes"], metadata_of(room)) == (keys, True, 0, before)
    assert json.loads(would["metadata"]) == after
    done = updated(room, *arguments)
    assert (done["changed"], done["previous_metadata"], done["writes"]) == (keys, before, 1)
    assert (done["not_applied"], done["dry_run"]) == ([], False)
    assert json.loads(done["room"]["metadata"]) == json.loads(metadata_of(room)) == after
    assert json.dumps(json.loads(metadata_of(room)), sort_keys=True) == json.dumps(after, sort_keys=True)
    again = updated(room, *arguments)
    assert (again["changed"], again["writes"], again["window_ms"]) == ([], 0, None)


def test_clearing(room: str) -> None:
    """--clear-metadata leaves none."""
    assert invoke("room", "create", room, "--metadata-set", "a=1").code == 0
    assert updated(room, "--clear-metadata")["room"]["metadata"] == ""
    assert invoke("room", "update", room, "--clear-metadata", "-o", "name").out == f"{room}\n"


def test_a_new_user_id_and_standard_input(room: str) -> None:
    """`new` makes one; `-` reads the metadata."""
    assert invoke("room", "create", room).code == 0
    assert json.loads(updated(room, "--user-id", "new")["room"]["metadata"])["userId"].startswith("user_1")
    done = invoke("room", "update", room, "--metadata", "-", stdin='{"from": "stdin"}')
    assert (done.code, metadata_of(room)) == (0, '{"from": "stdin"}')


def test_guests_are_told(room: str, server: LocalServer) -> None:
    """Who is in the room learns of it, once: a change is one write."""
    assert invoke("room", "create", room).code == 0
    with guest(server, "alice", room) as alice:
        updated(room, "--set", "a=1")
        assert alice.events.get(timeout=10) == {"event": "metadata", "metadata": '{"a":1}'}
        assert alice.events.empty()


REFUSED = [
    pytest.param([], "usage", id="nothing"),
    pytest.param(["--set", "a"], "usage", id="no ="),
    pytest.param(["--set", "=1"], "usage", id="no key"),
    pytest.param(["--set", ""], "option-empty", id="an empty --set"),
    pytest.param(["--metadata", ""], "option-empty", id="empty metadata is no way to clear"),
    pytest.param(["--metadata", "[]"], "input-malformed", id="a list"),
    pytest.param(["--metadata", '{"a":1,"a":2}'], "input-malformed", id="a key twice in metadata"),
    pytest.param(["--set", "a={b"], "input-malformed", id="broken JSON"),
    pytest.param(["--set", "a=1", "--set", "a=2"], "usage", id="a key twice"),
    pytest.param(["--set", "a=1", "--unset", "a"], "usage", id="set and removed"),
    pytest.param(["--set", "userId=a", "--user-id", ID], "usage", id="two user IDs"),
    pytest.param(["--metadata", "{}", "--unset", "a"], "usage", id="whole and removed"),
    pytest.param(["--clear-metadata", "--set", "a=1"], "usage", id="cleared and set"),
    pytest.param(["--clear-metadata", "--metadata", "{}"], "usage", id="cleared and whole"),
    pytest.param(["--metadata", json.dumps({"a": "x" * 524_288})], "input-too-large", id="too large"),
    pytest.param(["--set", "a=" + "x" * 524_288], "input-too-large", id="too large with what is there"),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED)
def test_refused(arguments: list[str], code: str, room: str) -> None:
    """Nothing is changed by what cannot be meant."""
    assert invoke("room", "create", room, "--metadata", '{"keep": 1}').code == 0
    done = invoke("room", "update", room, *arguments, "-o", "json")
    assert (done.code, done.out, json.loads(done.err)["error"]["code"]) == (2, "", code)
    assert metadata_of(room) == '{"keep": 1}'


NOT_EDITABLE = [
    pytest.param("hello", "is no JSON", id="text"),
    pytest.param("[1]", "is JSON, but a list and no object", id="list"),
    pytest.param("5", "is JSON, but a number and no object", id="number"),
    pytest.param("null", "is JSON, but null and no object", id="null"),
    pytest.param('{"a":1,"a":2}', "the key 'a' is given more than once", id="a key twice"),
    pytest.param('{"a":1e999}', "out of range", id="a number out of range"),
    pytest.param('{"a":NaN}', "which is not JSON", id="NaN"),
    pytest.param('{"a":"\\ud800"}', "not valid Unicode", id="half a character"),
]


@pytest.mark.parametrize(("before", "told"), NOT_EDITABLE)
def test_what_cannot_hold_keys_is_not_touched(before: str, told: str, room: str, server: LocalServer) -> None:
    """No key is set where something else would be changed by it."""
    api_of(server).create_room(RoomRequest(room, metadata=before))
    done = invoke("room", "update", room, "--set", "b=1", "-o", "json")
    assert (done.code, told in json.loads(done.err)["error"]["message"]) == (2, True)
    assert metadata_of(room) == before


@pytest.mark.parametrize("wish", [["--set", "a=1"], ["--metadata", "{}"], ["--clear-metadata"]])
def test_a_missing_room(wish: list[str], room: str) -> None:
    """It is told, and not made; also in a dry run."""
    for more in ([], ["--dry-run"]):
        done = invoke("room", "update", room, *wish, *more, "-o", "json")
        assert (done.code, done.out, json.loads(done.err)["error"]["code"]) == (3, "", "room-missing")
    assert invoke("room", "inspect", room).code == 3


def test_no_permission(room: str, server: LocalServer) -> None:
    """Wrong credentials change nothing, with exit code 4."""
    assert invoke("room", "create", room).code == 0
    wrong = ["--url", server.url, "--api-key", server.key, "--api-secret", "w" * 40]
    done = invoke("room", "update", room, "--set", "a=1", *wrong, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"], metadata_of(room)) == (4, "auth-secret", "")


def test_on_a_terminal(room: str) -> None:
    """What it was and what it is, and nothing in it is obeyed."""
    assert invoke("room", "create", room, "--metadata-set", "a=[red]\x1b[31m").code == 2
    assert invoke("room", "create", room, "--metadata-set", "a=[/]\x1b[31m".replace("[/]", "x[/]")).code == 0
    screen = on_terminal("room", "update", room, "--set", "b=1", env={"NO_COLOR": "1"}, columns=160)
    assert f"Room {room}: metadata changed" in screen.out
    assert '{"a":"x[/]\\u001b[31m"}' in screen.out
    assert "\x1b[31m" not in screen.out


@pytest.mark.parametrize("count", [2, 8])
def test_many_at_once(count: int, room: str) -> None:
    """Each sets a key of its own, in a process of its own: all keys are there, or the loser says that its is not."""
    assert invoke("room", "create", room, "--metadata", '{"there": "before"}').code == 0
    started = [
        subprocess.Popen(command("room", "update", room, "--set", f"k{number}={number}", "-o", "json"),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        for number in range(count)
    ]  # fmt: skip
    said = [process.communicate(timeout=60) for process in started]
    codes = {number: process.returncode for number, process in enumerate(started)}
    found = json.loads(metadata_of(room))
    lost = [number for number in codes if found.pop(f"k{number}", None) != number]
    assert found == {"there": "before"}
    assert all(codes[number] == 1 and b"changed-meanwhile" in said[number][1] for number in lost)
    assert all(code in {0, 1} for code in codes.values())


class Rival(Api):
    """A real API whose owner is not alone: before the n-th look, or after the n-th write, somebody else acts."""

    def __init__(self, api: Api, acts: dict[str, Callable[[], object]]) -> None:
        self._api, self._acts, self._count = api, acts, {"look": 0, "write": 0}

    @property
    def url(self) -> Any:
        return self._api.url

    def renewed(self) -> "Rival":
        return self

    def get_room(self, name: str) -> Room:
        self._passed("look")
        return self._api.get_room(name)

    def update_room_metadata(self, name: str, metadata: str) -> Room:
        room = self._api.update_room_metadata(name, metadata)
        self._passed("write")
        return room

    def _passed(self, what: str) -> None:
        self._count[what] += 1
        self._acts.get(f"{what} {self._count[what]}", lambda: None)()


class Clash(NamedTuple):
    """What we wish, when somebody else writes what, and what comes of it: None is `changed-meanwhile`."""

    wish: Edit | Whole
    moment: str
    theirs: str
    after: str | None = None
    writes: int = 0


EDIT, WHOLE = Edit({"mine": 1}, drop=("old",)), Whole('{"mine":1}')
BEFORE = '{"old":0,"there":0}'
RIVALS = [
    pytest.param(Clash(EDIT, "look 1", '{"old":0,"theirs":2}', '{"theirs": 2, "mine": 1}', 1), id="between the looks"),
    pytest.param(Clash(EDIT, "write 1", '{"old":0,"theirs":2}', '{"theirs": 2, "mine": 1}', 2), id="stale"),
    pytest.param(Clash(EDIT, "write 1", '{"mine":1,"theirs":2}', '{"mine": 1, "theirs": 2}', 1), id="onto ours"),
    pytest.param(Clash(EDIT, "write 1", '{"mine":5}'), id="the same key otherwise"),
    pytest.param(Clash(EDIT, "write 1", '{"mine":1,"old":7}'), id="a removed key otherwise"),
    pytest.param(Clash(EDIT, "write 1", "gone"), id="no object any more"),
    pytest.param(Clash(EDIT, "write 1", "", '{"mine": 1}', 2), id="cleared"),
    pytest.param(Clash(WHOLE, "look 1", '{"theirs":2}'), id="whole: between the looks"),
    pytest.param(Clash(WHOLE, "write 1", '{"theirs":2}'), id="whole: after the write"),
    pytest.param(Clash(WHOLE, "write 1", '{"mine": 1}', '{"mine": 1}', 1), id="whole: the same"),
]


@pytest.mark.parametrize("clash", RIVALS)
def test_somebody_else(clash: Clash, room: str, server: LocalServer) -> None:
    """What somebody else writes at that moment is kept; where both cannot be, theirs stays and we say so."""
    wish, moment, theirs, after, writes = clash
    api = api_of(server)
    first = api.create_room(RoomRequest(room, metadata=BEFORE))

    def interfere() -> None:
        api.update_room_metadata(room, theirs)
        eventually(lambda: metadata_of(room) == theirs)  # a busy server lists it a moment after it has answered

    rival = Rival(api, {moment: interfere})
    if after is None:
        with pytest.raises(LkctlError, match=f"the metadata of room '{room}' was changed") as caught:
            change_metadata(rival, first, wish)
        assert (caught.value.code, caught.value.exit_code) == ("changed-meanwhile", 1)
        assert metadata_of(room) == theirs
        return
    change = change_metadata(rival, first, wish)
    assert isinstance(change, MetadataChange)
    assert (json.loads(change.room.metadata), change.writes) == (json.loads(after), writes)
    assert json.loads(metadata_of(room)) == json.loads(after)


def test_a_room_made_anew_is_another(room: str, server: LocalServer) -> None:
    """Deleted and made anew while we write: its metadata is not ours to judge."""
    api = api_of(server)
    first = api.create_room(RoomRequest(room))

    def delete() -> None:
        api.delete_room(room)
        eventually(lambda: api.find_room(room) is None)  # what was written just before may be listed once more

    def anew() -> None:
        delete()
        api.create_room(RoomRequest(room))

    with pytest.raises(LkctlError, match="was deleted and made anew") as caught:
        change_metadata(Rival(api, {"write 1": anew}), first, EDIT)
    assert caught.value.code == "changed-meanwhile"
    with pytest.raises(LkctlError, match="there is no room"):
        change_metadata(Rival(api, {"write 1": delete}), api.get_room(room), EDIT)


@contextmanager
def meddling(api: Api, room: str) -> Iterator[None]:
    """Overwrite a room's metadata all the time, from a look of long ago."""
    over = threading.Event()

    def meddle() -> None:
        while not over.wait(0.05):
            api.renewed().update_room_metadata(room, '{"there":0}')

    thread = threading.Thread(target=meddle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(20)


def test_somebody_who_never_stops(room: str, server: LocalServer) -> None:
    """The tries are bounded; the end is changed-meanwhile, exit code 1, and no success."""
    api_of(server).create_room(RoomRequest(room, metadata='{"there":0}'))
    started = time.monotonic()
    with meddling(api_of(server), room):
        done = invoke("room", "update", room, "--set", "a=1", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (1, "changed-meanwhile")
    assert time.monotonic() - started < 30
    assert metadata_of(room) == '{"there":0}'


def test_the_server_is_lost_after_the_write(start_livekit_server: Any) -> None:
    """What was written could not be read back: that is no success."""
    server = start_livekit_server()
    api = api_of(server)
    first = api.create_room(RoomRequest("demo"))
    with pytest.raises(LkctlError) as caught:
        change_metadata(Rival(api, {"write 1": server.stop}), first, EDIT)
    assert caught.value.exit_code == 5
    assert "the metadata of room 'demo' was written, and could not be looked at" in caught.value.message


def test_a_slow_change_says_what_it_may_have_overwritten(room: str, server: LocalServer) -> None:
    """Who needs longer from look to write than others wait for cannot know what he overwrote, and is told so."""
    api = api_of(server)
    first = api.create_room(RoomRequest(room))
    change = change_metadata(Rival(api, {"write 1": lambda: time.sleep(SETTLE + 0.1)}), first, EDIT)
    assert change.window_ms is not None
    assert change.window_ms > SETTLE * 1000
    assert [remark.partition(" ms passed")[0] for remark in change_view(change, dry_run=False).remarks] == [
        f"! {change.window_ms}"
    ]
