"""`lkctl room delete` on a real server: which rooms go, which stay, and what is said of each."""

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.scenarios.deletion import RoomKey, Wanted, delete_rooms, plan_deletion
from lkctl.scenarios.fates import Fate
from lkctl.scenarios.roomfilter import RoomFilter
from lkctl.server.api import Api
from tests.guests import guest
from tests.harness import command, environment, invoke, on_terminal, until
from tests.redis import api_of

pytestmark = pytest.mark.live


@pytest.fixture
def rooms(room: str) -> Iterator[list[str]]:
    """Three rooms whose names begin alike."""
    names = [f"{room}-{tail}" for tail in "abc"]
    for number, name in enumerate(names):
        assert invoke("room", "create", name, "--metadata-set", f"n={number}").code == 0
    yield names
    for name in names:
        invoke("room", "delete", name, "--yes")


def left(rooms: list[str]) -> list[str]:
    """Give the tails of the rooms that are there still."""
    there = invoke("room", "list", "-o", "name").out.split()
    return [name[-1] for name in rooms if name in there]


def deleted(*arguments: str) -> tuple[int, list[tuple[str, str, str | None]]]:
    """Delete rooms; give the exit code, and of each its name's last letter, the result, and the error's code."""
    done = invoke("room", "delete", *arguments, "-o", "json")
    rows = json.loads(done.out)
    assert all(list(row) == ["name", "sid", "result", "error"] for row in rows)
    return done.code, [(row["name"][-1], row["result"], (row["error"] or {}).get("code")) for row in rows]


def test_several_by_name(rooms: list[str]) -> None:
    """In the order given, each once; one that is missing stops no other, and makes the exit code 3."""
    c, a, missing = rooms[2], rooms[0], rooms[0] + "-missing-x"
    assert deleted(c, missing, a, c, "--dry-run") == (
        3, [("c", "planned", None), ("x", "missing", "room-missing"), ("a", "planned", None)])  # fmt: skip
    assert left(rooms) == ["a", "b", "c"]
    assert deleted(c, missing, a, c, "--yes") == (
        3, [("c", "deleted", None), ("x", "missing", "room-missing"), ("a", "deleted", None)])  # fmt: skip
    assert left(rooms) == ["b"]
    assert deleted(c, missing, rooms[1], "--yes", "--if-exists") == (
        0, [("c", "missing", None), ("x", "missing", None), ("b", "deleted", None)])  # fmt: skip


def test_a_missing_room(room: str) -> None:
    """One that was named alone is an error as everywhere; with --if-exists it is fine, also without a terminal."""
    for more in (["--yes"], ["--dry-run"], []):
        done = invoke("room", "delete", room, *more, "-o", "json")
        assert (done.code, done.out, json.loads(done.err)["error"]["code"]) == (3, "", "room-missing")
    assert deleted(room, "--if-exists") == (0, [(room[-1], "missing", None)])


FILTERS = [
    pytest.param(["--match", "{room}-*"], "abc", id="glob"),
    pytest.param(["--match", "{room}-[ac]"], "ac", id="class"),
    pytest.param(["--match", "{room}-a", "--match", "{room}-b"], "ab", id="one of two globs"),
    pytest.param(["--match", "{room}-?", "--metadata-has", "n=1"], "b", id="value in metadata"),
    pytest.param(["--match", "{room}-?", "--metadata-has", "n"], "abc", id="key in metadata"),
    pytest.param(["--match", "{room}-?", "--older-than", "1h"], "", id="too young"),
    pytest.param(["--match", "{room}-?", "--empty"], "abc", id="nobody in it"),
    pytest.param(["--match", "{room}"], "", id="a whole name, not a part"),
]


@pytest.mark.parametrize(("filters", "gone"), FILTERS)
def test_filters(filters: list[str], gone: str, rooms: list[str]) -> None:
    """All filters must fit; what does not is no row, and none at all is no failure."""
    words = [word.format(room=rooms[0][:-2]) for word in filters]
    assert deleted(*words, "--dry-run") == (0, [(tail, "planned", None) for tail in gone])
    assert deleted(*words, "--yes") == (0, [(tail, "deleted", None) for tail in gone])
    assert left(rooms) == [tail for tail in "abc" if tail not in gone]


@pytest.mark.parametrize("kind", ["standard", "agent"])
def test_empty_means_that_nobody_is_in_it(kind: str, rooms: list[str], server: LocalServer) -> None:
    """The server's own count is 5 s late and leaves agents out; one who is named and not empty is a failure."""
    with guest(server, "somebody", rooms[0], kind=kind) as somebody:
        assert deleted("--match", rooms[0][:-1] + "?", "--empty", "--yes") == (
            0, [("b", "deleted", None), ("c", "deleted", None)])  # fmt: skip
        kept = invoke("room", "delete", rooms[0], "--empty", "--yes", "-o", "json")
        assert (kept.code, json.loads(kept.err)["error"]["message"]) == (
            1,
            f"room {rooms[0]!r} was kept: somebody is in it",
        )
        assert deleted(rooms[0], rooms[1], "--empty", "--if-exists", "--yes") == (
            1, [("a", "kept", "expectation-failed"), ("b", "missing", None)])  # fmt: skip
        assert deleted(rooms[0], "--yes") == (0, [("a", "deleted", None)])
        assert somebody.events.get(timeout=10)["event"] == "disconnected"


def test_names_for_the_next_command(rooms: list[str]) -> None:
    """`-o name` names what is deleted; the rest is on stderr. For people it is a table."""
    done = invoke("room", "delete", rooms[0], "nobodys-room", "--yes", "-o", "name")
    assert (done.code, done.out) == (3, rooms[0] + "\n")
    assert "there is no room 'nobodys-room'" in done.err
    screen = on_terminal("room", "delete", "--match", rooms[0][:-1] + "*", "--yes", columns=120, env={"NO_COLOR": "1"})
    assert [line.split()[0] for line in screen.out.splitlines()] == ["NAME", rooms[1], rooms[2]]
    assert "No room fits" in on_terminal("room", "delete", "--match", rooms[0][:-1] + "*").out


REFUSED = [
    pytest.param([], "usage", id="nothing named"),
    pytest.param(["--if-exists", "--yes"], "usage", id="nothing named, forced"),
    pytest.param(["--match", ""], "option-empty", id="an empty glob"),
    pytest.param([""], "option-empty", id="an empty name"),
    pytest.param(["demo", ""], "option-empty", id="an empty name beside another"),
    pytest.param(["--older-than", "yesterday"], "usage", id="no duration"),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED)
def test_refused(arguments: list[str], code: str, rooms: list[str]) -> None:
    """Nothing is deleted by mistake."""
    done = invoke("room", "delete", *arguments, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, code)
    assert left(rooms) == ["a", "b", "c"]


def test_a_yes_for_one_room(room: str) -> None:
    """Without a terminal and --yes it is refused; on a terminal it asks, and no means no."""
    assert invoke("room", "create", room).code == 0
    refused = invoke("room", "delete", room, "-o", "json")
    assert (refused.code, json.loads(refused.err)["error"]["code"]) == (2, "confirm-impossible")
    no = on_terminal("room", "delete", room, typed="n\n")
    assert (no.code, f"Delete room {room} on http://" in no.out) == (130, True)
    assert invoke("room", "inspect", room).code == 0
    assert on_terminal("room", "delete", room, typed="y\n").code == 0
    assert invoke("room", "inspect", room).code == 3


def test_a_question_is_made_safe(room: str, server: LocalServer) -> None:
    """What is asked on a terminal shows the name, and obeys nothing in it."""
    name = f"{room}\x1b[31m"
    api_of(server).create_room(RoomRequest(name))
    screen = on_terminal("room", "delete", name, typed="y\n", env={"NO_COLOR": "1"}, columns=120).out
    assert f"Delete room {room}\\x1b[31m on" in screen
    assert "\x1b[31m" not in screen
    assert api_of(server).find_room(name) is None


@pytest.mark.parametrize(("typed", "code"), [("y\n", 130), ("\n", 130), ("2\n", 130), ("3\n", 0)])
def test_the_number_for_several_rooms(typed: str, code: int, rooms: list[str]) -> None:
    """Several are not deleted by a habit: how many they are must be typed."""
    done = on_terminal("room", "delete", "--match", rooms[0][:-1] + "*", typed=typed, columns=200)
    assert "Delete 3 rooms on http://127.0.0.1:" in done.out
    assert ": " + ", ".join(rooms) + "? [type 3] " in done.out
    assert (done.code, left(rooms)) == (code, [] if code == 0 else ["a", "b", "c"])


def test_many_rooms_are_counted_in_the_question(rooms: list[str], room: str) -> None:
    """The first five by name, and how many more."""
    for number in range(4):
        assert invoke("room", "create", f"{room}-d{number}").code == 0
    done = on_terminal("room", "delete", "--match", f"{room}-*", typed="7\n", columns=400)
    told = ", ".join([*rooms, f"{room}-d0", f"{room}-d1"])
    assert f"and put everybody in them out: {told} and 2 more? [type 7] " in done.out
    assert (done.code, left(rooms)) == (0, [])


def test_rooms_grow_older(rooms: list[str]) -> None:
    """By the server's clock, which is known to the second."""
    old = ["--match", rooms[0][:-1] + "?", "--older-than", "1"]
    assert until(lambda: len(deleted(*old, "--dry-run")[1]) == len(rooms))
    assert deleted(*old, "--yes") == (0, [(tail, "deleted", None) for tail in "abc"])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_at_the_question(number: signal.Signals, code: int, room: str) -> None:
    """^C instead of an answer: nothing is deleted."""
    assert invoke("room", "create", room).code == 0
    main, side = pty.openpty()
    process = subprocess.Popen(command("room", "delete", room), stdin=side, stdout=side, stderr=side, close_fds=True,
                               env=environment({"TERM": "dumb"}))  # fmt: skip
    os.close(side)
    seen, end = b"", time.monotonic() + 30
    while b"[y/N]" not in seen and time.monotonic() < end:
        if select.select([main], [], [], 0.5)[0]:
            seen += os.read(main, 65536)
    process.send_signal(number)
    assert process.wait(10) == code
    os.close(main)
    assert b"[y/N]" in seen
    assert invoke("room", "inspect", room).code == 0


def planned(server: LocalServer, wanted: Wanted) -> tuple[Api, list[Fate[RoomKey]]]:
    """Give an API and what is planned."""
    api = api_of(server)
    return api, plan_deletion(api, wanted)


def test_a_room_made_anew_is_judged_anew(rooms: list[str], server: LocalServer) -> None:
    """Between plan and deletion: made anew with other metadata it stays, made alike it goes; gone is no failure."""
    wanted = Wanted((), RoomFilter(match=(rooms[0][:-1] + "?",), metadata_has=("n",)))
    api, plan = planned(server, wanted)
    for name in rooms:
        api.delete_room(name)
    api.create_room(RoomRequest(rooms[0]))
    alike = api.create_room(RoomRequest(rooms[1], metadata='{"n": 9}'))
    done = list(delete_rooms(api, wanted, plan))
    assert [(one.result, one.error) for one in done] == [("kept", None), ("deleted", None), ("missing", None)]
    assert done[1].thing.sid == alike.sid != plan[1].thing.sid
    assert left(rooms) == ["a"]


def test_somebody_joins_meanwhile(rooms: list[str], server: LocalServer) -> None:
    """A room that was empty when the user was asked, and is not any more, stays."""
    wanted = Wanted((rooms[0],), RoomFilter(), empty=True)
    api, plan = planned(server, wanted)
    with guest(server, "late", rooms[0]):
        (done,) = delete_rooms(api, wanted, plan)
    assert isinstance(done.error, LkctlError)
    assert (plan[0].result, done.result, done.error.code) == ("planned", "kept", "expectation-failed")


def test_no_permission(rooms: list[str], server: LocalServer) -> None:
    """Wrong credentials delete nothing, with exit code 4."""
    wrong = ["--url", server.url, "--api-key", server.key, "--api-secret", "w" * 40]
    done = invoke("room", "delete", *rooms, "--yes", *wrong, "-o", "json")
    assert (done.code, done.out, json.loads(done.err)["error"]["code"]) == (4, "", "auth-secret")
    assert left(rooms) == ["a", "b", "c"]


def test_the_server_is_lost_on_the_way(start_livekit_server: Any) -> None:
    """The room at which it is lost has failed, the others are not tried; none waits for its own time limit."""
    server = start_livekit_server()
    api = api_of(server)
    for name in ("r1", "r2", "r3"):
        api.create_room(RoomRequest(name))
    wanted = Wanted(("r1", "r2", "r3"), RoomFilter())
    steps = delete_rooms(api, wanted, plan_deletion(api, wanted))
    first = next(steps)
    server.stop()
    others = list(steps)
    assert [one.result for one in (first, *others)] == ["deleted", "failed", "untried"]
    assert [one.error.exit_code for one in others if one.error] == [5, 5]


def test_the_room_without_a_name(server: LocalServer) -> None:
    """Others can make one, so a filter finds it and it can be deleted; by name it is refused as an unset variable."""
    api = api_of(server)
    api.create_room(RoomRequest("", metadata='{"nameless": true}'))
    done = invoke("room", "delete", "--metadata-has", "nameless", "--yes", "-o", "json")
    assert (done.code, [(row["name"], row["result"]) for row in json.loads(done.out)]) == (0, [("", "deleted")])
    assert api.find_room("") is None
