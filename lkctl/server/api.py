"""The server's API: Twirp with JSON bodies (livekit/protocol, livekit_room.proto, livekit_agent_dispatch.proto).

Not the SDK's client: it has no working timeout, loses the reason of a 401 and lets foreign exceptions through (measured
on livekit-api 1.2.2). Tests parse every body that is sent here into LiveKit's own protobuf messages.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Room, RoomRequest
from lkctl.server import decode
from lkctl.server.answers import OK, UNAUTHORIZED, read_reply, twirp_error
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Request, traced
from lkctl.server.refusal import Refusal, Refused, mistaken, read_refusal, refused
from lkctl.settings.layers import Target
from lkctl.settings.shape import Pair, likely_meant
from lkctl.settings.url import ServerUrl
from lkctl.tokens.signer import api_token

_TWIRP = "/twirp/livekit."
_TOKEN_TTL = 5  # seconds; the server's leeway of 60 comes on top, so that clocks may be a minute apart, as for SDKs
_ROOM_MISSING = "requested room does not exist"


class Api:
    """The API of one server, with one set of credentials.

    All calls together end within `timeout` seconds from the first; `renewed()` gives as much again. `wait` opens a
    sign of life around each call, `trace` is told of it.
    """

    def __init__(
        self,
        target: Target,
        *,
        timeout: float,
        trace: Callable[[str], None] | None = None,
        wait: Callable[[str], AbstractContextManager[object]] = nullcontext,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.target = target
        self._timeout = timeout
        self._deadline: Deadline | None = None
        self._trace = trace
        self._wait = wait
        self._clock = clock

    def renewed(self) -> "Api":
        """Give the same API with its time before it."""
        return Api(self.target, timeout=self._timeout, trace=self._trace, wait=self._wait, clock=self._clock)

    @property
    def url(self) -> ServerUrl:
        """Where the calls go."""
        return self.target.url

    def list_rooms(self, names: Sequence[str] = ()) -> list[Room]:
        """Give the rooms, or those of the given names, by name (the server's own order is random)."""
        reply = self._call("RoomService/ListRooms", {"names": list(names)} if names else {}, {"roomList": True})
        return sorted((decode.room(raw) for raw in decode.items(reply, "rooms")), key=lambda room: room.name)

    def find_room(self, name: str) -> Room | None:
        """Give a room, or None where it does not exist."""
        return next((room for room in self.list_rooms([name]) if room.name == name), None)

    def get_room(self, name: str) -> Room:
        """Give a room; raise `room-missing`."""
        room = self.find_room(name)
        if room is None:
            raise room_missing(name, self.url)
        return room

    def create_room(self, request: RoomRequest) -> Room:
        """Create a room and give what the server made of it. A room that exists is given back unchanged (measured)."""
        return decode.room(self._call("RoomService/CreateRoom", room_body(request), {"roomCreate": True}))

    def delete_room(self, name: str) -> None:
        """Delete a room and put its participants out; raise `room-missing`."""
        try:
            self._call("RoomService/DeleteRoom", {"room": name}, {"roomCreate": True})
        except LkctlError as error:
            if _ROOM_MISSING in error.message:
                raise room_missing(name, self.url) from None
            raise

    def list_participants(self, room: str) -> list[Participant]:
        """Give who is in a room, in the order of joining; an absent room gives [] (measured)."""
        reply = self._call("RoomService/ListParticipants", {"room": room}, {"roomAdmin": True, "room": room})
        found = [decode.participant(raw) for raw in decode.items(reply, "participants")]
        return sorted(found, key=lambda participant: (participant.joined_at_ms, participant.identity))

    def list_dispatches(self, room: str) -> list[Dispatch]:
        """Give the dispatches of a room that exists; for an absent one the server needs 3 s to say `unavailable`."""
        reply = self._call("AgentDispatchService/ListDispatch", {"room": room}, {"roomAdmin": True, "room": room})
        return sorted((decode.dispatch(raw) for raw in decode.items(reply, "agent_dispatches")), key=lambda d: d.id)

    def _call(self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any]) -> Mapping[str, Any]:
        pair = self.target.credentials.pair
        self._deadline = deadline = self._deadline or Deadline(self._timeout)
        with self._wait(f"waiting for {self.url.http}"):
            answer = self._post(method, body, grants, pair, deadline)
        if answer.status == UNAUTHORIZED and not twirp_error(answer):
            raise self._explain(read_refusal(answer.text), answer, pair, deadline)
        return read_reply(answer, self.url)

    def _post(
        self, method: str, body: Mapping[str, Any], grants: Mapping[str, Any], pair: Pair, deadline: Deadline
    ) -> Answer:
        token = api_token(pair.key, pair.secret, grants, self._clock(), _TOKEN_TTL)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = Request("POST", _TWIRP + method, headers, json.dumps(body).encode())
        return traced(self.url, request, deadline, self._trace)

    def _explain(self, refusal: Refusal, answer: Answer, pair: Pair, deadline: Deadline) -> LkctlError:
        """Find out by experiment which one cause stands behind a 401."""
        if refusal.why in {Refused.key, Refused.signature}:
            for meant in likely_meant(pair.key, pair.secret):
                if self._accepts(meant, deadline):
                    return mistaken(self.target, meant)
        return refused(self.target, refusal, answer)

    def _accepts(self, pair: Pair, deadline: Deadline) -> bool:
        try:
            return (
                self._post("RoomService/ListRooms", {"names": ["-"]}, {"roomList": True}, pair, deadline).status == OK
            )
        except LkctlError:  # the first answer stands
            return False


def room_body(request: RoomRequest) -> dict[str, Any]:
    """Write a CreateRoomRequest with just the fields that were asked for."""
    fields = ("name", "metadata", "empty_timeout", "departure_timeout", "max_participants")
    return {name: getattr(request, name) for name in fields if getattr(request, name) is not None}


def room_missing(name: str, url: ServerUrl) -> LkctlError:
    """Make the error for a room that does not exist."""
    return LkctlError("room-missing", f"there is no room {name!r} on {url.http}", hint="Run: lkctl room list")
