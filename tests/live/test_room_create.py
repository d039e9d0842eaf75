"""`lkctl room create` on a real server: what is asked for, what the server makes of it, and what is said of it."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.scenarios.creation import create_room
from tests.harness import invoke, on_terminal
from tests.redis import api_of, node, running_redis

pytestmark = pytest.mark.live
ID = "user_1704067200000_abc123"
RECORDING = json.dumps(
    {"room": {"file_outputs": [{"filepath": "x.mp4", "s3": {"secret": "Geheimnis-4711", "bucket": "b"}}]}}
)


def created(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Create a room; give the exit code and the document."""
    done = invoke("room", "create", *arguments, "-o", "json")
    return done.code, json.loads(done.out)


def dispatches_of(room: str) -> list[tuple[str, str]]:
    """Give the agents that a room asks for."""
    found = json.loads(invoke("room", "inspect", room, "-o", "json").out)["dispatches"]
    return sorted((one["agent_name"], one["metadata"]) for one in found)


def test_everything_that_can_be_asked_for(room: str) -> None:
    """All of it in one call; what the API shows is compared, what it does not show is named."""
    code, made = created(
        room, "--metadata", '{"a": 1, "b": 2}', "--metadata-set", "b=x", "--metadata-set", "n=null", "--user-id", ID,
        "--max-participants", "5", "--empty-timeout", "2m", "--departure-timeout", "45",
        "--agent", "helper", "--agent", 'scribe={"lang":"en"}',
        "--min-playout-delay", "100", "--max-playout-delay", "0.5s", "--sync-streams",
    )  # fmt: skip
    assert (code, made["created"], made["changed"], made["not_applied"]) == (0, True, [], [])
    assert made["unconfirmed"] == ["min_playout_delay", "max_playout_delay", "sync_streams"]
    assert json.loads(made["room"]["metadata"]) == {"a": 1, "b": "x", "n": None, "userId": ID}
    assert [made["room"][name] for name in ("max_participants", "empty_timeout", "departure_timeout")] == [5, 120, 45]
    assert dispatches_of(room) == [("helper", ""), ("scribe", '{"lang":"en"}')]


SENT = [
    pytest.param(["--min-playout-delay", "200ms", "--max-playout-delay", "1s"],
                 {"min_playout_delay": 200, "max_playout_delay": 1000}, id="delays"),
    pytest.param(["--sync-streams"], {"sync_streams": True}, id="sync_streams"),
    pytest.param(["--agent", "a", "--agent", "b=c=d"],
                 {"agents": [{"agent_name": "a", "metadata": ""}, {"agent_name": "b", "metadata": "c=d"}]}, id="=="),
    pytest.param(["--metadata-set", "a=b=c", "--metadata-set", "n=5", "--metadata-set", "e="],
                 {"metadata": '{"a":"b=c","n":5,"e":""}'}, id="metadata from nothing"),
    pytest.param(["--metadata-set", 'n="5"', "--metadata-set", "z=007", "--metadata-set", "l=[1]"],
                 {"metadata": '{"n":"5","z":"007","l":[1]}'}, id="text and JSON"),
    pytest.param(["--egress", '{"tracks": {"filepath": "x"}}'], {"egress": {"tracks": {"filepath": "x"}}}, id="egress"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "request_"), SENT)
def test_dry_run_makes_nothing(arguments: list[str], request_: dict[str, Any], room: str) -> None:
    """It shows what would be sent."""
    done = invoke("room", "create", room, *arguments, "--dry-run", "-o", "json")
    assert (done.code, json.loads(done.out)) == (0, {"dry_run": True, "request": {"name": room, **request_}})
    assert invoke("room", "inspect", room).code == 3


def test_creating_what_exists_is_told(room: str) -> None:
    """The server says nothing and changes nothing; we say what was not applied, and exit 1."""
    assert created(room, "--max-participants", "5", "--agent", "a")[0] == 0
    code, again = created(room, "--max-participants", "9", "--metadata", "{}", "--agent", "b", "--sync-streams")
    assert (code, again["created"], again["changed"], again["unconfirmed"]) == (1, False, [], [])
    assert again["not_applied"] == ["metadata", "max_participants", "agents", "sync_streams"]
    assert created(room, "--max-participants", "5", "--agent", "a")[0] == 0  # as it is already
    assert created(room, "--agent", "a=other")[1]["not_applied"] == ["agents"]
    people = invoke("room", "create", room, "--max-participants", "9", "--sync-streams", "-o", "table")
    assert "! max_participants was not applied: asked for 9, the room has 5" in people.out
    assert "! sync_streams was not applied: the room existed already" in people.out


def test_metadata_that_says_the_same(room: str) -> None:
    """Blanks and the order of keys are no difference; true is not 1."""
    assert created(room, "--metadata", '{"a": 1, "b": [true]}')[0] == 0
    assert created(room, "--metadata", '{"b":[true],"a":1}')[1]["not_applied"] == []
    assert created(room, "--metadata", '{"b":[1],"a":1}')[1]["not_applied"] == ["metadata"]


def test_if_not_exists(room: str) -> None:
    """A room that exists stays as it is, with exit code 0; one that does not is made."""
    assert created(room, "--max-participants", "5", "--if-not-exists")[0] == 0
    code, kept = created(room, "--max-participants", "9", "--agent", "b", "--if-not-exists")
    assert (code, kept["created"], kept["not_applied"]) == (0, False, ["max_participants", "agents"])
    assert (kept["room"]["max_participants"], dispatches_of(room)) == (5, [("", "")])


def test_a_default_of_the_server_is_not_hidden_by_if_not_exists(room: str) -> None:
    """0 seconds is its default of 300, in a new room too."""
    code, made = created(room, "--empty-timeout", "0", "--if-not-exists")
    assert (code, made["created"], made["not_applied"]) == (1, True, ["empty_timeout"])


def test_update_existing(room: str) -> None:
    """Metadata is replaced, the agents that are missing are dispatched; what the API cannot change is told."""
    assert created(room, "--metadata", '{"a": 1}', "--agent", "one")[0] == 0
    code, updated = created(room, "--metadata", '{"b": 2}', "--agent", "one", "--agent", "two=x", "--update-existing")
    assert (code, updated["created"], updated["changed"], updated["not_applied"]) == (
        0,
        False,
        ["metadata", "agents"],
        [],
    )
    assert (updated["room"]["metadata"], dispatches_of(room)) == ('{"b": 2}', [("one", ""), ("two", "x")])
    again = created(room, "--metadata", '{"b": 2}', "--agent", "one", "--update-existing", "--empty-timeout", "9")
    assert (again[0], again[1]["changed"], again[1]["not_applied"]) == (1, [], ["empty_timeout"])
    assert dispatches_of(room) == [("one", ""), ("two", "x")]
    people = invoke("room", "create", room, "--metadata", "{}", "--update-existing", "-o", "table").out
    assert f"Room {room}: existed already; metadata changed" in people


def test_update_existing_sets_keys(room: str) -> None:
    """Where only keys are named, the others stay."""
    assert created(room, "--metadata", '{"s": 2}')[0] == 0
    code, updated = created(room, "--metadata-set", "y=1", "--update-existing")
    assert (code, updated["changed"], json.loads(updated["room"]["metadata"])) == (0, ["metadata"], {"s": 2, "y": 1})
    code, updated = created(room, "--metadata-set", "y=1", "--update-existing")
    assert (code, updated["changed"], updated["not_applied"]) == (0, [], [])


def test_two_who_create_at_once(room: str, server: LocalServer) -> None:
    """The first one wins; who got another's room is told so, and nobody believes to have made it."""
    done: list[tuple[int, dict[str, Any]]] = []

    def create(limit: int) -> None:
        made = create_room(api_of(server), RoomRequest(room, max_participants=limit))
        done.append((limit, {"created": made.created, "missed": made.not_applied, "room": made.room}))

    threads = [threading.Thread(target=create, args=(limit,)) for limit in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    winners = [limit for limit, made in done if made["created"]]
    assert len(done) == 8
    assert len(winners) == 1
    assert all(made["room"].max_participants == winners[0] for _, made in done)
    assert all(made["missed"] == ("max_participants",) for limit, made in done if limit != winners[0])


def test_a_room_for_a_user(server: LocalServer) -> None:
    """Name by convention, ID in the metadata."""
    code, made = created("--user-id", ID)
    try:
        assert (code, made["room"]["name"]) == (0, f"mcp-chrome-user-{ID}")
        assert json.loads(made["room"]["metadata"]) == {"userId": ID}
        resolved = invoke("agent", "resolve", f"mcp-chrome-user-{ID}", "--expect", ID, "-o", "json")
        assert (resolved.code, json.loads(resolved.out)["source"]) == (0, "room.metadata")
    finally:
        assert invoke("room", "delete", f"mcp-chrome-user-{ID}", "--yes").code == 0


REFUSED = [
    pytest.param([], "usage", id="no name"),
    pytest.param([" "], "usage", id="a blank name"),
    pytest.param([""], "option-empty", id="an empty name"),
    pytest.param(["ä" * 129], "usage", id="a name of 258 bytes"),
    pytest.param(["r", "--metadata", "hello"], "input-malformed", id="no JSON"),
    pytest.param(["r", "--metadata", "[1]"], "input-malformed", id="no object"),
    pytest.param(["r", "--metadata", "@missing.json"], "file-unreadable", id="no such file"),
    pytest.param(["r", "--metadata", '{"userId": "a"}', "--user-id", ID], "usage", id="two user IDs"),
    pytest.param(["r", "--metadata-set", "userId=a", "--user-id", ID], "usage", id="two user IDs, one set"),
    pytest.param(["r", "--metadata", json.dumps({"a": "x" * 524_288})], "input-too-large", id="too much metadata"),
    pytest.param(["r", "--agent", "a=" + "x" * 524_289], "input-too-large", id="too much metadata of an agent"),
    pytest.param(["r", "--metadata-set", "a"], "usage", id="no ="),
    pytest.param(["r", "--metadata-set", "=a"], "usage", id="no key"),
    pytest.param(["r", "--metadata-set", "a=1", "--metadata-set", "a=2"], "usage", id="a key twice"),
    pytest.param(["r", "--metadata-set", "a={b: 1}"], "input-malformed", id="a value meant to be JSON"),
    pytest.param(["r", "--metadata-set", "a=[draft] x"], "input-malformed", id="a text that begins as JSON"),
    pytest.param(["r", "--metadata-set", "a=1e999"], "input-malformed", id="a number out of range"),
    pytest.param(["r", "--metadata-set", "a=" + "[" * 200 + "]" * 200], "input-malformed", id="a value too deep"),
    pytest.param(["r", "--empty-timeout", "1.5"], "usage", id="half a second"),
    pytest.param(["r", "--max-participants", "-1"], "usage", id="fewer than none"),
    pytest.param(["r", "--agent", "=x"], "usage", id="an agent without a name"),
    pytest.param(["r", "--agent", "x="], "usage", id="an agent's metadata left out"),
    pytest.param(["r", "--min-playout-delay", "2s", "--max-playout-delay", "1s"], "usage", id="delays the wrong way"),
    pytest.param(["r", "--min-playout-delay", "soon"], "usage", id="no delay"),
    pytest.param(["r", "--max-playout-delay", "5000000000"], "usage", id="a delay over 32 bits"),
    pytest.param(["r", "--egress", "{}"], "input-malformed", id="an egress of nothing"),
    pytest.param(["r", "--egress", "[]"], "input-malformed", id="an egress that is no object"),
    pytest.param(["r", "--egress", '{"rooms": {}}'], "input-malformed", id="an unknown part of an egress"),
    pytest.param(["r", "--egress", '{"room": {"layout": 5}}'], "input-malformed", id="a wrong type in an egress"),
    pytest.param(["r", "--egress", "-", "--metadata", "-"], "usage", id="two on standard input"),
    pytest.param(["r", "--if-not-exists", "--update-existing"], "usage", id="left alone and changed"),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED)
def test_refused_before_sending(arguments: list[str], code: str, server: LocalServer) -> None:
    """What cannot work makes no room."""
    before = invoke("room", "list", "-o", "name").out
    done = invoke("room", "create", *arguments, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, code)
    assert invoke("room", "list", "-o", "name").out == before


def test_a_name_and_metadata_at_the_limit(room: str) -> None:
    """256 bytes of name and 512 KiB of metadata are taken."""
    name = room + "x" * (256 - len(room))
    try:
        code, made = created(name, "--metadata", json.dumps({"a": "x" * (524_288 - 9)}))
        assert (code, len(made["room"]["metadata"])) == (0, 524_288)
    finally:
        assert invoke("room", "delete", name, "--yes").code == 0


def test_recording_needs_redis_and_says_so_at_once(room: str) -> None:
    """Without it the server takes 10 s to say nothing, and makes the room."""
    started = time.monotonic()
    done = invoke("room", "create", room, "--egress", RECORDING, "-o", "json")
    assert time.monotonic() - started < 5
    assert (done.code, json.loads(done.err)["error"]["code"]) == (7, "server-redis")
    assert invoke("room", "inspect", room).code == 3


def test_the_secrets_of_an_egress_are_not_shown(room: str) -> None:
    """Neither in a dry run nor under --debug nor in an error."""
    shown = [invoke("room", "create", room, "--egress", RECORDING, *more) for more in (["--dry-run"], ["--debug"])]
    shown.append(invoke("room", "create", room, "--egress", RECORDING.replace("bucket", "Geheimnis-4711"), "--dry-run"))
    assert "(secret, 14 characters)" in shown[0].out
    assert not [done for done in shown if "Geheimnis" in done.out + done.err]


@pytest.mark.parametrize(
    ("recording", "missed", "unconfirmed"),
    [
        pytest.param(RECORDING, ["egress"], [], id="of the room: begins with it"),
        pytest.param('{"tracks": {"filepath": "x"}}', [], ["egress"], id="of tracks: begins with the first one"),
    ],
)
def test_recording_where_nobody_records(
    recording: str,
    missed: list[str],
    unconfirmed: list[str],
    livekit_server_program: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server with Redis says yes after 10 s, also where there is no egress worker; lkctl waits for it, and looks."""
    with running_redis() as redis, node(livekit_server_program, redis, {"devkey": "s" * 40}) as server:
        for name, value in server.environ.items():
            monkeypatch.setenv(name, value)
        done = invoke("room", "create", "recorded", "--egress", recording, "--timeout", "2", "-o", "json")
        made = json.loads(done.out)
        assert (done.code, made["created"]) == (1 if missed else 0, True)
        assert (made["not_applied"], made["unconfirmed"]) == (missed, unconfirmed)
        assert "Geheimnis" not in done.out + done.err
        assert invoke("room", "inspect", "recorded").code == 0


URLS = {
    "custom_base_url": "https://example.com/page?token=Geheimnis-8150&v=2#Geheimnis-9",
    "webhooks": [{"url": "http://Geheimnis-42:Geheim-Pass@example.com:1/hook", "signing_key": "k"}],
    "file_outputs": [{"filepath": "{room_name}.mp4", "s3": {"proxy": {"url": "http://bob:Geh@eim-2@proxy:3128"}}}],
}


def test_the_secrets_in_urls_are_not_shown(room: str) -> None:
    """Login and query of any URL, in a dry run and in an error; the rest of the URL is."""
    planned = invoke("room", "create", room, "--egress", json.dumps({"room": URLS}), "--dry-run", "-o", "json")
    shown = json.loads(planned.out)["request"]["egress"]["room"]
    assert shown["custom_base_url"] == "https://example.com/page?(secret, 36 characters)"
    assert shown["webhooks"][0]["url"] == "http://(secret, 24 characters)@example.com:1/hook"
    assert shown["file_outputs"][0]["s3"]["proxy"]["url"] == "http://(secret, 13 characters)@proxy:3128"
    wrong = invoke("room", "create", room, "--egress", json.dumps({"room": URLS, "Geheimnis-8150": {}}))
    assert wrong.code == 2
    assert not [done for done in (planned, wrong) if "Geh" in done.out + done.err]


def test_no_permission(room: str, server: LocalServer) -> None:
    """Wrong credentials make nothing, with exit code 4."""
    done = invoke(
        "room", "create", room, "--url", server.url, "--api-key", server.key, "--api-secret", "w" * 40, "-o", "json"
    )
    assert (done.code, json.loads(done.err)["error"]["code"]) == (4, "auth-secret")
    assert invoke("room", "inspect", room).code == 3


def test_hostile_names_and_metadata(room: str) -> None:
    """What the server holds is shown, and obeyed by no terminal."""
    assert invoke("room", "create", room, "--metadata-set", "a=x[red]\x1b[31mx").code == 0
    screen = on_terminal("room", "create", room, "--metadata-set", "a=b", env={"NO_COLOR": "1"})
    assert screen.code == 1
    assert "[red]" in screen.out
    assert "\x1b[31m" not in screen.out
