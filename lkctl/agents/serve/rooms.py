"""The rooms and tokens of the service: made, looked at and removed through the API. All of it blocks."""

import json
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from lkctl import convention
from lkctl.agents.serve.messages import Fault
from lkctl.errors import ExitCode, LkctlError
from lkctl.models import AgentRequest, Participant, Room, RoomRequest
from lkctl.scenarios.creation import create_room
from lkctl.server.api import Api
from lkctl.settings.shape import Pair
from lkctl.tokens.minting import TokenRequest, mint

CREATED_BY: Final = "chrome_extension"  # what the extension's own server writes
CALL_WITHIN: Final = 5.0  # seconds for what is done for one session, one call or several
_LOOK_WITHIN = 3.0
_AT_ONCE = 16


class Ticket(NamedTuple):
    """A token for a room, and until when it can be used, in ms since 1970."""

    token: str
    expires_at: int

    def __repr__(self) -> str:
        return "Ticket(<JWT>)"


class Rooms:
    """Makes the rooms of users. `idle`: seconds after which the server ends a room that nobody is in."""

    def __init__(self, api: Api, *, idle: int, ttl: int) -> None:
        self._api = api
        self._idle = idle
        self._ttl = ttl
        self._left: dict[str, Room] = {}

    @property
    def api(self) -> Api:
        """The API with a time limit for one session's work."""
        return self._api.bounded(CALL_WITHIN)

    def create(self, user_id: str, agent_name: str | None) -> Room:
        """Make a user's room anew; raise Fault `room-exists`, `livekit-failed` or `livekit-lost`.

        A room of this user that was left behind is deleted first, if nobody is in it, no agent either: of a room that
        exists neither agent nor metadata can be set any more by making it (measured).
        """
        name = convention.room_of(user_id)
        request = RoomRequest(
            name,
            metadata=convention.metadata_text(_room_metadata(user_id)),
            empty_timeout=self._idle,
            departure_timeout=self._idle,
            agents=None if agent_name is None else (AgentRequest(agent_name),),
        )
        try:
            self._clear(name, user_id)
            creation = create_room(self.api, request)
        except LkctlError as error:
            raise fault_of(error) from None
        if not creation.created:
            raise Fault("room-exists")
        if creation.not_applied:
            self.delete(creation.room)
            raise Fault("livekit-failed", detail=f"not applied: {', '.join(creation.not_applied)}")
        return creation.room

    def mint(self, user_id: str) -> Ticket:
        """Make the token with which the user joins his room, and can do nothing else."""
        credentials = self._api.target.credentials
        pair = Pair("serve", credentials.key, credentials.secret.reveal())
        metadata = convention.metadata_text(_participant_metadata(user_id))
        room = convention.room_of(user_id)
        request = TokenRequest(identity=user_id, room=room, metadata=metadata, ttl=self._ttl)
        minted = mint(request, pair, now=time.time(), entropy=secrets.token_bytes, force=True)
        return Ticket(minted.token, int(minted.claims["exp"]) * 1000)

    def delete(self, room: Room) -> str:
        """Delete a room, and put out who is in it; give the reason why it could not be, or "".

        One of the same name that somebody else has made since is left alone. What could not be deleted is kept in mind
        for `delete_left`.
        """
        try:
            api = self.api
            if any(found.sid == room.sid for found in api.list_rooms([room.name])):
                api.delete_room(room.name)
        except LkctlError as error:
            if error.code != "room-missing":
                self._left[room.sid] = room
                return error.message
        self._left.pop(room.sid, None)
        return ""

    def delete_left(self) -> None:
        """Try again to delete what could not be deleted."""
        for room in tuple(self._left.values()):
            self.delete(room)

    def sids(self, names: Sequence[str]) -> dict[str, str]:
        """Give the SIDs of those rooms that exist, by name; raise LkctlError where the server does not say."""
        rooms = self._api.bounded(_LOOK_WITHIN).list_rooms(names)
        return {room.name: room.sid for room in rooms}

    def people(self, names: Sequence[str]) -> dict[str, list[Participant]]:
        """Give who is in each of the rooms that gave an answer."""
        found: dict[str, list[Participant]] = {}
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            with suppress(LkctlError):
                answers = self._api.bounded(_LOOK_WITHIN).list_participants_of(some)
                found |= {name: one for name, one in zip(some, answers, strict=True) if isinstance(one, list)}
        return found

    def _clear(self, name: str, user_id: str) -> None:
        room = self.api.find_room(name)
        if room is None:
            return
        inside = [one for one in self.api.list_participants(name) if one.is_there]
        if inside or not _is_ours(room, user_id):
            raise Fault("room-exists", detail=f"{len(inside)} in it")
        self.delete(room)


def fault_of(error: LkctlError) -> Fault:
    """Tell the client which kind of failure it is, and the operator all of it."""
    gone = error.exit_code is ExitCode.UNREACHABLE
    return Fault("livekit-lost" if gone else "livekit-failed", detail=f"{error.code}: {error.message}")


def _room_metadata(user_id: str) -> dict[str, object]:
    return {convention.METADATA_KEY: user_id, "createdBy": CREATED_BY, "timestamp": int(time.time() * 1000)}


def _participant_metadata(user_id: str) -> dict[str, object]:
    return {convention.METADATA_KEY: user_id, "source": CREATED_BY, "capabilities": []}


def _is_ours(room: Room, user_id: str) -> bool:
    """Whether a room was made as this service makes them, for this user."""
    try:
        metadata = json.loads(room.metadata)
    except (ValueError, RecursionError):
        return False
    ours = {convention.METADATA_KEY: user_id, "createdBy": CREATED_BY}
    return isinstance(metadata, dict) and all(metadata.get(key) == value for key, value in ours.items())
