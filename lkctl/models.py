"""What LiveKit's objects are to us: frozen values, named as in LiveKit's protobuf (livekit_models.proto)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


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
    can_subscribe_metrics: bool = False
    can_manage_agent_session: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """One quality of a video track (LOW, MEDIUM, HIGH); size in pixels, `bitrate` in bits per second."""

    quality: str = "LOW"
    width: int = 0
    height: int = 0
    bitrate: int = 0


@dataclass(frozen=True, slots=True)
class Track:
    """A published track; `source`, `type` and `encryption` by their protobuf names, size in pixels."""

    sid: str = ""
    name: str = ""
    type: str = "AUDIO"
    source: str = "UNKNOWN"
    muted: bool = False
    mime_type: str = ""
    width: int = 0
    height: int = 0
    simulcast: bool = False
    layers: tuple[Layer, ...] = ()
    codecs: tuple[str, ...] = ()  # MIME types, of backup codecs too
    stream: str = ""
    encryption: str = "NONE"


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
    kind_details: tuple[str, ...] = ()
    permission: Permission = Permission()
    tracks: tuple[Track, ...] = ()
    is_publisher: bool = False

    @property
    def is_agent(self) -> bool:
        """Whether the server takes it for an agent: by kind or by grant (IsAgent in pkg/rtc/participant.go)."""
        return self.kind == "AGENT" or self.permission.agent

    @property
    def is_there(self) -> bool:
        """Whether it counts as being in the room: the server may list for a moment who has left it."""
        return self.state != "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a dispatch. `status` stays JS_RUNNING for ever on 1.13.5 (measured): no proof that an agent lives."""

    id: str = ""
    status: str = "JS_PENDING"
    participant_identity: str = ""
    error: str = ""
    worker_id: str = ""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A request that an agent of this name come to the room ("" is the automatic dispatch)."""

    id: str = ""
    agent_name: str = ""
    metadata: str = ""
    created_at: datetime | None = None
    jobs: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """An agent that a new room dispatches (livekit.RoomAgentDispatch)."""

    agent_name: str
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class RoomRequest:
    """What a room should be like; None means: leave it to the server. Timeouts in seconds, delays in milliseconds.

    `egress` is a livekit.RoomEgress as protojson has it. Agents, egress, delays and `sync_streams` are not in the
    server's reply.
    """

    name: str
    metadata: str | None = None
    empty_timeout: int | None = None
    departure_timeout: int | None = None
    max_participants: int | None = None
    agents: tuple[AgentRequest, ...] | None = None
    egress: Mapping[str, Any] | None = None
    min_playout_delay: int | None = None
    max_playout_delay: int | None = None
    sync_streams: bool | None = None
