"""Participants changed on a real server: what is named changes, what is not named stays."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests.guests import Guest, guest
from tests.harness import Done, invoke, on_terminal, spawn, until

pytestmark = pytest.mark.live
ID, OTHER = "user_1704067200000_abc123", "user_1704067200000_xyz789"


def update(room: str, *arguments: str, stdin: str = "") -> Any:
    """Change alice, which must succeed, and give the JSON."""
    done = invoke("participant", "update", room, "alice", *arguments, "-o", "json", stdin=stdin)
    assert done.code == 0, done.err
    return json.loads(done.out)


def alice_in(room: str) -> Any:
    """Give alice as the server has her."""
    return json.loads(invoke("participant", "inspect", room, "alice", "-o", "json").out)


def settled(room: str) -> Any:
    """Give alice once her connection is whole."""
    assert until(lambda: alice_in(room)["state"] == "ACTIVE")
    return alice_in(room)


METADATA = [
    pytest.param("", ["--metadata", '{"a": 1}'], '{"a": 1}', id="whole, as it is written"),
    pytest.param('{"x": 1}', ["--metadata", "{}"], "{}", id="emptied"),
    pytest.param("", ["--metadata", "-"], '{"from": "stdin"}', id="from stdin"),
    pytest.param("", ["--metadata", '{"a": 1}', "--set", "b=2"], '{"a":1,"b":2}', id="whole, and a key"),
    pytest.param("", ["--set", "a=5", "--set", "b=five"], '{"a":5,"b":"five"}', id="keys where there were none"),
    pytest.param('{"a": 1, "b": 2}', ["--set", "a=3", "--unset", "b"], '{"a":3}', id="one set, one removed"),
    pytest.param('{"a": 1}', ["--unset", "a"], "{}", id="the last key removed"),
    pytest.param('{"a": 1}', ["--unset", "b"], None, id="what is not there"),
    pytest.param('{"a": 1}', ["--set", "a=1"], None, id="as it is already"),
    pytest.param('{"a": 1}', ["--user-id", ID], f'{{"a":1,"userId":"{ID}"}}', id="a user ID"),
    pytest.param(f'{{"userId": "{OTHER}"}}', ["--user-id", ID], f'{{"userId":"{ID}"}}', id="another user ID"),
]


@pytest.mark.parametrize(("before", "arguments", "after"), METADATA)
def test_metadata(before: str, arguments: list[str], after: str | None, room: str, server: LocalServer) -> None:
    """As a whole or by keys; None: nothing is sent. All else stays."""
    with guest(server, "alice", room, metadata=before or None, attributes={"k": "v"}, name="Alice"):
        first = settled(room)
        planned = update(room, *arguments, "--dry-run", stdin='{"from": "stdin"}')
        assert alice_in(room) == first
        done = update(room, *arguments, stdin='{"from": "stdin"}')
        changed = [] if after is None else ["metadata"]
        assert planned["changed"] == done["changed"] == changed
        assert planned["request"] == done["request"] == ({} if after is None else {"metadata": after})
        assert (planned["dry_run"], done["dry_run"], done["not_applied"]) == (True, False, [])
        expected = {**first, "metadata": before if after is None else after}
        assert done["participant"] == alice_in(room) == expected


GRANTS = {"canUpdateOwnMetadata": True, "canPublishSources": ["microphone"]}
PERMISSIONS = [
    pytest.param(["--no-can-publish-data"], {"can_publish_data": False}, id="no data"),
    pytest.param(["--no-can-publish"], {"can_publish": False}, id="no publishing"),
    pytest.param(["--no-can-subscribe"], {"can_subscribe": False}, id="no subscribing"),
    pytest.param(["--no-can-update-own-metadata"], {"can_update_metadata": False}, id="no own metadata"),
    pytest.param(["--can-subscribe-metrics"], {"can_subscribe_metrics": True}, id="metrics"),
    pytest.param(["--can-manage-agent-session"], {"can_manage_agent_session": True}, id="agent session"),
    pytest.param(["--hidden"], {"hidden": True}, id="hidden"),
    pytest.param(["--recorder"], {"recorder": True}, id="recorder"),
    pytest.param(["--as-agent"], {"agent": True}, id="agent"),
    pytest.param(["--source", "camera"], {"can_publish_sources": ["CAMERA"]}, id="another source"),
    pytest.param(
        ["--source", "Screen-Share", "--source", "camera", "--source", "camera"],
        {"can_publish_sources": ["CAMERA", "SCREEN_SHARE"]},
        id="two sources, one of them twice, spelt freely",
    ),
    pytest.param(["--source", "all"], {"can_publish_sources": []}, id="all sources"),
    pytest.param(["--can-publish", "--source", "microphone"], {}, id="as it is already"),
]


@pytest.mark.parametrize(("arguments", "changes"), PERMISSIONS)
def test_permissions(arguments: list[str], changes: dict[str, Any], room: str, server: LocalServer) -> None:
    """The server replaces the whole set, so that what is left out is false; what was not named stays all the same."""
    with guest(server, "alice", room, grants=GRANTS, metadata="{}", attributes={"k": "v"}):
        first = settled(room)
        done = update(room, *arguments)
        expected = {**first["permission"], **changes}
        assert done["changed"] == [f"permission.{field}" for field in changes]
        after = alice_in(room)  # the server sets is_publisher anew with any change of permissions (measured)
        assert done["participant"] == after == {**first, "permission": expected, "is_publisher": after["is_publisher"]}
        assert done["request"] == ({"permission": expected} if changes else {})


def test_the_rest_still_works(room: str, server: LocalServer) -> None:
    """Without data, a guest publishes still; without publishing, what it published ends, and it may come back."""
    with guest(server, "alice", room) as alice, guest(server, "bob", room) as bob:
        update(room, "--no-can-publish-data")
        assert alice.do("publish", source="microphone", name="mic")
        bob.do("send", text="hello")
        assert alice.await_event("data")["text"] == "hello"
        ended = update(room, "--no-can-publish")["participant"]
        assert (ended["tracks"], ended["permission"]["can_subscribe"]) == ([], True)
        update(room, "--can-publish", "--can-publish-data")
        assert alice.do("publish", source="camera", name="cam")
        alice.do("send", text="back")
        assert bob.await_event("data")["text"] == "back"


def test_name_and_attributes(room: str, server: LocalServer) -> None:
    """A name replaced, attributes set and removed, all at once; the others stay; values may hold anything."""
    with guest(server, "alice", room, name="Alice", attributes={"a": "1", "b": "2", "keep": "x"}):
        wish = ["--name", "Älice [b]", "--attribute", "a=3", "--attribute", "new=k=v,w", "--unset-attribute", "b"]
        done = update(room, *wish, "--unset-attribute", "absent")
        assert done["changed"] == ["attributes.a", "attributes.new", "attributes.b", "name"]
        assert done["request"] == {"name": "Älice [b]", "attributes": {"a": "3", "new": "k=v,w", "b": ""}}
        assert alice_in(room)["attributes"] == {"a": "3", "new": "k=v,w", "keep": "x"}
        assert alice_in(room)["name"] == "Älice [b]"
        again = update(room, *wish)
        assert (again["changed"], again["request"]) == ([], {})


REFUSED: dict[str, tuple[list[str], str, str]] = {
    "nothing": ([], "usage", "nothing is to be changed"),
    "empty metadata": (["--metadata", ""], "option-empty", "--metadata '{}'"),
    "an empty name": (["--name", ""], "option-empty", "not removed"),
    "a name too long": (["--name", "ä" * 128 + "x"], "usage", "257 bytes"),
    "no JSON": (["--metadata", "hello"], "input-malformed", "not JSON"),
    "too much metadata": (["--metadata", json.dumps({"a": "x" * 524_288})], "input-too-large", "524288"),
    "too much after the merge": (["--set", "a=" + "x" * 524_288], "input-too-large", "524288"),
    "too large attributes": (["--attribute", "a=" + "x" * 65_536], "input-too-large", "65537"),
    "an attribute without a value": (["--attribute", "a="], "usage", "--unset-attribute a"),
    "an attribute without =": (["--attribute", "a"], "usage", "no ="),
    "both": (["--attribute", "a=1", "--unset-attribute", "a"], "usage", "set and to be removed"),
    "a key, both": (["--set", "a=1", "--unset", "a"], "usage", "set and to be removed"),
    "whole, and a key removed": (["--metadata", "{}", "--unset", "a"], "usage", "excludes"),
    "no such source": (["--source", "cam"], "usage", "Did you mean camera?"),
    "all sources and one": (["--source", "all", "--source", "camera"], "usage", "excludes"),
    "a blank user ID": (["--user-id", " "], "usage", "blank"),
}


def test_refused_before_sending(room: str, server: LocalServer) -> None:
    """What cannot work changes nothing, and says what would."""
    with guest(server, "alice", room, metadata='{"x": 1}', name="Alice"):
        first = settled(room)
        for case, (arguments, code, words) in REFUSED.items():
            done = invoke("participant", "update", room, "alice", *arguments, "-o", "json")
            assert (done.code, done.out) == (2, ""), case
            error = json.loads(done.err)["error"]
            assert (error["code"], words in error["message"] + error["hint"]) == (code, True), (case, error)
        assert alice_in(room) == first


UNFIT = [
    pytest.param("hello", id="no JSON"),
    pytest.param("[1]", id="a list"),
    pytest.param('{"a": 1, "a": 2}', id="a key twice"),
]


@pytest.mark.parametrize("metadata", UNFIT)
def test_keys_of_what_has_none(metadata: str, room: str, server: LocalServer) -> None:
    """A key is not set in metadata that would have to be changed otherwise, too."""
    with guest(server, "alice", room, metadata=metadata):
        done = invoke("participant", "update", room, "alice", "--set", "b=1", "-o", "json")
        error = json.loads(done.err)["error"]
        assert (done.code, error["code"], "room" in error["message"]) == (2, "input-malformed", False)
        assert alice_in(room)["metadata"] == metadata


def test_the_largest_that_fits(room: str, server: LocalServer) -> None:
    """Exactly at the limits of the server, all is applied."""
    metadata = json.dumps({"a": "x" * (524_288 - len('{"a": ""}'))})
    with guest(server, "alice", room):
        wish = ["--metadata", metadata, "--name", "ä" * 128, "--attribute", "a=" + "x" * 65_535]
        done = update(room, *wish)
        assert (done["not_applied"], sorted(done["changed"])) == ([], ["attributes.a", "metadata", "name"])
        assert alice_in(room)["metadata"] == metadata


def test_changes_at_the_same_time(room: str, server: LocalServer) -> None:
    """Several change keys and permissions at once; nobody's change is lost."""
    wishes = [["--set", f"k{number}={number}"] for number in range(4)]
    wishes += [["--no-can-publish-data"], ["--can-subscribe-metrics"]]

    def change(wish: list[str]) -> Done:
        return spawn("participant", "update", room, "alice", *wish)

    with guest(server, "alice", room), ThreadPoolExecutor(len(wishes)) as pool:
        assert [done.code for done in pool.map(change, wishes)] == [0] * len(wishes)
        now = alice_in(room)
        assert json.loads(now["metadata"]) == {f"k{number}": number for number in range(4)}
        assert (now["permission"]["can_publish_data"], now["permission"]["can_subscribe_metrics"]) == (False, True)


def sees(one: Guest, identity: str) -> bool:
    """Whether a guest sees another one."""
    return identity in one.do("others")


def test_hiding_comes_too_late_for_those_who_see(room: str, server: LocalServer) -> None:
    """As the remark says: who joins from then on does not see it, the others go on seeing it."""
    with guest(server, "alice", room) as alice, guest(server, "bob", room) as bob:
        assert sees(bob, "alice")
        assert until(lambda: sees(alice, "bob"))  # so what the server had to tell of her is told
        screen = on_terminal("participant", "update", room, "alice", "--hidden", columns=120).out
        assert "go on seeing it" in screen
        with guest(server, "carol", room) as carol:
            assert until(lambda: sees(carol, "bob"))
            assert until(lambda: sees(bob, "carol"))
            assert (sees(carol, "alice"), sees(bob, "alice")) == (False, True)


def test_sources_spelt_in_capitals(room: str, server: LocalServer) -> None:
    """The server shows such a source, and refuses to publish it; any change of permissions mends it, unasked."""
    with guest(server, "alice", room, grants={"canPublishSources": ["CAMERA"]}) as alice:
        assert alice_in(room)["permission"]["can_publish_sources"] == ["CAMERA"]
        with pytest.raises(RuntimeError, match="no response"):
            alice.do("publish", source="camera", name="cam")
        assert "in capitals" in invoke("participant", "inspect", room, "alice", "-o", "table").out
        update(room, "--can-subscribe-metrics")
        assert alice.do("publish", source="camera", name="cam")


def test_what_people_see(room: str, server: LocalServer) -> None:
    """Before and after, one line a thing, safe on a terminal; what has no effect is said."""
    with guest(server, "alice", room, grants={"canPublish": False}, attributes={"a": "\x1b[31m[/]"}):
        planned = on_terminal(
            "participant", "update", room, "alice", "--source", "camera", "--attribute", "a=b", "--dry-run"
        )
        assert planned.code == 0
        for words in ("would be changed", r"\x1b[31m[/]", '["CAMERA"]', "add --can-publish"):
            assert words in planned.out, words
        done = on_terminal("participant", "update", room, "alice", "--attribute", "a=b")
        assert (done.code, "It lasts until the participant leaves" in done.out) == (0, True)
        again = on_terminal("participant", "update", room, "alice", "--attribute", "a=b")
        assert (again.code, "it was so already" in again.out) == (0, True)
