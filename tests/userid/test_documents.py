import json
from typing import Any

import pytest

from lkctl.userid import (
    Job,
    Participant,
    Permission,
    Room,
    Snapshot,
    resolution_json,
    resolve,
    snapshot_from_json,
)


def test_everything_is_read() -> None:
    document = {
        "room": {"sid": "RM_1", "name": "r", "metadata": "m"},
        "participants": [
            {
                "identity": "u",
                "kind": "SIP",
                "state": "JOINED",
                "metadata": "p",
                "attributes": {"a": "b"},
                "joined_at": "2024-01-01T00:00:00Z",
                "joined_at_ms": 5,
                "permission": {
                    "can_update_metadata": True,
                    "hidden": True,
                    "recorder": True,
                    "agent": True,
                    "can_publish_sources": ["camera"],
                },
                "tracks": [],
            },
        ],
        "job": {"metadata": "j", "attributes": {"c": "d"}},
        "env": {"CHROME_USER_ID": "e"},
        "now_ms": 7,
        "local_identity": "me",
        "dispatches": [],
        "resolution": {},
    }
    assert snapshot_from_json(document) == Snapshot(
        room=Room("r", "m"),
        participants=(Participant("u", "SIP", "JOINED", "p", {"a": "b"}, 5, Permission(True, True, True, True)),),
        job=Job("j", {"c": "d"}),
        env={"CHROME_USER_ID": "e"},
        now_ms=7,
        local_identity="me",
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"participants": None, "job": None, "env": None, "now_ms": None, "local_identity": None},
        {"room": {"name": None, "metadata": None}, "job": {"metadata": None, "attributes": None}},
    ],
)
def test_everything_is_optional(document: dict[str, Any]) -> None:
    assert snapshot_from_json(document) == Snapshot(room=Room(""))


@pytest.mark.parametrize(
    "item",
    [{}, dict.fromkeys(["identity", "kind", "state", "metadata", "attributes", "joined_at_ms", "permission"])],
)
def test_everything_of_a_participant_is_optional(item: dict[str, Any]) -> None:
    assert snapshot_from_json({"participants": [item]}).participants == (Participant(""),)


@pytest.mark.parametrize(
    ("document", "asked", "name", "exists"),
    [
        pytest.param({"room": None}, "r", "r", False, id="absent"),
        pytest.param({}, "r", "r", True, id="not described"),
        pytest.param({"room": {"metadata": "m"}}, "r", "r", True, id="not named"),
        pytest.param({"room": {"name": "r"}}, "r", "r", True, id="named twice"),
        pytest.param({"room": {"name": "r"}}, "", "r", True, id="named in the file"),
    ],
)
def test_the_name_of_the_room(document: dict[str, Any], asked: str, name: str, exists: bool) -> None:
    snapshot = snapshot_from_json(document, asked)
    assert (snapshot.name, snapshot.room is not None) == (name, exists)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "snapshot must be an object"),
        ("{}", "snapshot must be an object"),
        (None, "snapshot must be an object"),
        ({"room": "r"}, "room must be an object"),
        ({"room": {"name": 1}}, "room.name must be text"),
        ({"room": {"metadata": {}}}, "room.metadata must be text"),
        ({"room": None}, "room is null, so nothing names the room; give its name as ROOM"),
        ({"participants": {}}, "participants must be a list"),
        ({"participants": [{}, "u"]}, "participants[1] must be an object"),
        ({"participants": [{"identity": 1}]}, "participants[0].identity must be text"),
        ({"participants": [{"kind": 0}]}, "participants[0].kind must be text"),
        ({"participants": [{"state": 2}]}, "participants[0].state must be text"),
        ({"participants": [{"metadata": {"userId": "x"}}]}, "participants[0].metadata must be text"),
        ({"participants": [{"attributes": []}]}, "participants[0].attributes must be an object"),
        ({"participants": [{"attributes": {"a": 1}}]}, "participants[0].attributes.a must be text"),
        ({"participants": [{"joined_at_ms": "1"}]}, "participants[0].joined_at_ms must be a whole number"),
        ({"participants": [{"joined_at_ms": True}]}, "participants[0].joined_at_ms must be a whole number"),
        ({"participants": [{"joined_at_ms": 1.5}]}, "participants[0].joined_at_ms must be a whole number"),
        ({"participants": [{"permission": []}]}, "participants[0].permission must be an object"),
        (
            {"participants": [{"permission": {"hidden": 1}}]},
            "participants[0].permission.hidden must be true or false",
        ),
        ({"job": {"metadata": 1}}, "job.metadata must be text"),
        ({"job": {"attributes": {"a": None}}}, "job.attributes.a must be text"),
        ({"env": {"CHROME_USER_ID": 1}}, "env.CHROME_USER_ID must be text"),
        ({"now_ms": "1"}, "now_ms must be a whole number"),
        ({"local_identity": 1}, "local_identity must be text"),
    ],
)
def test_a_wrong_field_is_named(document: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the whole message is compared)
        snapshot_from_json(document)
    assert str(caught.value) == message


def test_two_names_of_the_room_are_refused() -> None:
    with pytest.raises(ValueError, match=r"room\.name is 'a', but the room asked for is 'b'; leave ROOM out"):
        snapshot_from_json({"room": {"name": "a"}}, "b")


def test_a_resolution_as_json() -> None:
    snapshot = Snapshot(
        room=Room("mcp-chrome-user-bob"),
        participants=(Participant("u", metadata='{"userId": "user_1704067200000_abc123"}'),),
    )
    document = resolution_json(resolve(snapshot), "snapshot", "mcp-chrome-user-bob")
    off = [
        {"source": source, "participant": None, "status": "disabled", "value": None, "reason": "not in the order"}
        for source in ("participant.attributes", "participant.identity", "job.metadata", "job.attributes")
    ]
    assert json.loads(json.dumps(document)) == {
        "user_id": "user_1704067200000_abc123",
        "source": "participant.metadata",
        "participant": "u",
        "trusted": True,
        "via": "snapshot",
        "room": "mcp-chrome-user-bob",
        "warnings": [
            {
                "code": "W-CONFLICT",
                "source": "room.name",
                "participant": None,
                "message": "The room name holds bob, but participant.metadata comes first",
            },
        ],
        "trace": [
            {
                "source": "participant.metadata",
                "participant": "u",
                "status": "won",
                "value": "user_1704067200000_abc123",
                "reason": "key userId",
            },
            {
                "source": "room.metadata",
                "participant": None,
                "status": "absent",
                "value": None,
                "reason": "no metadata",
            },
            {
                "source": "room.name",
                "participant": None,
                "status": "outranked",
                "value": "bob",
                "reason": "matches mcp-chrome-user-{userId}; participant.metadata comes first",
            },
            {"source": "env", "participant": None, "status": "absent", "value": None, "reason": "is not set"},
            {
                "source": "random",
                "participant": None,
                "status": "outranked",
                "value": None,
                "reason": "made by the agent at run time; participant.metadata comes first",
            },
            *off,
        ],
        "log": ["\u2705 Using user ID from metadata: user_1704067200000_abc123"],
    }
    assert list(document) == ["user_id", "source", "participant", "trusted", "via", "room", "warnings", "trace", "log"]
