"""What is wrong with reads: each bug with its line, and nothing about those who read well."""

import pytest

from lkctl.agents.trace.reading import FIND_USER_ID, Flaw, judge_reads
from lkctl.agents.trace.tracing import Read
from lkctl.tokens.findings import Severity
from lkctl.userid import Job, Participant, Policy, Room, Snapshot

ID = "user_1704067200000_"
ROOM = Room("my-room", f'{{"userId": "{ID}room"}}')
USER = Participant("user", metadata=f'{{"userId": "{ID}who"}}', joined_at_ms=5)
FIRST = Participant("first", joined_at_ms=1)
AGENT = Participant("helper", kind="AGENT")
NOBODY = Snapshot(room=Room("my-room"))
SCRIPT = "def a(room):\n    for p in room.remote_participants.values():\n        return p.metadata\n"


def read(
    source: str, line: int = 7, *, subject: str = "", connected: bool = True, value: str = "?", through: str = ""
) -> Read:
    return Read(source, subject, "/app/agent.py", line, 1.0, connected, value, through=through)


def early(source: str) -> Read:
    return read(source, connected=False, value='""')


def who(name: str, subject: str = "user", line: int = 7) -> Read:
    return read(f"participant.{name}", line, subject=subject)


ENV = read("env", 9, subject="CHROME_USER_ID")
CASES = [
    pytest.param([early("room.metadata")], Snapshot(room=ROOM), ["before-connect error 7"], id="early, was there"),
    pytest.param([early("room.metadata")], NOBODY, ["before-connect warning 7"], id="early, was not there"),
    pytest.param(
        [early("room.metadata"), read("room.metadata", 9)], Snapshot(room=ROOM), [], id="early, and again later"
    ),
    pytest.param([early("job.room.metadata")], Snapshot(room=ROOM), [], id="the copy in the job"),
    pytest.param(
        [early("room.remote_participants"), who("metadata")],
        Snapshot(participants=(USER,)), ["before-connect error 7"], id="people before connect",
    ),
    pytest.param(
        [who("metadata", "helper"), who("metadata", line=8)],
        Snapshot(participants=(AGENT, USER)), ["first-participant error 7"], id="an agent like a user",
    ),
    pytest.param(
        [who("metadata", "helper"), who("metadata")],
        Snapshot(participants=(AGENT, USER)), [], id="everybody, in a loop",
    ),
    pytest.param(
        [who("identity", "helper"), who("metadata", "helper"), who("metadata", line=8)],
        Snapshot(participants=(AGENT, USER)), ["first-participant error 7"], id="said once",
    ),
    pytest.param(
        [who("kind", "helper"), who("identity", "helper"), who("kind"), who("metadata")],
        Snapshot(participants=(AGENT, USER)), [], id="asks for the kind",
    ),
    pytest.param(
        [who("metadata"), who("metadata", "first", 8)],
        Snapshot(participants=(USER, FIRST)), ["first-participant warning 7"], id="a later user first",
    ),
    pytest.param(
        [who("metadata"), who("metadata", "first")],
        Snapshot(participants=(USER, FIRST)), [], id="a later user first, in a loop",
    ),
    pytest.param(
        [who("metadata", "first"), who("metadata")], Snapshot(participants=(USER, FIRST)), [], id="in order"
    ),
    pytest.param(
        [read("room.remote_participants", 2, value="1"), who("metadata")],
        Snapshot(participants=(USER,)), ["first-participant warning 2"], id="the first of a loop",
    ),
    pytest.param(
        [read("room.remote_participants", 1, value="0")],
        Snapshot(participants=(USER,)), ["too-early error 1"], id="nobody there yet",
    ),
    pytest.param(
        [read("room.remote_participants", 1, value="0"), read("room.metadata")],
        NOBODY, [], id="nobody there at all",
    ),
    pytest.param([ENV], NOBODY, ["environment-only warning 9"], id="environment only"),
    pytest.param([ENV], Snapshot(room=ROOM), ["environment-only warning 9"], id="environment only, in vain"),
    pytest.param([ENV, read("room.metadata")], Snapshot(room=ROOM), [], id="environment and metadata"),
    pytest.param([], NOBODY, ["reads-nothing warning 0"], id="nothing"),
    pytest.param([read("local_participant.identity")], NOBODY, ["reads-nothing warning 0"], id="only itself"),
    pytest.param(
        [read("room.metadata")], Snapshot(room=ROOM, participants=(USER,)), ["unread warning 0"], id="not the strongest"
    ),
    pytest.param(
        [read("api.participant.metadata")], Snapshot(participants=(USER,)), [], id="the strongest, from the API"
    ),
    pytest.param(
        [read("room.metadata")], Snapshot(env={"CHROME_USER_ID": ID + "e"}), ["unread warning 0"], id="no environment"
    ),
    pytest.param(
        [
            read(source, through="lkctl")
            for source in ("env", "room.name", "room.metadata", "participant.metadata", "room.remote_participants")
        ],
        Snapshot(room=ROOM, participants=(AGENT, USER)), [], id="find_user_id",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("reads", "snapshot", "expected"), CASES)
def test_flaws(reads: list[Read], snapshot: Snapshot, expected: list[str]) -> None:
    found = judge_reads(reads, snapshot, {"/app/agent.py": SCRIPT})
    assert [f"{flaw.id} {flaw.severity} {flaw.line}" for flaw in found] == expected
    assert all(flaw.hint == FIND_USER_ID for flaw in found)
    assert all(flaw.message.startswith("agent.py:") for flaw in found if flaw.line)


@pytest.mark.parametrize(
    ("line", "source", "expected"),
    [
        pytest.param(1, "room.name", ["cut-text"], id="room"),
        pytest.param(1, "job.room.name", ["cut-text"], id="room, as the job knows it"),
        pytest.param(2, "participant.identity", ["cut-text"], id="identity"),
        pytest.param(3, "room.name", [], id="whole"),
        pytest.param(1, "participant.name", [], id="a name for people"),
        pytest.param(99, "room.name", [], id="no such line"),
    ],
)
def test_cut_texts(line: int, source: str, expected: list[str]) -> None:
    script = "a = room.name.split('-')[0]\nb = p.identity[5:]\nc = room.name\n"
    found = judge_reads([read(source, line), read("room.metadata")], NOBODY, {"/app/agent.py": script})
    assert [flaw.id for flaw in found] == expected
    assert not judge_reads([read(source, line), read("room.metadata")], NOBODY, {}), "without the text"


def test_words() -> None:
    flaw = judge_reads([early("room.metadata")], Snapshot(room=ROOM), {})[0]
    assert flaw.message == (
        'agent.py:7: room.metadata is read before ctx.connect(): it is "" there although the room has metadata; '
        "ctx.job.room.metadata has it"
    )
    assert flaw == Flaw("before-connect", Severity.error, flaw.message, FIND_USER_ID, "/app/agent.py", 7)


def test_where_the_policy_looks() -> None:
    policy, reads = Policy(order=("job.metadata", "room.metadata")), [read("room.metadata")]
    snapshot = Snapshot(room=ROOM, job=Job(f'{{"userId": "{ID}job"}}'))
    assert [flaw.message for flaw in judge_reads(reads, snapshot, {}, policy)] == [
        f"never reads job.metadata, where {ID}job stands"
    ]
    assert judge_reads(reads, snapshot, {}) == ()


def test_hostile_names_are_quoted() -> None:
    bad = Participant("x\x1b[31m", kind="EGRESS")
    found = judge_reads([who("metadata", bad.identity)], Snapshot(participants=(bad,)), {})
    assert "'x\\x1b[31m' (kind EGRESS is no user)" in found[0].message
