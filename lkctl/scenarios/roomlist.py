"""The rooms of a server: those that are wanted, in the wanted order, with who is really in them if that is asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Room
from lkctl.scenarios.roomfilter import RoomFilter
from lkctl.server.api import Api

if TYPE_CHECKING:
    from lkctl.scenarios.fleet import Reply, Tally  # for those who ask each room

ORDERS = ("name", "created", "participants", "age")


class Present(NamedTuple):
    """How many are in a room: people, hidden ones too; agents; recorders, ingress and bridges."""

    participants: int
    agents: int
    services: int = 0


class Listed(NamedTuple):
    """A room, and who is in it; `present` is None where nobody asked, or the room gave no answer (`failed`)."""

    room: Room
    present: Present | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rooms, and how: `order` one of ORDERS (else `usage`), with a `-` the other way round, as with `reverse`.

    With `counted`, `empty` or `without_agent` each room is asked who is in it; the last two leave out what does not
    fit: where anybody is, also an agent, or where an agent is.
    """

    filter: RoomFilter = field(default_factory=RoomFilter)
    order: str = "name"
    reverse: bool = False
    counted: bool = False
    empty: bool = False
    without_agent: bool = False

    def __post_init__(self) -> None:
        if self.order.removeprefix("-") not in ORDERS:
            hint = f"Choose one of: {', '.join(ORDERS)}; with - before it, the other way round"
            raise LkctlError("usage", f"--sort is {self.order!r}", hint=hint)

    @property
    def asks(self) -> bool:
        """Whether each room is asked."""
        return self.counted or self.empty or self.without_agent

    def sorted(self, rooms: Sequence[Listed]) -> list[Listed]:
        """Put rooms in order, those without a time last; of equals the name decides."""
        bare = self.order.removeprefix("-")
        backwards = (bare != self.order) != self.reverse
        key, downwards = _KEYS[bare]
        by_name = sorted(rooms, key=lambda listed: listed.room.name, reverse=backwards and bare == "name")
        if bare == "name":
            return by_name
        known = [listed for listed in by_name if key(listed) is not None]
        return [
            *sorted(known, key=key, reverse=backwards != downwards),
            *(listed for listed in by_name if key(listed) is None),
        ]

    def fits(self, present: Present) -> bool:
        """Whether a room with so many in it is wanted."""
        return not (self.empty and any(present)) and not (self.without_agent and present.agents)


class RoomList:
    """The rooms that are wanted; to go through them asks the server. None stands for one that is left out."""

    def __init__(self, api: Api, wanted: Wanted, at_once: int) -> None:
        self._api = api
        self._wanted = wanted
        self._at_once = at_once
        now = time()
        self._listed_at = monotonic()
        rooms = [Listed(room) for room in api.list_rooms() if wanted.filter.fits(room, now)]
        self._rooms = wanted.sorted(rooms)
        self.tally = _tally(len(rooms)) if wanted.asks else None

    def __iter__(self) -> Iterator[Listed | None]:
        """Give the rooms in order, as their answers come; in the order of participants they must all be there first."""
        if self.tally is None:
            return iter(self._rooms)
        by_count = self._wanted.order.removeprefix("-") == "participants"
        return self._counted(self.tally) if by_count else self._ask(self.tally)

    def _ask(self, tally: "Tally[Present]") -> Iterator[Listed | None]:
        from lkctl.scenarios.fleet import Fleet

        fleet = Fleet(self._api, count_present, self._at_once)
        for reply in fleet.ask([listed.room for listed in self._rooms], self._listed_at):
            yield None if reply is None else self._judged(tally.count(reply))

    def _counted(self, tally: "Tally[Present]") -> Iterator[Listed | None]:
        kept = []
        for listed in self._ask(tally):
            if listed is not None:
                kept.append(listed)
            yield None
        yield from self._wanted.sorted(kept)

    def _judged(self, reply: "Reply[Present]") -> Listed | None:
        """Tell whether a room is shown: one that gave no answer only where nothing depends on it."""
        if reply.answer is not None:
            return Listed(reply.room, reply.answer) if self._wanted.fits(reply.answer) else None
        shown = reply.error is not None and not (self._wanted.empty or self._wanted.without_agent)
        return Listed(reply.room, failed=True) if shown else None


def count_present(_room: Room, people: Sequence[Participant], _dispatches: Sequence[Dispatch]) -> Present:
    """Count who is in a room."""
    from lkctl.scenarios.headcount import headcount

    counts = headcount(people)
    return Present(counts.people + counts.hidden, counts.agents, counts.services)


def _tally(total: int) -> "Tally[Present]":
    from lkctl.scenarios.fleet import Tally

    return Tally(total)


def _people(listed: Listed) -> int | None:
    if listed.failed:
        return None
    return listed.room.num_participants if listed.present is None else listed.present.participants


# What is compared, and whether more of it comes first
_KEYS: dict[str, tuple[Callable[[Listed], Any], bool]] = {
    "name": (attrgetter("room.name"), False),
    "created": (attrgetter("room.created_at"), False),
    "age": (attrgetter("room.created_at"), True),  # the youngest first
    "participants": (_people, False),
}
