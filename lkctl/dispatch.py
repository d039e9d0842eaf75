"""What became of a dispatch, judged by who is in the room: the status of a job proves nothing.

Measured on 1.13.5: a job is JS_RUNNING from the first moment and stays so after every crash; it is listed up to 5.0 s
after its agent is there; a worker that registers later gets nothing; the server gives every agent the attribute
lk.agent_name. An agent whose process was killed stays in the room, ACTIVE, until the server misses it: 20 s. That an
agent was there and left changes nothing of its job either: no ended_at, and updated_at is still started_at.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from lkctl.models import Dispatch, Participant

_LATEST_JOB = 6.0  # seconds after which a job would be listed
_LATEST_JOIN = 10.0  # seconds that an agent may take to join; livekit-agents itself warns after so long
_OVER = {"JS_SUCCESS", "JS_FAILED", "JS_CANCELLED"}
_JOINING = {"JOINING", "JOINED"}
_NAME_ATTRIBUTES = ("lk.agent_name", "lk.agent.name")  # the server's own, and the one of livekit-agents
_NO_TIME = datetime.min.replace(tzinfo=UTC)
_AS_OLD = 2.0  # seconds between a room and its automatic dispatch: 1 ms (measured), where the server tells milliseconds

_NOBODY_NAMELESS = "no worker without a name took it; start one and dispatch again"
_NOBODY_AUTOMATIC = "no worker without a name took it: only those are called automatically"

MEANINGS = {
    "running": "its agent is in the room",
    "left": "a worker took it, but its agent is not in the room: it crashed, left or never came",
    "refused": "a worker refused it for good",
    "nobody": "no worker of exactly that name took it; start one and dispatch again",
    "too-early": "its agent has not come yet, or has left already: too early to say",
}


class Judged(NamedTuple):
    """A dispatch and the verdict on it, a key of MEANINGS.

    `automatic`: it is the one that the server adds to a room for which nobody named agents.
    """

    dispatch: Dispatch
    verdict: str
    automatic: bool = False

    @property
    def whom(self) -> str:
        """Say whom it calls, where it calls nobody by name."""
        return "any agent, automatic" if self.automatic else "any agent"


def meaning(judged: Judged) -> str:
    """Say what a verdict means for this dispatch."""
    if judged.verdict != "nobody" or judged.dispatch.agent_name:
        return MEANINGS[judged.verdict]
    return _NOBODY_AUTOMATIC if judged.automatic else _NOBODY_NAMELESS


def judge(
    dispatches: Sequence[Dispatch],
    participants: Sequence[Participant],
    now: datetime,
    room_created_at: datetime | None = None,
) -> tuple[Judged, ...]:
    """Judge all dispatches of a room, in the order of their creation. `now` by the clock of the server (`Api.now`).

    Without `room_created_at` none is known to be automatic.
    """
    ordered = sorted(dispatches, key=lambda one: (one.created_at or _NO_TIME, one.id))
    verdicts = [_verdict(one, agents_of(one, dispatches, participants, now), now) for one in ordered]
    automatic = [_is_automatic(one, room_created_at) for one in ordered[:1]] + [False] * len(ordered)
    return tuple(map(Judged, ordered, verdicts, automatic))


def agents_of(
    dispatch: Dispatch, dispatches: Sequence[Dispatch], participants: Sequence[Participant], now: datetime
) -> list[Participant]:
    """Give the agents in the room that came of a dispatch; `dispatches` are all of the room.

    While its job is not listed yet, an agent is known by its name, where no other dispatch can have brought it.
    """
    agents = [one for one in participants if one.is_agent and one.is_there]
    if dispatch.jobs:
        taken = _identities([dispatch])
        return [one for one in agents if one.identity in taken]
    rivals = [one for one in dispatches if one.agent_name == dispatch.agent_name and _awaits_job(one, now)]
    others = _identities(dispatches)
    return [
        one for one in agents if [dispatch] == rivals and one.identity not in others and _may_come_of(one, dispatch)
    ]


def agent_names(participant: Participant) -> set[str]:
    """Give the names that an agent says it has; the automatic dispatch makes it ""."""
    return {participant.attributes[key] for key in _NAME_ATTRIBUTES if key in participant.attributes}


def _verdict(dispatch: Dispatch, agents: Sequence[Participant], now: datetime) -> str:
    states = {one.state for one in agents}
    taken = bool(_identities([dispatch]))
    if "ACTIVE" in states:
        return "running"
    if states & _JOINING:
        return "too-early"
    over = bool(dispatch.jobs) and all(job.status in _OVER for job in dispatch.jobs)
    if not over and _is_younger(dispatch, _LATEST_JOIN if taken else _LATEST_JOB, now):
        return "too-early"
    return "left" if taken else "refused" if over else "nobody"


def _is_automatic(first: Dispatch, room_created_at: datetime | None) -> bool:
    """Whether the first dispatch of a room came with the room. One asked for at once looks alike: nobody can tell."""
    if first.agent_name or first.metadata or first.created_at is None or room_created_at is None:
        return False
    return abs((first.created_at - room_created_at).total_seconds()) < _AS_OLD


def _identities(dispatches: Sequence[Dispatch]) -> set[str]:
    return {job.participant_identity for one in dispatches for job in one.jobs if job.participant_identity}


def _awaits_job(dispatch: Dispatch, now: datetime) -> bool:
    return not dispatch.jobs and _is_younger(dispatch, _LATEST_JOB, now)


def _may_come_of(agent: Participant, dispatch: Dispatch) -> bool:
    came_after = agent.joined_at is not None and agent.joined_at >= (dispatch.created_at or _NO_TIME)
    return came_after and dispatch.agent_name in agent_names(agent)


def _is_younger(dispatch: Dispatch, seconds: float, now: datetime) -> bool:
    """Tell whether it is younger; one of the far future is not: two clocks differ, and it may be of any age."""
    return dispatch.created_at is not None and abs((now - dispatch.created_at).total_seconds()) < seconds
