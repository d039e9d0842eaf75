"""Which user ID an agent would use in each room of the server."""

from collections.abc import Iterator, Sequence
from time import monotonic, time
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Room
from lkctl.output.columns import fit
from lkctl.scenarios.fleet import Fleet, Tally, say_rooms
from lkctl.scenarios.resolution import Demands, Judge, snapshot_of, unmet
from lkctl.scenarios.roomfilter import RoomFilter
from lkctl.server.api import Api
from lkctl.userid import Resolution

_LONGEST_NAME = 60  # cells


class Resolved(NamedTuple):
    """A room and the resolution of it."""

    room: str
    resolution: Resolution


class Resolutions:
    """The resolutions of all rooms that fit, by name; to go through them asks the server. None: there is none.

    Each is what `from_api` and `judge` would give for the room, by its metadata as it was listed.
    """

    def __init__(self, api: Api, wanted: RoomFilter, judge: Judge, demands: Demands, at_once: int) -> None:
        self._listed_at = monotonic()
        now = time()
        self._rooms = [room for room in api.list_rooms() if wanted.fits(room, now)]
        self._fleet = Fleet(api, self._resolve, at_once, dispatches=True)
        self._judge = judge
        self._demands = demands
        self._unmet: list[str] = []
        self._first: LkctlError | None = None
        self.tally: Tally[Resolution] = Tally(len(self._rooms))

    def __iter__(self) -> Iterator[Resolved | None]:
        """Give them in order, as the answers come."""
        for reply in self._fleet.ask(self._rooms, self._listed_at):
            answer = None if reply is None else self.tally.count(reply).answer
            if reply is None or answer is None:
                yield None
                continue
            failure = unmet(answer, self._demands)
            if failure is not None:
                self._unmet.append(reply.room.name)
                self._first = self._first or failure
            yield Resolved(reply.room.name, answer)

    def insist(self) -> None:
        """Raise `expectation-failed` where the ID of a room is unresolved, or a demand is not met."""
        if self._first is not None:
            count = f"{len(self._unmet):,} of {say_rooms(self.tally.total)} failed"
            told = f"{count}; the first is {fit(self._unmet[0], _LONGEST_NAME)!r}: {self._first.message}"
            raise LkctlError(self._first.code, told, hint="Look at one: lkctl agent resolve ROOM --explain")

    def _resolve(self, room: Room, people: Sequence[Participant], dispatches: Sequence[Dispatch]) -> Resolution:
        return self._judge(snapshot_of(room.name, room, people, dispatches))
