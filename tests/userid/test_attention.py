"""An agent that is handed what it sees, and when: what it decides, at which moment, and what comes too late for it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lkctl.userid import Participant, Permission, Policy, Room, Snapshot, build_policy
from lkctl.userid.readiness import Attention, Patience

A, B = "user_1704067200000_aaa", "user_1704067200000_bbb"


def metadata(user_id: str) -> str:
    return json.dumps({"userId": user_id})


def user(user_id: str = "", **fields: Any) -> Participant:
    return Participant("alice", metadata=metadata(user_id) if user_id else "", **fields)


EMPTY = Snapshot(Room("r"))
OWNED = Snapshot(Room("r", metadata(B)))  # the room's metadata holds an ID
WITH_A = replace(EMPTY, participants=(user(A),))
PLAIN = replace(EMPTY, participants=(user(),))
OWNED_PLAIN = replace(OWNED, participants=(user(),))
HIDDEN = replace(EMPTY, participants=(user(A, permission=Permission(hidden=True)),))
AGENT = replace(EMPTY, participants=(user(A, kind="AGENT"),))
LIMITED = Patience(limit=30)
Sights = list[tuple[float, Snapshot]]

DECISIONS = [
    pytest.param([(0, WITH_A)], LIMITED, 0, A, False, id="a user with an ID is there: at once"),
    pytest.param([(0, EMPTY), (7, WITH_A)], LIMITED, 7, A, False, id="he comes later"),
    pytest.param([(0, PLAIN)], LIMITED, 1, None, False, id="a user without: a moment for the metadata"),
    pytest.param([(0, EMPTY), (7, PLAIN), (7.5, WITH_A)], LIMITED, 7.5, A, False, id="the metadata comes in it"),
    pytest.param([(0, EMPTY), (7, PLAIN), (9, WITH_A)], LIMITED, 8, None, False, id="the metadata comes after it"),
    pytest.param([(0, OWNED_PLAIN)], LIMITED, 1, B, False, id="the room's ID stands back for the user's"),
    pytest.param([(0, EMPTY)], LIMITED, 30, None, True, id="nobody comes"),
    pytest.param([(0, OWNED)], LIMITED, 30, B, True, id="nobody comes to a room with an ID"),
    pytest.param([(0, HIDDEN), (1, AGENT)], LIMITED, 30, None, True, id="only who is no user"),
    pytest.param([(0, EMPTY), (31, WITH_A)], LIMITED, 30, None, True, id="he comes too late"),
    pytest.param([(0, EMPTY), (2, PLAIN), (2.2, EMPTY)], LIMITED, 3, None, False, id="he comes and goes"),
    pytest.param([(0, EMPTY)], Patience(fixed=0), 0, None, False, id="no wait"),
    pytest.param([(0, WITH_A), (1, EMPTY)], Patience(fixed=5), 5, None, False, id="a fixed wait, whoever comes"),
    pytest.param([(0, PLAIN), (4, WITH_A)], Patience(fixed=5), 5, A, False, id="what is there at its end counts"),
    pytest.param([(0, PLAIN)], Patience(limit=30, moment=0), 0, None, False, id="no moment"),
]


@pytest.mark.parametrize(("sights", "patience", "at", "user_id", "expired"), DECISIONS)
def test_decisions(sights: Sights, patience: Patience, at: float, user_id: str | None, expired: bool) -> None:
    """Handed what it sees, and asked in between how long it still waits, it decides at that time, and not before."""
    attention = Attention(Policy(), patience, 0.0)
    decided = None
    for tenths in range(400):
        now = tenths / 10
        for moment, snapshot in sights:
            if moment == now:
                attention.see(snapshot, now)
        left = attention.ponder(now)
        if attention.decision is not None:
            decided = now
            break
        assert left > 0
    assert decided == at
    assert attention.decision is not None
    assert (attention.decision.user_id, attention.expired) == (user_id, expired)
    assert attention.ponder(99) == 0.0


@pytest.mark.parametrize("start", [0.0, 1e6])
def test_the_zero_of_the_clock_is_of_no_matter(start: float) -> None:
    attention = Attention(Policy(), LIMITED, start)
    attention.see(EMPTY, start)
    assert attention.ponder(start + 10) == pytest.approx(20)


def test_it_waits_for_what_could_come_before_only() -> None:
    """Where no participant is asked, or only after what is there, nobody is waited for."""
    for order in ("room.metadata,random", "room.metadata,participant.metadata"):
        attention = Attention(build_policy(order=order), LIMITED, 0.0)
        attention.see(OWNED, 0.0)
        assert attention.decision is not None
        assert not attention.expired


LATE = [
    pytest.param([(0, WITH_A), (5, replace(WITH_A, participants=(user(B),)))], [[], ["W-LATE"]], id="another ID"),
    pytest.param([(0, EMPTY), (31, WITH_A)], [[], ["W-LATE"]], id="an ID instead of a random one"),
    pytest.param([(0, EMPTY), (3, WITH_A)], [[], []], id="in time"),
    pytest.param([(0, WITH_A), (5, EMPTY), (9, WITH_A)], [[], ["W-LATE"], []], id="as it was again"),
    pytest.param(
        [(0, WITH_A), (5, Snapshot(Room("r", metadata(A))))], [[], []], id="the same ID from elsewhere: no difference"
    ),
]


@pytest.mark.parametrize(("sights", "late"), LATE)
def test_what_comes_too_late(sights: Sights, late: list[list[str]]) -> None:
    """It is what an agent would use that comes now, and carries W-LATE where the one that is there uses another."""
    attention = Attention(Policy(), LIMITED, 0.0)
    seen = [attention.see(snapshot, now) for now, snapshot in sights]
    assert [[one.code for one in result.warnings if one.code == "W-LATE"] for result in seen] == late


def test_the_words_of_w_late() -> None:
    attention = Attention(Policy(), LIMITED, 0.0)
    attention.see(EMPTY, 0.0)
    (late,) = (one for one in attention.see(WITH_A, 40.0).warnings if one.code == "W-LATE")
    assert (late.source, late.participant) == ("participant.metadata", "alice")
    assert late.message == (
        "An agent that was there before decided for a random ID 10.0 s ago, and keeps that; "
        f"only one that comes now would use {A}"
    )
    unresolved = Attention(build_policy(random=False), LIMITED, 0.0)
    unresolved.see(WITH_A, 0.0)
    (late,) = (one for one in unresolved.see(EMPTY, 2.0).warnings if one.code == "W-LATE")
    assert late.source == "participant.metadata"
    assert late.message.endswith(f"decided for {A} 2.0 s ago, and keeps that; only one that comes now would use none")
