"""What happened between two looks at a room."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from lkctl.dispatch import Judged
from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Permission, Room, Track
from lkctl.scenarios.changes import changes, snapshot
from lkctl.scenarios.look import Look
from lkctl.scenarios.overview import Looks
from lkctl.scenarios.watching import watch

AT = datetime(2026, 1, 1, tzinfo=UTC)
ROOM = Room(sid="RM_1", name="r", metadata="a")
MIC = Track(sid="TR_1", source="MICROPHONE")
ALICE = Participant(sid="PA_1", identity="alice", state="ACTIVE")
AGAIN = replace(ALICE, sid="PA_9")
AGENT = Participant(sid="PA_2", identity="bot", kind="AGENT", state="JOINED")
JOB = Judged(Dispatch("AD_1", "support"), "too-early")


def look(*people: Participant, room: Room | None = ROOM, dispatches: tuple[Judged, ...] | None = ()) -> Look:
    return Look("r", AT, room, people, dispatches)


def with_(one: Participant, **fields: Any) -> Participant:
    return replace(one, **fields)


ABSENT = look(room=None)
TALKING = with_(ALICE, tracks=(MIC,))
HUSHED = with_(ALICE, tracks=(replace(MIC, muted=True),))

TABLE = [
    pytest.param(look(ALICE), look(ALICE), [], id="nothing"),
    pytest.param(ABSENT, ABSENT, [], id="no room, still"),
    pytest.param(ABSENT, look(), [("room_started", "", "RM_1")], id="room"),
    pytest.param(look(), ABSENT, [("room_finished", "", "RM_1")], id="no room any more"),
    pytest.param(look(), look(room=replace(ROOM, num_participants=3)), [], id="the server's own count"),
    pytest.param(look(), look(room=replace(ROOM, metadata="b")), [("room_metadata_changed", "", "RM_1")],
                 id="metadata"),
    pytest.param(look(ALICE), look(AGAIN, room=replace(ROOM, sid="RM_2", metadata="b")), [
        ("participant_left", "alice", "PA_1"), ("room_finished", "", "RM_1"), ("room_started", "", "RM_2"),
        ("participant_joined", "alice", "PA_9"),
    ], id="another room of the name"),
    pytest.param(look(), look(ALICE), [("participant_joined", "alice", "PA_1")], id="joined"),
    pytest.param(look(ALICE), look(), [("participant_left", "alice", "PA_1")], id="left"),
    pytest.param(look(ALICE), look(AGAIN),
                 [("participant_left", "alice", "PA_1"), ("participant_joined", "alice", "PA_9")], id="joined again"),
    pytest.param(look(ALICE, AGENT), look(AGENT, ALICE), [], id="another order"),
    pytest.param(look(ALICE), look(TALKING), [("track_published", "alice", "TR_1")], id="published"),
    pytest.param(look(TALKING), look(ALICE), [("track_unpublished", "alice", "TR_1")], id="unpublished"),
    pytest.param(look(TALKING), look(HUSHED), [("track_muted", "alice", "TR_1")], id="muted"),
    pytest.param(look(HUSHED), look(TALKING), [("track_unmuted", "alice", "TR_1")], id="unmuted"),
    pytest.param(look(), look(TALKING),
                 [("participant_joined", "alice", "PA_1"), ("track_published", "alice", "TR_1")],
                 id="joined and published"),
    pytest.param(look(TALKING, dispatches=(JOB,)), ABSENT, [
        ("track_unpublished", "alice", "TR_1"), ("participant_left", "alice", "PA_1"),
        ("dispatch_deleted", "", "AD_1"), ("room_finished", "", "RM_1"),
    ], id="all of it gone, from the inside out"),
    pytest.param(look(), look(dispatches=(JOB,)), [("dispatch_created", "", "AD_1")], id="dispatched"),
    pytest.param(look(dispatches=(JOB,)), look(dispatches=(JOB._replace(verdict="nobody"),)),
                 [("dispatch_verdict_changed", "", "AD_1")], id="verdict"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), TABLE)
def test_changes(before: Look, after: Look, expected: list[tuple[str, str, str]]) -> None:
    events = list(changes(before, after))
    assert [(one.event, one.participant, one.sid) for one in events] == expected
    assert {(one.at, one.room) for one in events} <= {(AT, "r")}


FIELDS: list[tuple[str, Any, Any]] = [
    ("name", "", "Alice"),
    ("metadata", "", '{"userId": "x"}'),
    ("attributes", {}, {"plan": "pro"}),
    ("permission", Permission(), Permission(can_publish=True)),
    ("state", "JOINED", "ACTIVE"),
]


@pytest.mark.parametrize(("field", "old", "new"), FIELDS, ids=[field for field, _, _ in FIELDS])
def test_fields_of_a_participant(field: str, old: Any, new: Any) -> None:
    (event,) = changes(look(with_(AGENT, **{field: old})), look(with_(AGENT, **{field: new})))
    assert (event.event, event.kind, event.sid) == (f"participant_{field}_changed", "AGENT", "PA_2")
    assert (event.old, event.new) == (old, new)


def test_a_snapshot_holds_the_look() -> None:
    seen = look(ALICE)
    assert snapshot(seen) == (AT, "snapshot", "r", "", "", "RM_1", None, seen)


def script(*steps: Looks | LkctlError) -> Any:
    """Look as if these had been seen, one after the other."""
    left = iter(steps)

    def see(_left: float | None) -> Looks:
        step = next(left)
        if isinstance(step, LkctlError):
            raise step
        return step

    return see


LOST = LkctlError("net-refused", "nothing listens there")
REFUSED = LkctlError("auth-secret", "not yours")


def test_a_lost_server_is_told_once_and_what_changed_when_it_is_back() -> None:
    see = script({"r": look(ALICE)}, LOST, LOST, {"r": look(AGENT)})
    looks = watch(see, interval=0.001, seconds=None)
    told = [[event.event for event in next(looks)] for _ in range(5)]
    assert told == [["snapshot"], ["server_lost"], [], ["server_back"], ["participant_left", "participant_joined"]]


def test_who_is_refused_does_not_go_on() -> None:
    looks = watch(script({"r": look()}, REFUSED), interval=0.001, seconds=None)
    next(looks)
    with pytest.raises(LkctlError, match="not yours"):
        next(looks)


@pytest.mark.parametrize("error", [LOST, REFUSED])
def test_a_first_look_that_fails_is_no_watch(error: LkctlError) -> None:
    with pytest.raises(LkctlError):
        next(watch(script(error), interval=0.001, seconds=None))


def test_dispatches_that_cannot_be_seen_are_as_they_were() -> None:
    unseen = look(dispatches=None)
    looks = watch(script({"r": look(dispatches=(JOB,))}, {"r": unseen}, {"r": look()}), interval=0.001, seconds=None)
    assert [[event.event for event in next(looks)] for _ in range(3)] == [["snapshot"], [], ["dispatch_deleted"]]


def test_rooms_come_and_go_where_all_are_watched() -> None:
    looks = watch(script({}, {"r": look(ALICE)}, {}), interval=0.001, seconds=None)
    told = [[event.event for event in next(looks)] for _ in range(3)]
    assert told == [[], ["room_started", "participant_joined"], ["participant_left", "room_finished"]]


SLOW = LkctlError("net-timeout", "no answer in time")


def test_a_look_that_the_end_of_the_time_cuts_off_is_the_end() -> None:
    """Not a lost server: nobody knows."""
    steps = iter([{"r": look(ALICE)}])

    def see(_left: float | None) -> Looks:
        if step := next(steps, None):
            return step
        time.sleep(0.2)
        raise SLOW

    told = [[event.event for event in events] for events in watch(see, interval=0.001, seconds=0.1)]
    assert told == [["snapshot"]]


def test_a_timeout_before_the_end_is_a_lost_server() -> None:
    looks = watch(script({"r": look()}, SLOW), interval=0.001, seconds=30)
    assert [[event.event for event in next(looks)] for _ in range(2)] == [["snapshot"], ["server_lost"]]


def test_a_room_that_gives_no_answer_is_as_it_was() -> None:
    """And one that gave none at first was there already; a new one comes when it is seen."""
    looks = watch(
        script(
            {"r": look(ALICE), "s": None},
            {"r": None, "s": None, "t": None},
            {"r": look(), "s": look(ALICE), "t": look()},
            {},
        ),
        interval=0.001,
        seconds=None,
    )
    told = [[event.event for event in next(looks)] for _ in range(4)]
    assert told[:3] == [["snapshot"], [], ["participant_left", "snapshot", "room_started"]]
    assert told[3] == ["room_finished", "participant_left", "room_finished", "room_finished"]
