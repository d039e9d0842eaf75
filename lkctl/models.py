"""What LiveKit's objects are to us: frozen values, named as in LiveKit's protobuf (livekit_models.proto)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Room:
    """A room as the server lists it; timeouts in seconds. `num_participants` lags up to 5 s and leaves agents out."""

    sid: str = ""
    name: str = ""
    metadata: str = ""
    created_at: datetime | None = None
    empty_timeout: int = 0
    departure_timeout: int = 0
    max_participants: int = 0
    num_participants: int = 0
    num_publishers: int = 0
    active_recording: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """What a participant may do, as the server holds it."""

    can_subscribe: bool = False
    can_publish: bool = False
    can_publish_data: bool = False
    can_publish_sources: tuple[str, ...] = ()
    can_update_metadata: bool = False
    hidden: bool = False
    recorder: bool = False
    agent: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """A published track; `source` and `type` by their protobuf names."""

    sid: str = ""
    name: str = ""
    type: str = "AUDIO"
    source: str = "UNKNOWN"
    muted: bool = False
    mime_type: str = ""


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant; `kind` and `state` by their protobuf names (STANDARD, AGENT …; JOINED, ACTIVE …)."""

    sid: str = ""
    identity: str = ""
    name: str = ""
    kind: str = "STANDARD"
    state: str = "JOINING"
    joined_at: datetime | None = None
    joined_at_ms: int = 0
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    permission: Permission = Permission()
    tracks: tuple[Track, ...] = ()
    is_publisher: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a dispatch. `status` stays JS_RUNNING for ever on 1.13.5 (measured): no proof that an agent lives."""

    id: str = ""
    status: str = "JS_PENDING"
    participant_identity: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A request that an agent of this name come to the room ("" is the automatic dispatch)."""

    id: str = ""
    agent_name: str = ""
    metadata: str = ""
    created_at: datetime | None = None
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """What a room should be like; None means: leave it to the server."""

    name: str
    metadata: str | None = None
    empty_timeout: int | None = None
    departure_timeout: int | None = None
    max_participants: int | None = None
