"""The server's API: Twirp with JSON bodies (livekit/protocol, livekit_room.proto, livekit_agent_dispatch.proto).

Not the SDK's client: it has no working timeout, loses the reason of a 401 and lets foreign exceptions through (measured
on livekit-api 1.2.2). Tests parse every body that is sent here into LiveKit's own protobuf messages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from shlex import quote
from typing import Any, TypeVar

from lkctl.errors import LkctlError
from lkctl.models import Dispatch, Participant, Room, RoomRequest, Track
from lkctl.server import decode
from lkctl.server.deadline import Deadline
from lkctl.server.twirp import Twirp
from lkctl.server.unsupported import UNMUTE_OFF, cloud_only, unmute_off
from lkctl.settings.layers import Target
from lkctl.settings.url import ServerUrl

T = TypeVar("T")

_ROOM_MISSING = "requested room does not exist"
_PARTICIPANT_MISSING = "participant does not exist"
_DISPATCH_MISSING = "dispatch ID not found"
_UNIMPLEMENTED = "not implemented"


class Api:
    """The API of one server, with one set of credentials; all calls together end within the time limit of `twirp`."""

    def __init__(self, twirp: Twirp) -> None:
        self._twirp = twirp
        self._call = twirp.call

    def renewed(self) -> "Api":
        """Give the same API with its time before it."""
        return Api(self._twirp.renewed())

    def bounded(self, seconds: float, *, quiet: bool = True) -> "Api":
        """Give the same API for one look of many: with `seconds` before it, no sign of life of its own if `quiet`."""
        return Api(self._twirp.bounded(seconds, quiet=quiet))

    def quiet(self) -> "Api":
        """Give the same API, within the same time, without signs of life of its own: for calls of many threads."""
        return Api(self._twirp.quiet())

    def close(self) -> None:
        """Hang up; calls that are under way in other threads end, and none can follow."""
        self._twirp.close()

    @property
    def deadline(self) -> Deadline:
        """By when all calls have ended."""
        return self._twirp.deadline

    @property
    def target(self) -> Target:
        """URL and credentials."""
        return self._twirp.target

    @property
    def url(self) -> ServerUrl:
        """Where the calls go."""
        return self._twirp.url

    @property
    def now(self) -> datetime:
        """The time by the server's clock, as its last answer told it (header Date); by ours where it told none."""
        return datetime.fromtimestamp(self._twirp.now, UTC)

    def list_rooms(self, names: Sequence[str] = ()) -> list[Room]:
        """Give the rooms, or those of the given names, by name (the server's own order is random)."""
        reply = self._call("RoomService/ListRooms", {"names": list(names)} if names else {}, {"roomList": True})
        return sorted((decode.room(raw) for raw in decode.items(reply, "rooms")), key=lambda room: room.name)

    def existing_rooms(self, names: Sequence[str] = ()) -> set[str]:
        """Give the names of all rooms, or of those that exist of the given ones.

        A given name costs the server as much time as seven rooms of all (0.2 and 0.03 ms; measured on 1.13.5).
        """
        reply = self._call("RoomService/ListRooms", {"names": list(names)} if names else {}, {"roomList": True})
        return {str(raw.get("name")) for raw in decode.items(reply, "rooms")}

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
        with self._missing(name):
            self._call("RoomService/DeleteRoom", {"room": name}, {"roomCreate": True})

    def list_participants(self, room: str) -> list[Participant]:
        """Give who is in a room, in the order of joining; an absent room gives [] (measured)."""
        return decode.participants(self._call("RoomService/ListParticipants", {"room": room}, _admin(room)))

    def list_dispatches(self, room: str) -> list[Dispatch]:
        """Give the dispatches of a room that exists; for an absent one the server needs 3 s to say `unavailable`."""
        return decode.dispatches(self._call("AgentDispatchService/ListDispatch", {"room": room}, _admin(room)))

    def list_participants_of(self, rooms: Sequence[str]) -> list[list[Participant] | LkctlError]:
        """Give who is in each of several rooms, which are asked at the same time, or the error of that room."""
        return self._call_all("RoomService/ListParticipants", rooms, decode.participants)

    def list_dispatches_of(self, rooms: Sequence[str]) -> list[list[Dispatch] | LkctlError]:
        """Give the dispatches of each of several rooms, which are asked at the same time, or the error of that room."""
        return self._call_all("AgentDispatchService/ListDispatch", rooms, decode.dispatches)

    def update_room_metadata(self, name: str, metadata: str) -> Room:
        """Replace a room's metadata ("" clears it) and give the room as it is then; raise `room-missing`."""
        body = {"room": name, "metadata": metadata}
        with self._missing(name):
            return decode.room(self._call("RoomService/UpdateRoomMetadata", body, _admin(name)))

    def get_participant(self, room: str, identity: str) -> Participant:
        """Give one participant; raise `room-missing` or `participant-missing`."""
        return self.get_participant_to_change(room, identity)[0]

    def get_participant_to_change(self, room: str, identity: str) -> tuple[Participant, Mapping[str, Any]]:
        """Give one participant, and its permission as a server has it that knows more of them than lkctl."""
        with self._missing(room, identity):
            raw = self._call("RoomService/GetParticipant", _who(room, identity), _admin(room))
        permission = raw.get("permission")
        return decode.participant(raw), permission if isinstance(permission, dict) else {}

    def update_participant(self, room: str, identity: str, changes: Mapping[str, Any]) -> Participant:
        """Change what `changes` names of metadata, name, attributes, permission; give the participant as it is then.

        "" changes neither metadata nor name; attributes are merged, and "" deletes one; permission is replaced as a
        whole, what it leaves out is false (measured on 1.13.5). Raises `room-missing` or `participant-missing`.
        """
        body = {**_who(room, identity), **changes}
        with self._missing(room, identity):
            return decode.participant(self._call("RoomService/UpdateParticipant", body, _admin(room)))

    def remove_participant(self, room: str, identity: str) -> None:
        """Put a participant out; its token still lets it join again. Raises `room-missing` or `participant-missing`."""
        with self._missing(room, identity):
            self._call("RoomService/RemoveParticipant", _who(room, identity), _admin(room))

    def transfer_participant(self, room: str, identity: str, destination: str, *, leave: bool) -> None:
        """Move a participant to another room, or forward it there so that it is in both; raise `server-cloud`.

        Where nobody of that identity is in the room, the server needs 3 s to say `unavailable`: look first.
        """
        method, body = "MoveParticipant" if leave else "ForwardParticipant", {"destination_room": destination}
        grants = {**_admin(room), "destinationRoom": destination}
        try:
            self._call(f"RoomService/{method}", {**_who(room, identity), **body}, grants)
        except LkctlError as error:
            if _UNIMPLEMENTED in error.message:
                raise cloud_only(self.url) from None
            raise

    def mute_track(self, room: str, identity: str, sid: str, *, muted: bool) -> Track | None:
        """Mute or unmute a track, and give it as it is then; None where the server knows no such track (measured).

        Where nobody of that identity is in the room, the server needs 3 s to say `unavailable`: look first. Raises
        `server-unmute` where the server lets only the participant unmute, also for a track that it does not know.
        """
        body = {**_who(room, identity), "track_sid": sid, "muted": muted}
        try:
            raw = self._call("RoomService/MutePublishedTrack", body, _admin(room)).get("track")
        except LkctlError as error:
            if UNMUTE_OFF in error.message:
                raise unmute_off(self.url) from None
            raise
        return decode.track(raw) if isinstance(raw, dict) else None

    def create_dispatch(self, room: str, agent_name: str, metadata: str = "") -> Dispatch:
        """Ask for an agent. A missing room is made by it; where the server makes none, it needs 3 s to say so."""
        body = {"room": room, "agent_name": agent_name, "metadata": metadata}
        return decode.dispatch(self._call("AgentDispatchService/CreateDispatch", body, _admin(room)))

    def delete_dispatch(self, room: str, dispatch_id: str) -> None:
        """Delete a dispatch, which ends its jobs; raise `dispatch-missing`. An absent room takes 3 s to be told."""
        body = {"room": room, "dispatch_id": dispatch_id}
        try:
            self._call("AgentDispatchService/DeleteDispatch", body, _admin(room))
        except LkctlError as error:
            if _DISPATCH_MISSING in error.message:
                raise dispatch_missing(room, dispatch_id) from None
            raise

    def insist_egress(self) -> None:
        """Raise `server-redis` at once where the server can record nothing; other egress calls need seconds for it."""
        self._call("Egress/ListEgress", {"room_name": "-"}, {"roomRecord": True})

    def _call_all(
        self, method: str, rooms: Sequence[str], read: Callable[[Mapping[str, Any]], T]
    ) -> list[T | LkctlError]:
        replies = self._twirp.call_all(method, [({"room": room}, _admin(room)) for room in rooms])
        return [reply if isinstance(reply, LkctlError) else read(reply) for reply in replies]

    @contextmanager
    def _missing(self, room: str, identity: str = "") -> Iterator[None]:
        """Say of what does not exist which it is: the server says "participant" also where the room is missing."""
        try:
            yield
        except LkctlError as error:
            if _ROOM_MISSING in error.message:
                raise room_missing(room, self.url) from None
            if _PARTICIPANT_MISSING in error.message:
                missing = self.find_room(room) is None
                raise (room_missing(room, self.url) if missing else participant_missing(room, identity)) from None
            raise


def room_body(request: RoomRequest) -> dict[str, Any]:
    """Write a CreateRoomRequest with just the fields that were asked for."""
    return {name: value for name, value in asdict(request).items() if value is not None}


def room_missing(name: str, url: ServerUrl) -> LkctlError:
    """Make the error for a room that does not exist."""
    return LkctlError("room-missing", f"there is no room {name!r} on {url.http}", hint="Run: lkctl room list")


def participant_missing(room: str, identity: str) -> LkctlError:
    """Make the error for an identity that nobody in the room has."""
    hint = f"Run: lkctl participant list {quote(room)}"
    return LkctlError("participant-missing", f"nobody in room {room!r} has the identity {identity!r}", hint=hint)


def dispatch_missing(room: str, dispatch_id: str) -> LkctlError:
    """Make the error for a dispatch that the room does not have."""
    hint = f"Run: lkctl dispatch list {quote(room)}"
    return LkctlError("dispatch-missing", f"room {room!r} has no dispatch {dispatch_id!r}", hint=hint)


def _admin(room: str) -> dict[str, Any]:
    return {"roomAdmin": True, "room": room}


def _who(room: str, identity: str) -> dict[str, str]:
    return {"room": room, "identity": identity}
