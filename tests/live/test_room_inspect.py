"""A room seen whole on a real server: who is in it, what is published, what became of dispatches, whose room it is."""

import json
import time
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.models import AgentRequest, RoomRequest
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.url import parse_url
from tests import fakes
from tests.guests import guest
from tests.harness import invoke, on_terminal

pytestmark = pytest.mark.live

ID = "user_1704067200000_abc123"
OTHER = "user_1704067200001_def456"
HOSTILE = "\x1b[31mred [bold]x[/bold]"


@pytest.fixture
def api(server: LocalServer) -> Api:
    """The server's API."""
    return Api(Twirp(Target(parse_url(server.url), Credentials(server.key, server.secret)), timeout=10))


def inspect(room: str, *arguments: str) -> dict[str, Any]:
    done = invoke("room", "inspect", room, *arguments, "-o", "json")
    assert done.code == 0, done.err
    document: dict[str, Any] = json.loads(done.out)
    return document


def test_who_is_counted(room: str, server: LocalServer) -> None:
    """Each once, by what it is; the server's own number is five seconds late, and leaves agents and recorders out."""
    with (
        guest(server, "alice", room, grants={"canUpdateOwnMetadata": True}),
        guest(server, "caller", room, kind="sip"),
        guest(server, "ghost", room, grants={"hidden": True}),
        guest(server, "bot", room, kind="agent"),
        guest(server, "worker", room, grants={"agent": True, "hidden": True}),
        guest(server, "recorder", room, grants={"recorder": True, "hidden": True, "canPublishSources": ["camera"]}),
    ):
        seen = inspect(room)
        assert seen["counts"] == {"people": 2, "agents": 2, "hidden": 1, "services": 1}
        assert [one["identity"] for one in seen["participants"]] == [
            "alice", "caller", "ghost", "bot", "worker", "recorder",
        ]  # fmt: skip
        end = time.monotonic() + 15
        while seen["room"]["num_participants"] != 3 and time.monotonic() < end:
            time.sleep(0.2)
            seen = inspect(room)
        assert seen["room"]["num_participants"] == 3  # alice, caller and ghost
        sheet = invoke("room", "inspect", room, "-o", "table").out
        assert "2 people, 2 agents, 1 hidden, 1 service\n" in sheet
        assert "3 (up to 5 s late; leaves agents and recorders out)" in sheet
        assert "pub sub data metadata" in sheet


def test_one_document(room: str, server: LocalServer, api: Api) -> None:
    """Room, participants, tracks, dispatches and the user ID stand together, as the single commands give them."""
    api.create_room(RoomRequest(room, json.dumps({"userId": OTHER}), agents=(AgentRequest("nobody", "{}"),)))
    with guest(server, "alice", room, metadata=json.dumps({"userId": ID})) as alice:
        alice.do("publish", source="camera", name=HOSTILE)
        while not api.get_participant(room, "alice").tracks:
            time.sleep(0.05)
        seen = inspect(room)
        assert list(seen)[:5] == ["room", "participants", "tracks", "dispatches", "resolution"]
        assert seen["participants"] == json.loads(invoke("participant", "list", room, "-o", "json").out)
        assert seen["tracks"] == json.loads(invoke("track", "list", room, "-o", "json").out)
        assert [(one["agent_name"], one["verdict"]) for one in seen["dispatches"]] == [("nobody", "too-early")]
        resolution = seen["resolution"]
        assert (resolution["user_id"], resolution["source"]) == (ID, "participant.metadata")
        assert "W-CONFLICT" in [warning["code"] for warning in resolution["warnings"]]
        screen = on_terminal("room", "inspect", room, columns=160, env={"NO_COLOR": "1"}).out
        assert "\x1b" not in screen
        for words in ("1 person\n", "CAMERA", "VP8", "640x360", "too early to say", "! W-CONFLICT", ID):
            assert words in screen


@pytest.mark.parametrize("preset", ["standard", "dispatch"])
def test_its_snapshot_resolves_alike(room: str, server: LocalServer, api: Api, preset: str) -> None:
    """`agent resolve --snapshot` reads the document, and comes to the same end as through the API."""
    told = json.dumps({"userId": ID})
    api.create_room(RoomRequest(room, json.dumps({"userId": OTHER}), agents=(AgentRequest("nobody", told),)))
    snapshot = invoke("room", "inspect", room, "-o", "json").out
    read = json.loads(
        invoke("agent", "resolve", "--snapshot", "-", "--preset", preset, "-o", "json", stdin=snapshot).out
    )
    asked = json.loads(invoke("agent", "resolve", room, "--preset", preset, "-o", "json").out)
    assert {**read, "via": "api"} == asked
    assert read["user_id"] == (ID if preset == "dispatch" else OTHER)


def test_an_empty_room(room: str, api: Api) -> None:
    """Nobody, no tracks, and the dispatch that every room gets."""
    api.create_room(RoomRequest(room))
    seen = inspect(room)
    assert (seen["participants"], seen["tracks"], seen["resolution"]["source"]) == ([], [], "random")
    assert set(seen["counts"].values()) == {0}
    sheet = invoke("room", "inspect", room, "-o", "table").out
    assert all(words in sheet for words in ("0 people\n", "Nobody is in the room", "No tracks are published"))


@pytest.mark.parametrize("form", ["name", "json", "table"])
def test_is_it_there(room: str, api: Api, form: str) -> None:
    """For scripts: 3 at once, and nothing on stdout, where the room does not exist; 0 where it does."""
    began = time.monotonic()
    done = invoke("room", "inspect", room, "-o", form)
    assert (done.code, done.out, time.monotonic() - began < 2) == (3, "", True)
    api.create_room(RoomRequest(room))
    assert invoke("room", "inspect", room, "-o", form).code == 0


OLD, NEW, NONE = (
    fakes.answer({"rooms": rooms}) for rooms in ([{"name": "r", "sid": "1"}], [{"name": "r", "sid": "2"}], [])
)
NO_ANSWER = fakes.answer({"code": "unavailable", "msg": "no response from servers"}, "503 Service Unavailable")
NOBODY, SOMEBODY = (fakes.answer({"participants": people}) for people in ([], [{"identity": "alice"}]))
NO_DISPATCH = fakes.answer({"agent_dispatches": []})
WENT = [
    pytest.param([OLD, NO_ANSWER, NONE], "room-missing", id="before its dispatches"),
    pytest.param([OLD, NO_DISPATCH, NOBODY, NONE], "room-missing", id="before its participants"),
    pytest.param([OLD, NO_ANSWER, OLD], "server-unavailable", id="it is there, but its node is not"),
]


@pytest.mark.parametrize(("talks", "code"), WENT)
def test_it_goes_meanwhile(
    talks: list[fakes.Talk], code: str, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room that is deleted while it is looked at is missing, not empty."""
    with fakes.serving(fakes.in_turn(*talks)) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        done = invoke("room", "inspect", "r", "-o", "json")
    assert (done.out, json.loads(done.err)["error"]["code"]) == ("", code)


def test_another_comes_in_its_place(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted and made anew: what belongs to the old one is not shown as the new one's."""
    talks = [OLD, NO_DISPATCH, SOMEBODY, NEW, NO_DISPATCH, NOBODY, NEW]
    with fakes.serving(fakes.in_turn(*talks)) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        seen = inspect("r")
    assert (seen["room"]["sid"], seen["participants"]) == ("2", [])
