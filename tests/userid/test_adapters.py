"""The adapters read objects by their attributes; the SDKs' own, where installed, prove the names and numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import rtc
from livekit.protocol import agent
from livekit.protocol import models as protocol

from lkctl import models
from lkctl.userid import (
    Job,
    Participant,
    Permission,
    Room,
    Snapshot,
    resolve,
    snapshot_from_api,
    snapshot_from_job,
    snapshot_from_rtc,
)
from lkctl.userid.adapters import API_KINDS, RTC_KINDS, STATES

BASE = Snapshot(env={"CHROME_USER_ID": "e"}, now_ms=7, job=Job("j"), room_name="gone")
JOINED = datetime(2024, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)


@dataclass
class RtcParticipant:
    """As livekit.rtc has it: numbers, `permissions` and `joined_at`."""

    identity: str = "u"
    kind: int = 0
    state: int = 2
    metadata: str = "m"
    attributes: dict[str, str] = field(default_factory=lambda: {"a": "b"})
    joined_at: datetime | None = JOINED
    permissions: Any = field(default_factory=lambda: SimpleNamespace(can_update_metadata=True, hidden=False))


class RtcRoom:
    """As livekit.rtc has it: without a connection, asking for the local participant raises."""

    name = "r"

    def __init__(self, *remote: RtcParticipant, connected: bool = True) -> None:
        self.metadata = "rm" if connected else ""
        self.remote_participants: Mapping[str, RtcParticipant] = {each.identity: each for each in remote}
        self._connected = connected

    def isconnected(self) -> bool:
        return self._connected

    @property
    def local_participant(self) -> Any:
        if not self._connected:
            raise Exception("cannot access local participant before connecting")  # noqa: TRY002  (as the SDK does)
        return SimpleNamespace(identity="agent-1")


def protobuf_participant(**fields: Any) -> SimpleNamespace:
    """As the protobuf of the API has it: `permission` and `joined_at_ms`, `joined_at` in whole seconds."""
    values = {
        "identity": "u",
        "kind": 7,
        "state": 2,
        "metadata": "m",
        "attributes": {},
        "joined_at": 1704067200,
        "joined_at_ms": 1704067200123,
        "permission": SimpleNamespace(can_update_metadata=False, hidden=False, recorder=True, agent=True),
    }
    return SimpleNamespace(**(values | fields))


def test_our_models() -> None:
    participant = models.Participant(
        sid="PA_1",
        identity="u",
        kind="CONNECTOR",
        state="ACTIVE",
        joined_at=JOINED,
        joined_at_ms=1704067200123,
        metadata="m",
        attributes={"a": "b"},
        permission=models.Permission(can_update_metadata=True, hidden=True, recorder=True, agent=True),
    )
    snapshot = snapshot_from_api(models.Room(name="r", metadata="rm"), [participant], BASE)
    permission = Permission(can_update_metadata=True, hidden=True, recorder=True, agent=True)
    assert snapshot == Snapshot(
        room=Room("r", "rm"),
        participants=(Participant("u", "CONNECTOR", "ACTIVE", "m", {"a": "b"}, 1704067200123, permission),),
        job=Job("j"),
        env={"CHROME_USER_ID": "e"},
        now_ms=7,
        room_name="gone",
    )


def test_an_absent_room_keeps_its_name() -> None:
    snapshot = snapshot_from_api(None, [], BASE)
    assert (snapshot.room, snapshot.name) == (None, "gone")


def test_rtc_room() -> None:
    snapshot = snapshot_from_rtc(RtcRoom(RtcParticipant()), BASE)
    permission = Permission(can_update_metadata=True)
    assert snapshot == Snapshot(
        room=Room("r", "rm"),
        participants=(Participant("u", "STANDARD", "ACTIVE", "m", {"a": "b"}, 1704067200123, permission),),
        job=Job("j"),
        env={"CHROME_USER_ID": "e"},
        now_ms=7,
        room_name="gone",
        local_identity="agent-1",
    )


def test_rtc_room_before_the_connection() -> None:
    assert snapshot_from_rtc(RtcRoom(connected=False), BASE).local_identity is None


@pytest.mark.parametrize(
    ("number", "rtc", "api"),
    [
        (3, "SIP", "SIP"),
        (4, "AGENT", "AGENT"),
        (5, "CONNECTOR", "number 5"),
        (6, "BRIDGE", "number 6"),
        (7, "number 7", "CONNECTOR"),
        (8, "number 8", "BRIDGE"),
    ],
)
def test_kinds_by_name(number: int, rtc: str, api: str) -> None:
    seen = snapshot_from_rtc(RtcRoom(RtcParticipant(kind=number))).participants[0].kind
    listed = snapshot_from_api(models.Room(), [protobuf_participant(kind=number)]).participants[0].kind
    assert (seen, listed) == (rtc, api)


def test_an_unknown_kind_is_no_user() -> None:
    snapshot = snapshot_from_rtc(RtcRoom(RtcParticipant(kind=99, metadata='{"userId": "bob"}')))
    warnings = [(warning.code, warning.participant) for warning in resolve(snapshot).warnings]
    assert ("W-SKIPPED", "u") in warnings


@pytest.mark.parametrize(
    ("participant", "expected"),
    [
        pytest.param(RtcParticipant(joined_at=None), 0, id="rtc, not joined"),
        pytest.param(RtcParticipant(joined_at=datetime.fromtimestamp(1704067200.999, UTC)), 1704067200999, id="rtc"),
        pytest.param(protobuf_participant(), 1704067200123, id="API"),
        pytest.param(protobuf_participant(joined_at_ms=0), 0, id="API, old server"),
        pytest.param(models.Participant(joined_at=JOINED), 1704067200123, id="models, old server"),
    ],
)
def test_time_of_joining(participant: Any, expected: int) -> None:
    assert snapshot_from_api(None, [participant]).participants[0].joined_at_ms == expected


def job(participant: Any = None) -> SimpleNamespace:
    room = SimpleNamespace(name="r", metadata="at dispatch")
    return SimpleNamespace(metadata="jm", attributes={"k": "v"}, room=room, participant=participant)


def test_job_before_the_connection() -> None:
    context = SimpleNamespace(job=job(protobuf_participant()), room=RtcRoom(connected=False))
    snapshot = snapshot_from_job(context, BASE)
    assert (snapshot.room, snapshot.job) == (Room("r", "at dispatch"), Job("jm", {"k": "v"}))
    assert [(each.identity, each.kind, each.permission) for each in snapshot.participants] == [
        ("u", "CONNECTOR", Permission(recorder=True, agent=True)),
    ]
    assert (snapshot.env, snapshot.now_ms) == (BASE.env, 7)


@pytest.mark.parametrize("participant", [None, protobuf_participant(identity="")])
def test_job_without_a_participant(participant: Any) -> None:
    context = SimpleNamespace(job=job(participant), room=RtcRoom(connected=False))
    assert snapshot_from_job(context).participants == ()


def test_job_after_the_connection() -> None:
    context = SimpleNamespace(job=job(protobuf_participant()), room=RtcRoom(RtcParticipant("live")))
    snapshot = snapshot_from_job(context, BASE)
    assert (snapshot.room, snapshot.job) == (Room("r", "rm"), Job("jm", {"k": "v"}))
    assert [each.identity for each in snapshot.participants] == ["live"]
    assert snapshot.local_identity == "agent-1"


def test_a_job_of_an_older_sdk_has_no_attributes() -> None:
    older = job()
    del older.attributes
    assert snapshot_from_job(SimpleNamespace(job=older, room=RtcRoom())).job == Job("jm")


def test_numbers_of_the_api_sdk() -> None:
    info = protocol.ParticipantInfo
    assert {number: name for name, number in info.Kind.items()} == API_KINDS
    assert {number: name for name, number in info.State.items()} == STATES


def test_numbers_of_the_rtc_sdk() -> None:
    assert {n: name.removeprefix("PARTICIPANT_KIND_") for name, n in rtc.ParticipantKind.items()} == RTC_KINDS
    if hasattr(rtc, "ParticipantState"):  # older SDKs, down to the floor of the extra, have none
        assert {n: name.removeprefix("PARTICIPANT_STATE_") for name, n in rtc.ParticipantState.items()} == STATES


def test_a_real_job_message() -> None:
    message = agent.Job(metadata="jm", attributes={"k": "v"})
    message.room.name = "r"
    context = SimpleNamespace(job=message, room=RtcRoom(connected=False))
    assert snapshot_from_job(context).participants == ()
    message.participant.identity = "u"
    message.participant.kind = protocol.ParticipantInfo.SIP
    message.participant.joined_at_ms = 5
    message.participant.permission.can_update_metadata = True
    snapshot = snapshot_from_job(context)
    assert snapshot.job == Job("jm", {"k": "v"})
    assert snapshot.participants == (
        Participant("u", "SIP", "JOINING", joined_at_ms=5, permission=Permission(can_update_metadata=True)),
    )
