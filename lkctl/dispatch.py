"""What became of a dispatch, judged by who is in the room: the status of a job proves nothing.

Measured on 1.13.5: a job is JS_RUNNING from the first moment and stays so after every crash; it can show up 5 s late.
"""

from collections.abc import Sequence
from datetime import datetime

from lkctl.models import Dispatch, Participant

_LATEST_JOB = 6.0  # seconds after which a job would be listed


def verdict(dispatch: Dispatch, participants: Sequence[Participant], now: datetime) -> str:
    """Say `running`, `left` (crashed or gone), `nobody` (no worker took it) or `too-early`."""
    present = {participant.identity for participant in participants}
    workers = [job.participant_identity for job in dispatch.jobs if job.participant_identity]
    if any(identity in present for identity in workers):
        return "running"
    young = dispatch.created_at is not None and (now - dispatch.created_at).total_seconds() < _LATEST_JOB
    if young:
        return "too-early"
    return "left" if workers else "nobody"


MEANINGS = {
    "running": "its agent is in the room",
    "left": "a worker took it, but its agent crashed or left",
    "nobody": "no worker of that name took it; start one and dispatch again",
    "too-early": "less than 6 s old: too early to say",
}
