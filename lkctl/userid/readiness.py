"""When an agent has seen enough: how long it still waits for a user, and for the user's metadata.

Measured on livekit-server 1.13.5: a room's job starts when the room is made, so the agent is normally there before the
user; the join of somebody who publishes nothing reaches those inside up to 3 s late, his metadata too; who is inside
when the agent connects is seen at once.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Final

from lkctl.userid.policy import Policy
from lkctl.userid.resolver import Resolution, resolve
from lkctl.userid.snapshot import Snapshot, disqualification
from lkctl.userid.sources import notice


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an agent waits, in seconds: `limit` for the first user, then `moment` for his metadata.

    With `fixed` it waits so long whoever comes.
    """

    limit: float = 30.0
    moment: float = 1.0
    fixed: float | None = None


STANDARD_PATIENCE: Final = Patience()


def user_present(snapshot: Snapshot) -> bool:
    """Tell whether somebody is in the room whom the resolver takes for a user."""
    others = (one for one in snapshot.participants if one.identity != snapshot.local_identity)
    return any(not disqualification(one) for one in others)


def seconds_to_wait(
    snapshot: Snapshot, policy: Policy, patience: Patience, *, connected_for: float, user_for: float | None
) -> float:
    """Give the seconds an agent should still wait before it resolves; 0.0: it has seen enough.

    `connected_for`: seconds since it connected; `user_for`: since it first saw a user, None without one. It waits only
    while a participant could still bring an ID that outranks what is there.
    """
    if patience.fixed is not None:
        return max(0.0, patience.fixed - connected_for)
    source = resolve(snapshot, policy).source
    stronger = policy.order if source is None else policy.order[: policy.order.index(source)]
    if not any(name.startswith("participant.") for name in stronger):
        return 0.0
    if user_for is not None:
        return max(0.0, patience.moment - user_for)
    return max(0.0, patience.limit - connected_for)


class Attention:
    """An agent that is handed what it sees, and when: it waits as it must, and then decides, once.

    All times are seconds by one clock, whose zero is of no matter. `decision` None: it still waits.
    """

    def __init__(self, policy: Policy, patience: Patience, now: float) -> None:
        self.decision: Resolution | None = None
        self.expired = False  # it decided because no user came in time
        self._policy = policy
        self._patience = patience
        self._began = now
        self._met: float | None = None
        self._due = inf  # when it decides, if it sees nothing else
        self._snapshot: Snapshot | None = None

    def see(self, snapshot: Snapshot, now: float) -> Resolution:
        """Take in what it sees now; give what that resolves to. Too late for its decision, that carries W-LATE."""
        self.ponder(now)
        if self.decision is not None:
            return self._belated(resolve(snapshot, self._policy), now)
        self._snapshot = snapshot
        if self._met is None and user_present(snapshot):
            self._met = now
        self._due = now
        self.ponder(now)
        return self.decision or resolve(snapshot, self._policy)

    def ponder(self, now: float) -> float:
        """Decide if it is time; give the seconds until it is."""
        if self.decision is not None or self._snapshot is None:
            return 0.0 if self.decision else inf
        user_for = None if self._met is None else now - self._met
        left = self._left(connected_for=now - self._began, user_for=user_for)
        if left > 0:
            self._due = now + left
        else:
            self._due = min(now, self._due)
            self.decision = resolve(self._snapshot, self._policy)
            self.expired = self._patience.fixed is None and self._left(connected_for=0.0, user_for=user_for) > 0
        return left

    def _left(self, *, connected_for: float, user_for: float | None) -> float:
        snapshot = self._snapshot or Snapshot()
        return seconds_to_wait(snapshot, self._policy, self._patience, connected_for=connected_for, user_for=user_for)

    def _belated(self, resolution: Resolution, now: float) -> Resolution:
        decision = self.decision
        if decision is None or _usage(resolution) == _usage(decision):
            return resolution
        source = resolution.source or self._policy.order[0]
        message = (
            f"An agent that was there before decided for {_usage(decision)} {now - self._due:.1f} s ago, and keeps "
            f"that; only one that comes now would use {_usage(resolution)}"
        )
        late = notice("W-LATE", source, resolution.participant, message)
        return replace(resolution, warnings=(*resolution.warnings, late))


def _usage(resolution: Resolution) -> str:
    """Say what an agent would use."""
    if resolution.user_id is None or resolution.source == "random":
        return "none" if resolution.source is None else "a random ID"
    return resolution.user_id
