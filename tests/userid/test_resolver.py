"""What the cases do not show: messages, the trace in full, trust, the log, random IDs, large and hostile metadata."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lkctl.userid import HINTS, SOURCES, WARNINGS, Job, Participant, Permission, Policy, Room, Snapshot, resolve
from lkctl.userid.policy import PRESETS
from lkctl.userid.resolver import Resolution

A, B, C, D = (f"user_170406720000{n}_{letter * 6}" for n, letter in enumerate("abcd"))
WRITABLE = Permission(can_update_metadata=True)


def holding(user_id: object) -> str:
    return json.dumps({"userId": user_id})


def in_room(*participants: Participant, name: str = "my-room", metadata: str = "") -> Snapshot:
    return Snapshot(room=Room(name, metadata), participants=participants)


def messages(resolution: Resolution) -> list[str]:
    return [f"{warning.code} {warning.message}" for warning in resolution.warnings]


def steps(resolution: Resolution) -> list[tuple[str, str | None, str, str | None]]:
    return [(step.source, step.participant, step.status, step.value) for step in resolution.trace]


FULL = Snapshot(
    room=Room(f"mcp-chrome-user-{C}", "{'userId':'hunter2'}"),
    participants=(
        Participant("late", metadata=holding(B), joined_at_ms=300),
        Participant("agent-1", kind="AGENT", metadata=holding(D), joined_at_ms=50),
        Participant("early", metadata=holding(None), joined_at_ms=100),
        Participant("mid", metadata=holding(A), joined_at_ms=200, permission=WRITABLE),
    ),
    env={"CHROME_USER_ID": ""},
    job=Job(metadata=holding(D)),
)


def test_the_whole_trace() -> None:
    assert [(step.source, step.participant, step.status, step.value, step.reason) for step in resolve(FULL).trace] == [
        ("participant.metadata", "early", "invalid", None, "userId is null, not text"),
        ("participant.metadata", "mid", "won", A, "key userId"),
        ("participant.metadata", "late", "outranked", B, "key userId; participant 'mid' comes first"),
        ("participant.metadata", "agent-1", "skipped", D, "kind AGENT is no user"),
        ("room.metadata", None, "invalid", None, "is not JSON: it breaks at character 2 (20 bytes, sha256 e863fb71)"),
        (
            "room.name",
            None,
            "outranked",
            C,
            "matches mcp-chrome-user-{userId}; participant.metadata comes first",
        ),
        ("env", None, "absent", None, "is set to nothing"),
        ("random", None, "outranked", None, "made by the agent at run time; participant.metadata comes first"),
        ("participant.attributes", None, "disabled", None, "not in the order"),
        ("participant.identity", None, "disabled", None, "not in the order"),
        ("job.metadata", None, "disabled", D, "not in the order"),
        ("job.attributes", None, "disabled", None, "not in the order"),
    ]


def test_all_messages() -> None:
    assert messages(resolve(FULL)) == [
        "W-TYPE userId in the metadata of participant 'early' is null, not text",
        f"W-SKIPPED Participant 'agent-1' carries {D}, but kind AGENT is no user",
        f"W-AMBIGUOUS Participant 'mid' comes first with {A}, but participant 'late' carries {B}",
        f"W-SPOOFABLE Participant 'mid' may rewrite the metadata with {A} in it",
        f"W-CONFLICT The room name holds {C}, but participant.metadata comes first",
        f"W-NEARMISS The job metadata holds {D}, but job.metadata is off",
    ]


def test_the_catalogue_has_a_hint_for_every_code() -> None:
    assert WARNINGS.keys() == HINTS.keys()


def test_a_hint_of_its_own_beats_the_catalogue() -> None:
    resolution = resolve(in_room(metadata='{"uid": "' + A + '"}'))
    assert [(warning.code, warning.hint) for warning in resolution.warnings] == [
        ("W-NEARMISS", "Write it as userId, or let the agent read uid too (--keys)"),
        ("W-RANDOM", HINTS["W-RANDOM"]),
    ]


def test_strict_ambiguity_in_the_trace() -> None:
    participants = (Participant("a", metadata=holding(A)), Participant("b", metadata=holding(B)))
    resolution = resolve(in_room(*participants, metadata=holding(C)), Policy(strict=True))
    assert [(step.participant, step.status, step.value, step.reason) for step in resolution.trace[:3]] == [
        ("a", "invalid", A, "participants carry different IDs; strict"),
        ("b", "invalid", B, "participants carry different IDs; strict"),
        (None, "outranked", C, "not reached: a source before it is ambiguous"),
    ]
    assert (resolution.user_id, resolution.log, resolution.trusted) == (None, (), False)


def test_ambiguity_counts_the_others() -> None:
    participants = [Participant(name, metadata=holding(user)) for name, user in (("a", A), ("b", B), ("c", C))]
    assert messages(resolve(in_room(*participants))) == [
        f"W-AMBIGUOUS Participant 'a' comes first with {A}, but participant 'b' carries {B}, and 1 more carry others",
    ]


def test_one_conflict_for_each_lower_level() -> None:
    snapshot = replace(
        in_room(Participant("u", metadata=holding(A)), name=f"mcp-chrome-user-{C}", metadata=holding(B)),
        env={"CHROME_USER_ID": A},
    )
    conflicts = [(warning.code, warning.source) for warning in resolve(snapshot).warnings]
    assert conflicts == [("W-CONFLICT", "room.metadata"), ("W-CONFLICT", "room.name")]


@pytest.mark.parametrize(
    ("snapshot", "policy", "trusted"),
    [
        pytest.param(in_room(Participant("u", metadata=holding(A))), Policy(), True, id="set by the server"),
        pytest.param(
            in_room(Participant("u", metadata=holding(A), permission=WRITABLE)),
            Policy(),
            False,
            id="may be rewritten",
        ),
        pytest.param(
            in_room(Participant("u", permission=WRITABLE), metadata=holding(A)),
            Policy(),
            True,
            id="elsewhere than the user's own",
        ),
        pytest.param(
            in_room(Participant("u", attributes={"userId": A}, permission=WRITABLE)),
            PRESETS["dispatch"],
            False,
            id="attributes are as writable",
        ),
        pytest.param(in_room(), Policy(), True, id="random"),
        pytest.param(in_room(), Policy(order=("env",)), False, id="unresolved"),
    ],
)
def test_trust(snapshot: Snapshot, policy: Policy, trusted: bool) -> None:
    assert resolve(snapshot, policy).trusted is trusted


def test_passed_over_is_shown_with_its_value() -> None:
    snapshot = in_room(Participant("u", metadata=holding(A), permission=WRITABLE))
    resolution = resolve(snapshot, Policy(require_trusted=True))
    assert steps(resolution)[0] == ("participant.metadata", "u", "invalid", A)
    assert resolution.source == "random"


def test_env_of_the_operator() -> None:
    snapshot = replace(in_room(), env={"CHROME_USER_ID": A}, env_origin="operator")
    assert messages(resolve(snapshot)) == [
        "W-ENVORIGIN CHROME_USER_ID comes from this shell, not from the agent's environment",
    ]
    assert resolve(replace(snapshot, env_origin="agent")).warnings == ()
    assert resolve(replace(snapshot, room=Room("r", holding(A)))).warnings == ()


def test_random_inside_an_agent() -> None:
    numbers: Iterator[int] = iter([0, 25, 26, 35, *range(8)])
    bounds: list[int] = []

    def rng(below: int) -> int:
        bounds.append(below)
        return next(numbers)

    resolution = resolve(replace(in_room(), rng=rng, now_ms=1704067200000))
    assert resolution.user_id == "user_1704067200000_az09abcdefgh"
    assert bounds == [36] * 12
    assert ("random", None, "won", resolution.user_id) in steps(resolution)
    assert [warning.code for warning in resolution.warnings] == ["W-RANDOM"]


def test_a_random_id_is_well_formed_even_without_a_clock() -> None:
    assert resolve(replace(in_room(), rng=lambda _below: 0)).user_id == "user_0000000000000_aaaaaaaaaaaa"


def test_no_random_id_is_made_unless_it_is_used() -> None:
    def rng(_below: int) -> int:
        raise AssertionError("an ID was made")

    assert resolve(replace(in_room(metadata=holding(A)), rng=rng)).user_id == A


def test_no_participants_is_one_absent_step() -> None:
    assert steps(resolve(in_room()))[0] == ("participant.metadata", None, "absent", None)


def test_empty_is_told_from_invalid() -> None:
    snapshot = in_room(Participant("u", metadata=holding(" ")), name="mcp-chrome-user-")
    assert [status for _, _, status, _ in steps(resolve(snapshot))[:3]] == ["empty", "absent", "empty"]


def test_the_agent_itself_is_shown_without_a_warning() -> None:
    snapshot = replace(in_room(Participant("me", metadata=holding(A))), local_identity="me")
    resolution = resolve(snapshot)
    assert steps(resolution)[0] == ("participant.metadata", "me", "skipped", A)
    assert [warning.code for warning in resolution.warnings] == ["W-RANDOM"]


def test_an_absent_room_is_named() -> None:
    resolution = resolve(Snapshot(room_name="gone"))
    assert messages(resolution)[0] == "W-NOROOM Room 'gone' does not exist"


@pytest.mark.parametrize("size", [65536, 65537])
def test_oversize_is_read_all_the_same(size: int) -> None:
    frame = len(json.dumps({"userId": A, "x": ""}))
    metadata = json.dumps({"userId": A, "x": "y" * (size - frame)})
    assert len(metadata) == size
    resolution = resolve(in_room(metadata=metadata))
    expected = ["W-OVERSIZE The room metadata has 65537 bytes, over 64 KiB"] if size > 65536 else []
    assert (resolution.user_id, messages(resolution)) == (A, expected)


def test_oversize_counts_bytes() -> None:
    metadata = json.dumps({"userId": A, "x": "é" * 33000}, ensure_ascii=False)
    assert len(metadata) < 65536
    assert [warning.code for warning in resolve(in_room(metadata=metadata)).warnings] == ["W-OVERSIZE"]


def test_hostile_identities_are_escaped_in_messages() -> None:
    identity = "\x1b[31m\ud800" + "x" * 100
    resolution = resolve(in_room(Participant(identity, metadata="hello")))
    warning = resolution.warnings[0]
    assert warning.participant == identity
    assert warning.message.startswith("The metadata of participant '\\x1b[31m\\ud800xxx")
    assert "…" in warning.message


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_can_win(source: str) -> None:
    snapshot = Snapshot(
        room=Room(f"mcp-chrome-user-{A}", holding(A)),
        participants=(Participant(A, metadata=holding(A), attributes={"userId": A}),),
        job=Job(holding(A), {"userId": A}),
        env={"CHROME_USER_ID": A},
    )
    resolution = resolve(snapshot, Policy(order=(source,)))
    expected = None if source == "random" else A
    identity = A if source.startswith("participant.") else None
    assert (resolution.source, resolution.user_id, resolution.participant) == (source, expected, identity)
    assert [warning.code for warning in resolution.warnings] == (
        ["W-RANDOM", *["W-NEARMISS"] * 8] if source == "random" else []
    )
