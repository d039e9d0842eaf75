"""A scratch room with a canary in every source, a visitor in it, and what comes out of the agent again."""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lkctl.agents.launch.logline import LogLine
from lkctl.agents.launch.order import Found
from lkctl.agents.trace.canary import Canaries
from lkctl.models import AgentRequest, Participant, RoomRequest
from lkctl.server.api import Api
from lkctl.server.rtc import joined
from lkctl.settings.shape import Pair
from lkctl.tokens.minting import mint

_NOBODY = "-nobody"
_SERVERS = "lk."  # attributes that the server and the SDK write


class Sightings:
    """Where the canaries came out again, by source."""

    def __init__(self, canaries: Canaries) -> None:
        self._canaries = canaries
        self._places: dict[str, list[str]] = {source: [] for source in canaries.values}
        self._parts: dict[str, str] = {}  # what came out of those that never came out whole
        self._whole: set[str] = set()

    def hear(self, line: LogLine) -> None:
        """Look into a line of the agent's output."""
        self._look("log" if line.logger else "stdout", line.said)

    def see(self, agent: Participant) -> None:
        """Look at the agent in the room."""
        attributes = [value for name, value in agent.attributes.items() if not name.startswith(_SERVERS)]
        self._look("attributes", " ".join(attributes))
        self._look("metadata", agent.metadata)
        self._look("name", agent.name)

    def found(self, read: Collection[str] | None) -> tuple[Found, ...]:
        """Tell of each canary; `read` are the sources that the script's own code read, None where nobody looked."""
        return tuple(
            Found(
                source,
                value,
                None if read is None else source in read,
                tuple(self._places[source]),
                "" if source in self._whole else self._parts.get(source, ""),
            )
            for source, value in self._canaries.values.items()
        )

    def _look(self, place: str, text: str) -> None:
        for source, seen in self._canaries.found_in(text).items():
            if place not in self._places[source]:
                self._places[source].append(place)
            if seen == self._canaries.values[source]:
                self._whole.add(source)
            self._parts.setdefault(source, seen)


def scratch_request(canaries: Canaries, name: str) -> RoomRequest:
    """Ask for the room, before there is a worker: it calls nobody, and no unnamed agent either."""
    return replace(canaries.room(name), agents=(AgentRequest(nobody(name)),))


def nobody(name: str) -> str:
    """Give the agent name that stands in for `name` until its worker is there."""
    return name + _NOBODY


@contextmanager
def visited(api: Api, canaries: Canaries, seconds: float) -> Iterator[str]:
    """Have a visitor in the room for the time of the `with`, before the agent comes; give its identity."""
    credentials = api.target.credentials
    pair = Pair("canary", credentials.key, credentials.secret.reveal())
    token = mint(canaries.visitor(), pair, now=time.time(), entropy=os.urandom).token
    with joined(api.url, token, timeout=seconds) as identity:
        yield identity
