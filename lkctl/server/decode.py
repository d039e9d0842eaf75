"""Twirp JSON into our own values; what is not of the expected type counts as absent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from lkctl.models import Dispatch, Job, Layer, Participant, Permission, Room, Track


def items(reply: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """Give the objects of a repeated field."""
    values = reply.get(name)
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())


def room(raw: Mapping[str, Any]) -> Room:
    """Read a livekit.Room; `turn_password` is left behind on purpose: it is a secret."""
    return Room(
        sid=_text(raw, "sid"),
        name=_text(raw, "name"),
        metadata=_text(raw, "metadata"),
        created_at=_moment(raw, "creation_time_ms", "creation_time"),
        empty_timeout=_number(raw, "empty_timeout"),
        departure_timeout=_number(raw, "departure_timeout"),
        max_participants=_number(raw, "max_participants"),
        num_participants=_number(raw, "num_participants"),
        num_publishers=_number(raw, "num_publishers"),
        active_recording=raw.get("active_recording") is True,
    )


def participants(reply: Mapping[str, Any]) -> list[Participant]:
    """Read a ListParticipantsResponse; the server's own order is random."""
    found = [participant(raw) for raw in items(reply, "participants")]
    return sorted(found, key=lambda one: (one.joined_at_ms, one.identity))


def dispatches(reply: Mapping[str, Any]) -> list[Dispatch]:
    """Read a ListAgentDispatchResponse, by ID."""
    return sorted((dispatch(raw) for raw in items(reply, "agent_dispatches")), key=lambda one: one.id)


def participant(raw: Mapping[str, Any]) -> Participant:
    """Read a livekit.ParticipantInfo."""
    attributes = raw.get("attributes")
    return Participant(
        sid=_text(raw, "sid"),
        identity=_text(raw, "identity"),
        name=_text(raw, "name"),
        kind=_text(raw, "kind") or "STANDARD",
        state=_text(raw, "state") or "JOINING",
        joined_at=_moment(raw, "joined_at_ms", "joined_at"),
        joined_at_ms=_number(raw, "joined_at_ms") or _number(raw, "joined_at") * 1000,
        metadata=_text(raw, "metadata"),
        attributes={str(k): str(v) for k, v in attributes.items()} if isinstance(attributes, dict) else {},
        kind_details=_texts(raw, "kind_details"),
        permission=_permission(raw.get("permission")),
        tracks=tuple(sorted(map(track, items(raw, "tracks")), key=lambda one: one.sid)),  # random order (measured)
        is_publisher=raw.get("is_publisher") is True,
    )


def dispatch(raw: Mapping[str, Any]) -> Dispatch:
    """Read a livekit.AgentDispatch with its jobs."""
    state = raw.get("state")
    state = state if isinstance(state, dict) else {}
    return Dispatch(
        id=_text(raw, "id"),
        agent_name=_text(raw, "agent_name"),
        metadata=_text(raw, "metadata"),
        created_at=_nanoseconds(_number(state, "created_at")),
        jobs=tuple(_job(job) for job in items(state, "jobs")),
    )


def _job(raw: Mapping[str, Any]) -> Job:
    state = raw.get("state")
    state = state if isinstance(state, dict) else {}
    return Job(
        _text(raw, "id"),
        _text(state, "status"),
        _text(state, "participant_identity"),
        _text(state, "error"),
        _text(state, "worker_id"),
    )


def _permission(raw: Any) -> Permission:
    raw = raw if isinstance(raw, dict) else {}
    flags = {field.name: raw.get(field.name) is True for field in fields(Permission) if field.type is bool}
    return Permission(**flags, can_publish_sources=_texts(raw, "can_publish_sources"))


def track(raw: Mapping[str, Any]) -> Track:
    """Read a livekit.TrackInfo."""
    return Track(
        sid=_text(raw, "sid"),
        name=_text(raw, "name"),
        type=_text(raw, "type") or "AUDIO",
        source=_text(raw, "source") or "UNKNOWN",
        muted=raw.get("muted") is True,
        mime_type=_text(raw, "mime_type"),
        width=_number(raw, "width"),
        height=_number(raw, "height"),
        simulcast=raw.get("simulcast") is True,
        layers=tuple(_layer(layer) for layer in items(raw, "layers")),
        codecs=tuple(_text(codec, "mime_type") for codec in items(raw, "codecs")),
        stream=_text(raw, "stream"),
        encryption=_text(raw, "encryption") or "NONE",
    )


def _layer(raw: Mapping[str, Any]) -> Layer:
    size = {name: _number(raw, name) for name in ("width", "height", "bitrate")}
    return Layer(_text(raw, "quality") or "LOW", **size)


def _texts(raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
    values = raw.get(name)
    return tuple(map(str, values)) if isinstance(values, list) else ()


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def _number(raw: Mapping[str, Any], name: str) -> int:
    """Read a number; int64 comes as text (protobuf's JSON mapping)."""
    value = raw.get(name)
    if isinstance(value, str):
        return int(value) if re.fullmatch("-?[0-9]{1,19}", value) else 0
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63 else 0


def _moment(raw: Mapping[str, Any], in_ms: str, in_s: str) -> datetime | None:
    return _from_ms(_number(raw, in_ms) or _number(raw, in_s) * 1000)


def _nanoseconds(value: int) -> datetime | None:
    return _from_ms(value // 1_000_000)


def _from_ms(value: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(value / 1000, UTC) if value > 0 else None
    except (OverflowError, ValueError, OSError):
        return None
