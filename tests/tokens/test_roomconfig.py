"""The roomConfig claim, held against LiveKit's own message."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict, ParseError
from livekit.protocol.room import RoomConfiguration

from lkctl.tokens.document import read_document
from lkctl.tokens.roomconfig import room_config_fault

TABLE = [
    ({}, ""),
    ({"emptyTimeout": 5, "metadata": "x", "agents": [{"agentName": "a"}], "tags": {"a": "b"}, "syncStreams": True}, ""),
    ({"empty_timeout": 5, "agents": [{"agent_name": "a"}]}, ""),
    ({"emptyTimeout": "5"}, ""),
    ({"emptyTimeout": 5.0}, ""),
    ({"emptyTimeout": None, "agents": None, "metadata": None, "tags": None, "egress": None}, ""),
    ({"nonsense": 5, "agents": [{"nonsense": {}}]}, ""),
    ({"agents": [{"restartPolicy": "JRP_NEVER"}]}, ""),
    ({"metadata": {}}, ".metadata is no text"),
    ({"name": 5}, ".name is no text"),
    ({"emptyTimeout": "abc"}, ".emptyTimeout is no count"),
    ({"emptyTimeout": -1}, ".emptyTimeout is no count"),
    ({"emptyTimeout": 5.5}, ".emptyTimeout is no count"),
    ({"emptyTimeout": 2**32}, ".emptyTimeout is no count"),
    ({"syncStreams": "true"}, ".syncStreams is neither true nor false"),
    ({"agents": {}}, ".agents is no list"),
    ({"agents": [None]}, ".agents is no object"),
    ({"agents": [{"agent_name": 5}]}, ".agents.agentName is no text"),
    ({"tags": {"a": 1}}, ".tags holds a value that is no text"),
    ({"egress": 5}, ".egress is no object"),
    ("x", "is no object"),
    ([], "is no object"),
]


@pytest.mark.parametrize(("value", "fault"), TABLE, ids=[str(value)[:50] for value, _ in TABLE])
def test_room_configs(value: Any, fault: str) -> None:
    """The fault is named; LiveKit's message agrees that there is one."""
    assert room_config_fault(value) == fault
    if isinstance(value, dict):
        try:
            ParseDict(value, RoomConfiguration(), ignore_unknown_fields=True)
            theirs = True
        except ParseError:
            theirs = False
        assert theirs is (fault == "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"emptyTimeout":1,"empty_timeout":2}', ".emptyTimeout is given more than once"),
        ('{"EmptyTimeout":"abc"}', ""),
        ('{"emptyTimeout":" 5"}', ".emptyTimeout is no count"),
        ('{"metadata":"\\ud800"}', ".metadata holds half a surrogate pair"),
        ('{"agents":[{"restartPolicy":true}]}', ".agents.restartPolicy is no enum value"),
    ],
)
def test_where_go_differs_from_python(text: str, fault: str) -> None:
    """Asked of the server (test_live.py): its reader is stricter here, or more lenient."""
    assert room_config_fault(read_document(text).value) == fault
