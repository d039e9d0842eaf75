"""Snapshots of live objects: of lkctl's own models, of an rtc room, of an agent's JobContext.

All are read by their attributes and no SDK is imported. Each adapter takes a `base` that holds what the objects do not
know (environment, clock, job). Kinds are compared by name, because rtc and the API number them differently.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from lkctl.userid.snapshot import Job, Participant, Permission, Room, Snapshot

# livekit_models.proto and the rtc SDK's participant.proto
API_KINDS: Final = {0: "STANDARD", 1: "INGRESS", 2: "EGRESS", 3: "SIP", 4: "AGENT", 7: "CONNECTOR", 8: "BRIDGE"}
RTC_KINDS: Final = {0: "STANDARD", 1: "INGRESS", 2: "EGRESS", 3: "SIP", 4: "AGENT", 5: "CONNECTOR", 6: "BRIDGE"}
STATES: Final = {0: "JOINING", 1: "JOINED", 2: "ACTIVE", 3: "DISCONNECTED"}

_EMPTY: Final = Snapshot()


def snapshot_from_api(room: Any, participants: Iterable[Any], base: Snapshot = _EMPTY) -> Snapshot:
    """Take a room (None: it does not exist, `base.room_name` names it) and its participants as the API lists them."""
    return replace(
        base,
        room=None if room is None else Room(room.name, room.metadata),
        participants=tuple(_participant(participant, API_KINDS) for participant in participants),
    )


def snapshot_from_rtc(room: Any, base: Snapshot = _EMPTY) -> Snapshot:
    """Take a `livekit.rtc.Room`; its own participant is known only once it is connected."""
    return replace(
        base,
        room=Room(room.name, room.metadata),
        participants=tuple(_participant(participant, RTC_KINDS) for participant in room.remote_participants.values()),
        local_identity=room.local_participant.identity if room.isconnected() else base.local_identity,
    )


def snapshot_from_job(context: Any, base: Snapshot = _EMPTY) -> Snapshot:
    """Take a `livekit.agents.JobContext`.

    Before `ctx.connect()` the room's metadata reads "" and nobody is in it, so the copies in the job are taken; they
    date from the dispatch.
    """
    job = context.job
    base = replace(base, job=Job(job.metadata, dict(getattr(job, "attributes", {}))))
    if context.room.isconnected():
        return snapshot_from_rtc(context.room, base)
    subject = getattr(job, "participant", None)
    return snapshot_from_api(job.room, [subject] if subject is not None and subject.identity else [], base)


def _participant(participant: Any, kinds: Mapping[int, str]) -> Participant:
    return Participant(
        identity=participant.identity,
        kind=_name(participant.kind, kinds),
        state=_name(getattr(participant, "state", "ACTIVE"), STATES),  # older rtc SDKs show only those who are in
        metadata=participant.metadata,
        attributes=dict(participant.attributes),
        joined_at_ms=_joined_at_ms(participant),
        permission=_permission(participant),
    )


def _name(value: Any, names: Mapping[int, str]) -> str:
    """Name an enum value, given as a number or already by name."""
    return value if isinstance(value, str) else names.get(int(value), f"number {int(value)}")


def _joined_at_ms(participant: Any) -> int:
    """Milliseconds in the API; in rtc a datetime, None before the join."""
    if milliseconds := getattr(participant, "joined_at_ms", 0):
        return int(milliseconds)
    joined_at = getattr(participant, "joined_at", None)
    return round(joined_at.timestamp() * 1000) if isinstance(joined_at, datetime) else 0


def _permission(participant: Any) -> Permission:
    """Read `permissions` (rtc, which knows of no recorder or agent) or `permission` (API)."""
    given = getattr(participant, "permissions", None) or getattr(participant, "permission", None)
    return Permission(
        can_update_metadata=getattr(given, "can_update_metadata", False),
        hidden=getattr(given, "hidden", False),
        recorder=getattr(given, "recorder", False),
        agent=getattr(given, "agent", False),
    )
