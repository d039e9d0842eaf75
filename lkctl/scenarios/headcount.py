"""Who counts as being in a room, and as what: one rule for all commands."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from lkctl.models import Participant
from lkctl.userid.snapshot import USER_KINDS


@dataclass(frozen=True, slots=True)
class Headcount:
    """Who is in a room, each counted once; `services` are recorders, ingress and bridges, hidden or not."""

    people: int = 0
    agents: int = 0
    hidden: int = 0
    services: int = 0

    @property
    def total(self) -> int:
        """How many are in the room, whatever they are; 0: it is empty."""
        return sum(astuple(self))


def headcount(participants: Sequence[Participant]) -> Headcount:
    """Count who is in a room."""
    roles = [_role(one) for one in those_there(participants)]
    return Headcount(**{role: roles.count(role) for role in set(roles)})


def those_there(participants: Sequence[Participant]) -> tuple[Participant, ...]:
    """Leave out who is listed and has left."""
    return tuple(one for one in participants if one.is_there)


def _role(participant: Participant) -> str:
    if participant.is_agent:
        return "agents"
    if participant.permission.recorder or participant.kind not in USER_KINDS:
        return "services"
    return "hidden" if participant.permission.hidden else "people"
