"""The roomConfig claim, held against LiveKit's own message."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
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
    ({"emptyTimeout": True}, ".emptyTimeout is no count"),
    ({"agents": [{"restartPolicy": 2**31}]}, ".agents.restartPolicy is no enum value"),
    ({"egress": 5}, ".egress is no object"),
    ({"egress": {"room": {"fileOutputs": [{"fileType": "MP4", "s3": {"secret": "x"}}], "preset": 1}}}, ""),
    ({"egress": {"room": {"audioOnly": "true"}}}, ".egress.room.audioOnly is neither true nor false"),
    ({"egress": {"room": {"streamOutputs": [{"urls": [5]}]}}}, ".egress.room.streamOutputs.urls is no text"),
    ({"egress": {"room": {"advanced": {"keyFrameInterval": "NaN", "width": -1}}}}, ""),
    (
        {"egress": {"room": {"advanced": {"keyFrameInterval": "x"}}}},
        ".egress.room.advanced.keyFrameInterval is no number",
    ),
    ({"egress": {"room": {"advanced": {"width": 2**31}}}}, ".egress.room.advanced.width is no integer"),
    ({"egress": {"tracks": {"s3": {}, "aliOSS": {}}}}, ".egress.tracks.aliOSS is given beside s3"),
    ({"egress": {"tracks": {"s3": None, "aliOSS": {}}}}, ""),
    ({"egress": {"participant": {"preset": 0, "advanced": {}}}}, ".egress.participant.advanced is given beside preset"),
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
        ('{"tags":{"a":"x","a":"x"}}', ".tags holds a key twice"),
        ('{"metadata":1e400}', ".metadata is no text"),
        ('{"emptyTimeout":"5 apples"}', ""),
        ('{"emptyTimeout":"5e"}', ".emptyTimeout is no count"),
        ('{"emptyTimeout":"1e99999999999999999999"}', ".emptyTimeout is no count"),
        ('{"emptyTimeout":0.5e1}', ""),
        ('{"unknown":{"\\udc00":1}}', "holds half a surrogate pair or bytes that are not UTF-8"),
        ('{"metadata":"\\ud800"}', "holds half a surrogate pair or bytes that are not UTF-8"),
        ('{"agents":[{"restartPolicy":true}]}', ".agents.restartPolicy is no enum value"),
    ],
)
def test_where_go_differs_from_python(text: str, fault: str) -> None:
    """Asked of the server (test_live.py): its reader is stricter here, or more lenient."""
    assert room_config_fault(read_document(text).value) == fault


def fields_of(message: Any, path: tuple[FieldDescriptor, ...] = ()) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Give every field of a message and of those in it, as paths."""
    for field in message.fields:
        if (message.name, field.name) in NEWER:
            continue
        yield (*path, field)
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            yield from fields_of(field.message_type, (*path, field))


NEWER = {("StreamOutput", "destinations")}  # known to livekit-protocol 1.1.29, not to livekit-server 1.13.5
FIELDS = list(fields_of(RoomConfiguration.DESCRIPTOR))


@pytest.mark.parametrize("path", FIELDS, ids=[".".join(field.name for field in path) for path in FIELDS])
def test_every_field_of_the_message_is_judged(path: tuple[FieldDescriptor, ...]) -> None:
    """By both its names; a list of a list fits no field."""
    for name in ("name", "json_name"):
        value: Any = [[]]
        for at in reversed(range(len(path))):
            inner = {getattr(path[at], name): value}
            value = [inner] if at and path[at - 1].is_repeated else inner
        assert room_config_fault(value).startswith("." + ".".join(field.json_name for field in path) + " is")
