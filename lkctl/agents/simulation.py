"""An agent played: it is in the room, waits as an agent must, finds the user ID, and may publish it."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from lkctl.agents.presence import Presence
from lkctl.agents.worker import SOURCE, USER_ID
from lkctl.duration import parse_duration
from lkctl.errors import LkctlError
from lkctl.scenarios.resolution import Agent
from lkctl.server.api import Api
from lkctl.server.deadline import Deadline
from lkctl.userid import Resolution
from lkctl.userid.readiness import Attention, Patience
from lkctl.userid.sources import notice

WAITS = ("participant", "none")
_WHILE = 0.5  # seconds after which it is told that it still waits
_SHOWN_WITHIN, _PACE = 1.0, 0.05  # seconds until an attribute is listed (measured: 0.05), and between two looks


def read_wait(text: str, timeout: float) -> Patience:
    """Read `--wait`: none, participant (for `timeout` seconds at most), or a duration; raise `usage`."""
    if text == "participant":
        return Patience(limit=timeout)
    if text == "none":
        return Patience(fixed=0.0)
    if not text[:1].isdigit():
        told = f"--wait is {text!r}"
        raise LkctlError("usage", told, hint="Choose: participant, none, or a duration such as 5s")
    return Patience(fixed=parse_duration(text, "--wait"))


def say_wait(patience: Patience) -> str:
    """Say in words how long it waits."""
    if patience.fixed is None:
        return f"up to {patience.limit:g} s for a user, then up to {patience.moment:g} s for the metadata"
    return f"{patience.fixed:g} s" if patience.fixed else "not at all"


def decide(presence: Presence, agent: Agent, patience: Patience, tell: Callable[[str], None]) -> Attention:
    """Wait as an agent must; give its attention, with its decision. `tell` is told what it waits for."""
    began = time.monotonic()
    attention = Attention(agent.policy, patience, began)
    attention.see(agent.look(presence.first), began)
    while (left := attention.ponder(time.monotonic())) > 0:
        waited = time.monotonic() - began
        tell(f"{presence.identity} is in room {presence.room}, {waited:.0f} s: waiting {say_wait(patience)}")
        seen = presence.next(min(left, _WHILE))
        if seen is not None:
            attention.see(agent.look(seen), time.monotonic())
    return attention


def decision_of(attention: Attention) -> Resolution:
    """Give the decision that was made."""
    if attention.decision is None:
        raise TypeError("the agent still waits")
    return attention.decision


def publish(api: Api, presence: Presence, resolution: Resolution) -> Resolution:
    """Set the result as attributes of ours and read them back; W-NOTPUBLISHED is added where they do not show.

    Of a random ID only the source is published: it is not made. What is unresolved is not published.
    """
    if resolution.source is None:
        return resolution
    wanted = {SOURCE: resolution.source, **({USER_ID: resolution.user_id} if resolution.user_id else {})}
    presence.set_attributes(wanted)
    deadline = Deadline(_SHOWN_WITHIN)
    while not deadline.over:
        with suppress(LkctlError):
            listed = api.bounded(deadline.left).get_participant(presence.room, presence.identity).attributes
            if wanted.items() <= listed.items():
                return resolution
        time.sleep(_PACE)
    message = f"{' and '.join(wanted)} of {presence.identity} were set, and after {_SHOWN_WITHIN:g} s they do not show"
    missing = notice("W-NOTPUBLISHED", resolution.source, resolution.participant, message)
    return replace(resolution, warnings=(*resolution.warnings, missing))


def insist_published(resolution: Resolution) -> None:
    """Raise `expectation-failed` where the result was to be published and is not."""
    missing = next((one for one in resolution.warnings if one.code == "W-NOTPUBLISHED"), None)
    if missing is not None:
        raise LkctlError("expectation-failed", f"the result is not published: {missing.message}", hint=missing.hint)


def insist_user(attention: Attention, room: str, limit: float) -> None:
    """Raise `wait-expired` where the decision was made because nobody came."""
    if attention.expired:
        decision = decision_of(attention)
        used = decision.user_id or ("a random ID" if decision.source else "no ID")
        where = f", from {decision.source}" if decision.user_id else ""
        told = f"no user came into room {room!r} within {limit:g} s; an agent would then use {used}{where}"
        raise LkctlError("wait-expired", told, hint="Give more time with --timeout, or do not wait: --wait none")
