"""What the resolver looks at: a room, its participants, the job and the agent's environment, at one moment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

ENV_NAME: Final = "CHROME_USER_ID"

USER_KINDS: Final = frozenset({"STANDARD", "SIP", "CONNECTOR"})


@dataclass(frozen=True, slots=True)
class Permission:
    """The permissions of a participant that matter here."""

    can_update_metadata: bool = False
    hidden: bool = False
    recorder: bool = False
    agent: bool = False


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant. `kind` and `state` are LiveKit's names, e.g. STANDARD and ACTIVE: the numbers differ by SDK."""

    identity: str
    kind: str = "STANDARD"
    state: str = "ACTIVE"
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    joined_at_ms: int = 0
    permission: Permission = Permission()


@dataclass(frozen=True, slots=True)
class Room:
    """A room that exists."""

    name: str
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """The agent's job, as its dispatch describes it."""

    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that an agent could look at, at one moment.

    `room` None: the room does not exist, `room_name` names it. `env` is the agent's environment, or with `env_origin`
    "operator" that of whoever asks. `rng(n)` gives an int below n, e.g. `secrets.randbelow`: with it a random ID is
    really made, from `now_ms`. `local_identity` is the agent's own.
    """

    room: Room | None = None
    participants: tuple[Participant, ...] = ()
    job: Job = Job()
    env: Mapping[str, str] = field(default_factory=dict)
    now_ms: int = 0
    rng: Callable[[int], int] | None = None
    local_identity: str | None = None
    room_name: str = ""
    env_origin: Literal["agent", "operator"] = "agent"

    @property
    def name(self) -> str:
        """The name of the room, whether it exists or not."""
        return (self.room.name if self.room else "") or self.room_name


def by_arrival(participants: tuple[Participant, ...]) -> list[Participant]:
    """Put the earliest first; the identity decides a tie, because the server lists participants in random order."""
    return sorted(participants, key=lambda participant: (participant.joined_at_ms, participant.identity))


def disqualification(participant: Participant) -> str:
    """Say why this participant is no user; "" for a user."""
    permission = participant.permission
    if participant.kind not in USER_KINDS:
        return f"kind {participant.kind} is no user"
    if permission.agent or permission.recorder:
        return "has the permission of an agent" if permission.agent else "has the permission of a recorder"
    if permission.hidden:
        return "is hidden"
    return "has left the room" if participant.state == "DISCONNECTED" else ""
