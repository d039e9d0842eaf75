"""Rooms and participants on a real server, with real guests."""

import json
import os
import time
from pathlib import Path

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.server.rtc import joined
from lkctl.settings.url import parse_url
from tests import fakes
from tests.harness import invoke, on_terminal

pytestmark = pytest.mark.live
ID = "user_1704067200000_abc123"


def test_a_room_from_its_making_to_its_end(room: str) -> None:
    """Created as asked, listed, inspected, deleted, gone."""
    wishes = [
        "--metadata",
        json.dumps({"userId": ID}),
        "--max-participants",
        "5",
        "--empty-timeout",
        "2m",
        "--departure-timeout",
        "45",
    ]
    made = invoke("room", "create", room, *wishes, "-o", "json")
    answer = json.loads(made.out)
    assert (made.code, answer["created"], answer["not_applied"]) == (0, True, [])
    assert answer["room"]["metadata"] == json.dumps({"userId": ID})
    assert [answer["room"][name] for name in ("max_participants", "empty_timeout", "departure_timeout")] == [5, 120, 45]
    assert "turn_password" not in made.out
    assert room in invoke("room", "list", "-o", "name").out.split()
    inspected = json.loads(invoke("room", "inspect", room, "-o", "json").out)
    assert list(inspected)[:5] == ["room", "participants", "tracks", "dispatches", "resolution"]
    assert inspected["resolution"]["user_id"] == ID
    assert [dispatch["verdict"] for dispatch in inspected["dispatches"]] == ["too-early"]
    assert json.loads(invoke("room", "delete", room, "--dry-run", "-o", "json").out)[0]["result"] == "planned"
    gone = invoke("room", "delete", room, "--yes", "-o", "json")
    assert (gone.code, json.loads(gone.out)[0]["result"]) == (0, "deleted")
    for command in (["room", "inspect", room], ["room", "delete", room, "--yes"], ["participant", "list", room]):
        done = invoke(*command, "-o", "json")
        assert (done.code, json.loads(done.err)["error"]["code"]) == (3, "room-missing"), command


def test_no_rooms(start_livekit_server: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty list is no failure: [] in JSON, a remark for people."""
    fresh = start_livekit_server()  # type: ignore[operator]  # the plugin's factory
    for name, value in fresh.environ.items():
        monkeypatch.setenv(name, value)
    assert (invoke("room", "list").code, invoke("room", "list").out) == (0, "")
    assert json.loads(invoke("room", "list", "-o", "json").out) == []
    assert "There are no rooms" in on_terminal("room", "list").out


def test_guests(room: str, server: LocalServer) -> None:
    """A guest is listed with what his token says; the agent would take his ID; then he is gone, and nobody is in."""
    token = invoke("token", "mint", "--user-id", ID, "--room", room, "--attribute", "plan=pro").out.strip()
    assert invoke("room", "create", room).code == 0
    with joined(parse_url(server.url), token, timeout=20) as identity:
        assert identity == ID
        people = json.loads(invoke("participant", "list", room, "-o", "json").out)
        assert [(one["identity"], one["kind"], one["attributes"]) for one in people] == [
            (ID, "STANDARD", {"plan": "pro"})
        ]
        assert json.loads(people[0]["metadata"]) == {"userId": ID}
        resolved = json.loads(invoke("agent", "resolve", room, "-o", "json").out)
        assert (resolved["user_id"], resolved["source"], resolved["participant"]) == (ID, "participant.metadata", ID)
        picture = invoke("room", "inspect", room, "-o", "json").out
        assert (
            json.loads(invoke("agent", "resolve", "--snapshot", "-", "-o", "json", stdin=picture).out)["user_id"] == ID
        )
        screen = on_terminal("room", "inspect", room, columns=120).out
        assert "Participants" in screen
        assert ID in screen
    end = time.monotonic() + 10
    while json.loads(invoke("participant", "list", room, "-o", "json").out) and time.monotonic() < end:
        time.sleep(0.1)
    empty = invoke("participant", "list", room, "-o", "json")
    assert (empty.code, json.loads(empty.out)) == (0, [])


def test_an_absent_room_is_resolved_by_its_name(server: LocalServer) -> None:
    """Its name still counts, with a warning; --require-room makes it an error."""
    name = f"mcp-chrome-user-{ID}"
    answer = json.loads(invoke("agent", "resolve", name, "-o", "json").out)
    assert (answer["user_id"], [warning["code"] for warning in answer["warnings"]]) == (ID, ["W-NOROOM"])
    assert invoke("agent", "resolve", name, "--require-room").code == 3


def test_the_job_of_a_dispatch(room: str) -> None:
    """The preset `dispatch` sees the metadata of the dispatch, through the API and through a snapshot alike."""
    import asyncio

    from livekit import api

    async def dispatch() -> None:
        async with api.LiveKitAPI() as client:
            metadata = json.dumps({"userId": ID})
            wish = api.CreateAgentDispatchRequest(agent_name="nobody", room=room, metadata=metadata)
            await asyncio.wait_for(client.agent_dispatch.create_dispatch(wish), 10)

    assert invoke("room", "create", room).code == 0
    asyncio.run(dispatch())
    answer = json.loads(invoke("agent", "resolve", room, "--preset", "dispatch", "--via", "api", "-o", "json").out)
    assert (answer["user_id"], answer["source"]) == (ID, "job.metadata")
    assert json.loads(invoke("agent", "resolve", room, "-o", "json").out)["source"] == "random"


def test_one_time_limit_for_all_calls(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """--timeout bounds the command, not each of its calls."""
    slow = fakes.delayed(0.7, fakes.reply("200 OK", b'{"rooms": [{"name": "r"}]}', "Content-Type: application/json"))
    with fakes.serving(slow) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        done = invoke("room", "inspect", "r", "--timeout", "1", "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (5, "net-timeout")


def test_a_wait_is_named_on_a_terminal(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says nothing: after a moment the terminal tells what is awaited; a pipe does not."""
    with fakes.serving(fakes.silent) as port:
        monkeypatch.setenv("LIVEKIT_URL", f"ws://127.0.0.1:{port}")
        assert f"waiting for http://127.0.0.1:{port}" in on_terminal("room", "list", "--timeout", "2").out
        assert "waiting" not in invoke("room", "list", "--timeout", "1").err


def test_debug_shows_the_calls(server: LocalServer) -> None:
    """--debug tells what was asked, and holds no token."""
    done = invoke("room", "list", "--debug")
    assert "debug: POST http://127.0.0.1" in done.err
    assert "eyJ" not in done.err


def test_a_project_of_lks(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """--project is heard; a stored project is never used unasked, not even when a secret is empty."""
    folder = Path(os.environ["HOME"]) / ".livekit"
    folder.mkdir()
    text = (
        "default_project: good\nprojects:\n  - name: good\n    url: {LIVEKIT_URL}\n"
        "    api_key: {LIVEKIT_API_KEY}\n    api_secret: {LIVEKIT_API_SECRET}\n"
    )
    (folder / "cli-config.yaml").write_text(text.format(**server.environ))
    monkeypatch.setenv("LIVEKIT_API_SECRET", "")
    empty = invoke("room", "list", "-o", "json")
    assert (empty.code, json.loads(empty.err)["error"]["code"]) == (2, "settings-partial")
    for name in server.environ:
        monkeypatch.delenv(name)
    missing = invoke("room", "list", "-o", "json")
    assert (missing.code, json.loads(missing.err)["error"]["code"]) == (2, "settings-missing")
    assert invoke("room", "list", "--project", "good").code == 0
    unknown = invoke("room", "list", "--project", "nope", "-o", "json")
    assert (unknown.code, json.loads(unknown.err)["error"]["code"]) == (3, "project-missing")
    both = invoke("room", "list", "--project", "good", "--url", server.url, "-o", "json")
    assert (both.code, json.loads(both.err)["error"]["code"]) == (2, "settings-conflict")
