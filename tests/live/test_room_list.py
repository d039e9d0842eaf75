"""`room list` on a real server, with real guests: filters, counts, order, columns."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests.guests import guest
from tests.harness import invoke, on_terminal

pytestmark = pytest.mark.live
PLAIN = ["sid", "name", "metadata", "created_at", "empty_timeout", "departure_timeout", "max_participants",
         "num_participants", "num_publishers", "active_recording"]  # fmt: skip


@pytest.fixture
def house(server: LocalServer, room: str) -> str:
    """Four rooms whose names begin alike: nobody in it, a person, an agent alone, both."""
    for suffix, metadata in (("empty", "{}"), ("person", '{"userId": "u", "plan": "pro"}'), ("agent", "no JSON"),
                             ("both", '{"user": {"id": 5}}')):  # fmt: skip
        made = {"room": f"{room}-{suffix}", "metadata": metadata}
        assert _create(server, made) == made["room"]
    return room


def _create(server: LocalServer, made: dict[str, str]) -> str:
    import asyncio

    from livekit import api

    async def create() -> str:
        async with api.LiveKitAPI(server.http_url, server.key, server.secret.reveal()) as client:
            wish = api.CreateRoomRequest(name=made["room"], metadata=made["metadata"], empty_timeout=600)
            return str((await asyncio.wait_for(client.room.create_room(wish), 10)).name)

    return asyncio.run(create())


@pytest.fixture
def lived_in(server: LocalServer, house: str) -> Any:
    """The four rooms, with who is to be in them."""
    with (
        guest(server, "ann", f"{house}-person"),
        guest(server, "bob", f"{house}-both", grants={"hidden": True}),
        guest(server, "robot", f"{house}-agent", kind="agent"),
        guest(server, "robot", f"{house}-both", kind="agent"),
    ):
        yield house


@pytest.fixture(autouse=True)
def clean(room: str) -> Any:
    """Nothing is left behind."""
    yield
    for suffix in ("empty", "person", "agent", "both"):
        invoke("room", "delete", f"{room}-{suffix}", "--yes")


def names(house: str, *arguments: str) -> list[str]:
    """List the rooms of the house, by the ends of their names."""
    done = invoke("room", "list", "--match", f"{house}-*", *arguments, "-o", "name")
    assert done.code == 0, done.err
    return [name.removeprefix(f"{house}-") for name in done.out.split()]


def test_who_is_in_them(lived_in: str) -> None:
    """The moment somebody has joined, and agents too: what the server's own count says is 5 s old, and without them."""
    rooms = json.loads(invoke("room", "list", "--match", f"{lived_in}-*", "--agents", "-o", "json").out)
    assert {room["name"].removeprefix(f"{lived_in}-"): (room["participants"], room["agents"]) for room in rooms} == {
        "agent": (0, 1), "both": (1, 1), "empty": (0, 0), "person": (1, 0),
    }  # fmt: skip
    assert list(rooms[0]) == [*PLAIN, "participants", "agents", "services"]
    assert names(lived_in, "--empty") == ["empty"]
    assert names(lived_in, "--without-agent") == ["empty", "person"]
    assert names(lived_in, "--without-agent", "--metadata-has", "userId") == ["person"]
    assert names(lived_in, "--agents", "--sort", "-participants") == ["both", "person", "agent", "empty"]
    wanted = invoke("room", "list", "--match", f"{lived_in}-*", "--columns", "agents,name,participants")
    assert [line.split("\t")[::2] for line in wanted.out.splitlines()] == [
        ["1", "0/∞"], ["1", "1/∞"], ["0", "0/∞"], ["0", "1/∞"],
    ]  # fmt: skip
    screen = on_terminal("room", "list", "--match", f"{lived_in}-*", "--agents", "--color", "never", columns=150).out
    assert screen.splitlines()[0].split() == ["NAME", "SID", "PARTICIPANTS", "AGENTS", "CREATED", "METADATA"]


def test_plain_lists(house: str) -> None:
    """Without a question to each room it stays the documented array."""
    done = invoke("room", "list", "--match", f"{house}-*", "-o", "json")
    rooms = json.loads(done.out)
    assert [list(room) for room in rooms] == [PLAIN] * 4
    assert done.out == json.dumps(rooms, indent=2, ensure_ascii=False) + "\n"
    lines = invoke("room", "list", "--match", f"{house}-*", "-o", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == rooms
    assert "turn_password" not in done.out


FILTERS = [
    pytest.param(["--metadata-has", "userId"], ["person"], id="a key"),
    pytest.param(["--metadata-has", "userId=u", "--metadata-has", "plan=pro"], ["person"], id="values"),
    pytest.param(["--metadata-has", "userId=v"], [], id="another value"),
    pytest.param(["--metadata-has", "user.id=5"], ["both"], id="a path and a number"),
    pytest.param(["--older-than", "1h"], [], id="not so old"),
    pytest.param(["--older-than", "0s"], ["agent", "both", "empty", "person"], id="any age"),
    pytest.param(["--sort", "-name"], ["person", "empty", "both", "agent"], id="backwards"),
    pytest.param(["--sort", "name", "--reverse"], ["person", "empty", "both", "agent"], id="reverse"),
    pytest.param(["--sort", "created"], ["empty", "person", "agent", "both"], id="by creation"),
    pytest.param(["--sort", "age"], ["both", "agent", "person", "empty"], id="by age"),
]


@pytest.mark.parametrize(("arguments", "expected"), FILTERS)
def test_filters_and_orders(house: str, arguments: list[str], expected: list[str]) -> None:
    """Of the real rooms."""
    time.sleep(0.01)
    assert names(house, *arguments) == expected


REFUSED = [
    pytest.param(["--sort", "size"], "usage", id="no order"),
    pytest.param(["--columns", "name,size"], "usage", id="no column"),
    pytest.param(["--columns", ""], "option-empty", id="no columns"),
    pytest.param(["--older-than", "soon"], "usage", id="no duration"),
    pytest.param(["--metadata-has", "a..b"], "usage", id="no key"),
    pytest.param(["--match", ""], "option-empty", id="an empty glob"),
    pytest.param(["--concurrency", "0"], "usage", id="no call at once"),
    pytest.param(["--concurrency", "129"], "usage", id="too many calls at once"),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED)
def test_refused(arguments: list[str], code: str) -> None:
    """Before any server is looked for: none is configured here."""
    done = invoke("room", "list", *arguments, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, code)


def test_no_such_rooms(server: LocalServer, tmp_path: Path) -> None:
    """An empty list is no failure, whatever the form."""
    none = ["room", "list", "--match", "there-is-none-*", "--agents"]
    assert (invoke(*none).code, invoke(*none).out, invoke(*none, "-o", "json").out) == (0, "", "[]\n")
    assert "There are no such rooms" in on_terminal(*none).out


def test_hostile_names_and_metadata(server: LocalServer, room: str) -> None:
    """What somebody put there is shown, not obeyed."""
    metadata = "\x1b[31mred\x1b[0m [bold]x[/bold]\u202e"
    name = f"{room}-\x1b]0;title\x07"
    _create(server, {"room": name, "metadata": metadata})
    try:
        for arguments in (["-o", "tsv"], ["-o", "table"], ["-o", "json"], ["-o", "name"], ["--agents", "-o", "jsonl"]):
            out = invoke("room", "list", "--match", f"{room}-*", *arguments).out
            assert not {"\x1b", "\x07", "\u202e"} & set(out), arguments
        assert json.loads(invoke("room", "list", "--match", f"{room}-*", "-o", "json").out)[0]["metadata"] == metadata
    finally:
        invoke("room", "delete", name, "--yes")
