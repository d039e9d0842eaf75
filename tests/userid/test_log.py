"""The log lines are an interface: other programs look for them, byte for byte."""

import pytest

from lkctl.userid import SOURCES, Job, Participant, Policy, Room, Snapshot, log_lines, resolve

METADATA = b"\xe2\x9c\x85 Using user ID from metadata: user_1704067200000_abc123"
ROOM_NAME = b"\xf0\x9f\x94\x97 Using user ID from room name: user_1704067200000_abc123"
ENV = b"\xf0\x9f\x8c\x8d Using user ID from environment: user_1704067200000_abc123"
RANDOM = b"\xe2\x9a\xa0\xef\xb8\x8f No Chrome user ID detected, using random session"
LINES = {"room.name": ROOM_NAME, "env": ENV, "random": RANDOM}


@pytest.mark.parametrize("source", SOURCES)
def test_line(source: str) -> None:
    user_id = "user_1704067200000_abc123"
    document = '{"userId": "user_1704067200000_abc123"}'
    snapshot = Snapshot(
        room=Room(f"mcp-chrome-user-{user_id}", document),
        participants=(Participant(user_id, metadata=document, attributes={"userId": user_id}),),
        job=Job(document, {"userId": user_id}),
        env={"CHROME_USER_ID": user_id},
    )
    (line,) = resolve(snapshot, Policy(order=(source,))).log
    assert line.encode() == LINES.get(source, METADATA)


def test_unresolved_prints_nothing() -> None:
    assert log_lines(None, None) == ()
