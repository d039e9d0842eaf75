"""The one join on the signal connection that most checks of media judge, in a room that is gone again afterwards."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from lkctl.checks.inquiry import addresses
from lkctl.checks.media.places import Place, is_worth_asking, kind_of, parse, place_of
from lkctl.checks.roomsight import api_of
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline, side_by_side
from lkctl.server.ice import Candidate, Outcome, Reach, Session, reach
from lkctl.server.iceserver import IceUrl, read_ice_url, try_ice_server
from lkctl.server.signal import IceServer, Visit, visiting
from lkctl.server.turn import Relay
from lkctl.server.validate import is_sendable
from lkctl.tokens.signer import sign

LONGEST = 15.0  # seconds, for the engine: the join, the ICE checks, the relays, the removal
ROOM = "lkctl-media-"
_JOIN, _REACH, _REMOVE = 5.0, 2.0, 3.0  # seconds
_TOKEN = 120  # seconds; a run takes 60
_SOON_OVER = {"emptyTimeout": 10, "departureTimeout": 1}  # seconds, should nobody come to remove the room
_MOST_SERVERS = 16
_NOBODY = "lkctl-none"  # with an agent named, agents without a name are not called (measured)


class ServerUse(NamedTuple):
    """A STUN or TURN server that clients are told of, what came of using it, and why nothing did."""

    url: IceUrl
    relay: Relay = Relay()
    error: LkctlError | None = None


class Sight(NamedTuple):
    """What the join showed: the visit, and what came of asking the candidates, and of using STUN and TURN servers.

    `place`: where the URL leads, and `hosts` its addresses. `asked`: only what was worth it (places.py). `kept`: why
    the room could not be removed; None where it is gone.
    """

    visit: Visit
    place: Place
    hosts: frozenset[str]
    asked: tuple[Reach, ...]
    uses: tuple[ServerUse, ...]
    kept: LkctlError | None

    def of(self, protocol: str) -> list[Reach]:
        """Give what came of the candidates of a protocol."""
        return [one for one in self.asked if one.candidate.protocol == protocol]

    @property
    def answered(self) -> frozenset[str]:
        """The addresses at which the server answered an ICE check."""
        return frozenset(one.candidate.endpoint.address for one in self.asked if one.outcome is Outcome.answered)

    def uses_of(self, *, relays: bool, secure: bool = False) -> list[ServerUse]:
        """Give what came of the TURN servers, with TLS or without, or of the STUN servers."""
        return [one for one in self.uses if one.url.relays == relays and one.url.secure == secure]


def sight_of(world: World) -> Sight:
    """Join, look and leave, once in a run. Raises LkctlError as `visiting` does."""
    return world.memory.once("media.sight", lambda: _look(world))


def _look(world: World) -> Sight:
    url = world.server_url()
    hosts = [address for _, address in addresses(world, url)]
    place = place_of(hosts)
    given = world.scope.token if world.scope.join_with_token else ""
    if not is_sendable(given):
        raise LkctlError("input-malformed", "the given token holds what no header can hold", hint="See token.form")
    with throw_away(world) as room:
        token = given or ticket(world, room.name, hidden=True)
        with visiting(url, token, Deadline(min(world.patience, _JOIN))) as visit:
            asked, uses = _ask_all(visit, place)
    return Sight(visit, place, frozenset(hosts), asked, uses, room.kept)


def _ask_all(visit: Visit, place: Place) -> tuple[tuple[Reach, ...], tuple[ServerUse, ...]]:
    """Ask candidates, and STUN and TURN servers, all at the same time, while the session stands that answers."""
    worth = tuple(one for one in visit.candidates if not one.own and is_worth_asking(one.endpoint.address, place))
    urls = [(read_ice_url(url), server) for server in visit.ice_servers for url in server.urls]
    session = visit.session
    asks: list[Callable[[], Reach | ServerUse]] = []
    if session is not None:
        asks += [partial(_reach, one, session) for one in worth]
    asks += [partial(_use, url, server, (worth, session), place) for url, server in urls[:_MOST_SERVERS] if url]
    found = side_by_side(asks)
    return (
        tuple(one for one in found if isinstance(one, Reach)),
        tuple(one for one in found if isinstance(one, ServerUse)),
    )


def _reach(candidate: Candidate, session: Session) -> Reach:
    return reach(candidate, session, Deadline(_REACH))


def _use(
    url: IceUrl, server: IceServer, towards: tuple[tuple[Candidate, ...], Session | None], place: Place
) -> ServerUse:
    if parse(url.host) is not None and not is_worth_asking(url.host, place):
        said = f"{url.place} is {kind_of(url.host)}, to which nothing leads from here"
        hint = "Set rtc.node_ip: TURN over UDP is told of under that address"
        return ServerUse(url, error=LkctlError("net-failed", said, hint=hint))
    try:
        return ServerUse(url, try_ice_server(url, server, towards, Deadline(_REACH)))
    except LkctlError as error:
        return ServerUse(url, error=error)


class Room:
    """A room that is removed at the end; `name` is "" where the user's own token leads to a room of its own."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.name = "" if world.scope.join_with_token else f"{ROOM}{secrets.token_hex(4)}"
        self.kept: LkctlError | None = None

    def remove(self) -> None:
        """Remove the room; one that is gone already is fine."""
        if not self.name:
            return
        try:
            api_of(self._world).bounded(_REMOVE).delete_room(self.name)
        except LkctlError as error:
            if error.code != "room-missing":
                self.kept = error


@contextmanager
def throw_away(world: World, end: Callable[[], object] = lambda: None) -> Iterator[Room]:
    """Have the name of a room that nobody else has; whatever comes of it is removed, also when the run is cut short.

    `end` is done before, so that nobody joins once more.
    """
    room = Room(world)

    def undo() -> None:
        end()
        room.remove()

    with world.leftovers.undone(undo):
        yield room


def ticket(world: World, room: str, *, hidden: bool) -> str:
    """Sign a token for the throw-away room. It may make the room, should the server not do so at a join."""
    pair = world.settings.credentials().pair
    now = int(time.time())
    video: dict[str, Any] = {"roomJoin": True, "roomCreate": True, "room": room, "hidden": hidden}
    claims = {
        "iss": pair.key,
        "sub": f"{ROOM}{secrets.token_hex(4)}",
        "nbf": now,
        "exp": now + _TOKEN,
        "video": video,
        "roomConfig": {**_SOON_OVER, "agents": [{"agentName": _NOBODY}]},
    }
    return sign(claims, pair.secret)
