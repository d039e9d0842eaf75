"""A room as the checks see it: looked at once in a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lkctl.checks.world import World
from lkctl.dispatch import Judged
from lkctl.models import Participant, Room
from lkctl.scenarios.headcount import headcount, those_there
from lkctl.scenarios.look import look_at
from lkctl.scenarios.resolution import snapshot_of
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Target
from lkctl.userid import Resolution, resolve

_PATIENCE = 8.0  # seconds for all of it


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen; `room` is None where it is not open, `dispatches` where its node did not answer in time.

    `now` is the time by the server's clock.
    """

    name: str
    room: Room | None
    there: tuple[Participant, ...]
    dispatches: tuple[Judged, ...] | None
    now: datetime

    @property
    def taken(self) -> int:
        """How many of max_participants are taken: the hidden count, agents and recorders do not (measured)."""
        return sum(holds_place(kind=one.kind, grants=_grants(one)) for one in self.there)

    @property
    def full(self) -> bool:
        """Whether nobody else can join."""
        most = self.room.max_participants if self.room is not None else 0
        return 0 < most <= self.taken

    @property
    def people(self) -> tuple[Participant, ...]:
        """Those for whom the room stays open: no agents, and nobody whose token says recorder."""
        return tuple(one for one in self.there if holds_place(kind=one.kind, grants=_grants(one)))

    @property
    def agents(self) -> tuple[Participant, ...]:
        """The agents that are in it."""
        return tuple(one for one in self.there if one.is_agent)

    def resolution(self) -> Resolution:
        """Say which user ID an agent would use there."""
        dispatches = [one.dispatch for one in self.dispatches or ()]
        return resolve(snapshot_of(self.name, self.room, self.there, dispatches))


def see_room(world: World, name: str) -> Sight:
    """Look at a room, or give what was seen when it was first looked at in this run; nothing is changed by it."""
    return world.memory.once(f"room {name}", lambda: _look(api_of(world), name))


def see_room_again(world: World, name: str) -> Sight:
    """Look at a room as it is now."""
    return _look(api_of(world), name)


def api_of(world: World) -> Api:
    """Open the API of the configured server."""
    target = Target(world.server_url(), world.settings.credentials())
    return Api(Twirp(target, timeout=min(world.patience, _PATIENCE)))


def say_people(sight: Sight) -> str:
    """Count who is in it: `2 people, 1 agent`."""
    counts = headcount(sight.there)
    words = (
        (counts.people, "person", "people"),
        (counts.hidden, "hidden", "hidden"),
        (counts.agents, "agent", "agents"),
        (counts.services, "recorder or bridge", "recorders and bridges"),
    )
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in words if count) or "nobody"


def holds_place(*, kind: str, grants: Mapping[str, Any]) -> bool:
    """Whether a participant counts against max_participants, and keeps a room open (both measured on 1.13.5)."""
    return kind != "AGENT" and not grants.get("agent") and not grants.get("recorder")


def _look(api: Api, name: str) -> Sight:
    look = look_at(api, api.find_room(name), name)
    return Sight(name, look.room, those_there(look.participants), look.dispatches, api.now)


def _grants(participant: Participant) -> Mapping[str, Any]:
    return {"agent": participant.permission.agent, "recorder": participant.permission.recorder}
