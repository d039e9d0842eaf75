"""The tour: five ways in which a user ID reaches an agent, each set up on a real server and judged by the resolver."""

import secrets
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from lkctl import convention
from lkctl.errors import LkctlError
from lkctl.models import Participant, RoomRequest
from lkctl.scenarios.resolution import snapshot_of
from lkctl.server.api import Api
from lkctl.server.rtc import joined
from lkctl.settings.shape import Pair
from lkctl.tokens.minting import Minted, TokenRequest, mint
from lkctl.userid import ENV_NAME, Resolution, Snapshot, resolve

_SOON = 3.0  # seconds until a participant who joined is listed; measured: milliseconds


@dataclass(frozen=True, slots=True)
class Scene:
    """One way for a user ID to reach the agent. `token_user_id` goes into the participant's metadata."""

    title: str
    room: str
    expected: str
    source: str
    room_user_id: str | None = None
    token_user_id: str | None = None
    agent_env: str | None = None
    by_user_id: bool = False  # the room was made with `room create --user-id`

    @property
    def metadata(self) -> str | None:
        """The room's metadata."""
        return (
            None
            if self.room_user_id is None
            else convention.metadata_text({convention.METADATA_KEY: self.room_user_id})
        )

    @property
    def commands(self) -> tuple[str, ...]:
        """What a user would type."""
        room = f" --metadata '{self.metadata}'" if self.metadata else ""
        who = f"--user-id {self.token_user_id}" if self.token_user_id else "--identity visitor"
        env = f" --agent-env {ENV_NAME}={self.agent_env}" if self.agent_env else ""
        return (
            f"lkctl room create --user-id {self.expected}"
            if self.by_user_id
            else f"lkctl room create {self.room}{room}",
            f"lkctl token mint {who} --room {self.room}",
            f"lkctl agent resolve {self.room}{env}",
        )


@dataclass(frozen=True, slots=True)
class Played:
    """A scene that was played: what an agent would resolve there."""

    scene: Scene
    resolution: Resolution
    visitor: str  # the identity that joined, or "" where nobody could

    @property
    def ok(self) -> bool:
        """Whether it is the expected ID, from the expected place."""
        return (self.resolution.user_id, self.resolution.source) == (self.scene.expected, self.scene.source)

    def json(self) -> dict[str, Any]:
        """Give the scene and its outcome for `-o json`."""
        return {
            "title": self.scene.title,
            "room": self.scene.room,
            "commands": list(self.scene.commands),
            "joined": self.visitor or None,
            "expected": {"user_id": self.scene.expected, "source": self.scene.source},
            "user_id": self.resolution.user_id,
            "source": self.resolution.source,
            "log": list(self.resolution.log),
            "ok": self.ok,
        }


def scenes(now_ms: int) -> tuple[Scene, ...]:
    """Write the five scenes, with user IDs and room names that nobody else has."""
    ids = [convention.make_user_id(now_ms + number, secrets.randbelow) for number in range(8)]
    plain = f"lkctl-demo-{secrets.token_hex(4)}"
    return (
        Scene("The ID is in the room's name", convention.room_of(ids[0]), ids[0], "room.name"),
        Scene("The ID is in the room's metadata", f"{plain}-2", ids[1], "room.metadata", room_user_id=ids[1]),
        Scene("The ID is in the agent's environment", f"{plain}-3", ids[2], "env", agent_env=ids[2]),
        Scene(
            "The ID is in the participant's metadata, and overrides all others",
            convention.room_of(ids[3]), ids[4], "participant.metadata",
            room_user_id=ids[5], token_user_id=ids[4], agent_env=ids[6],
        ),
        Scene("The room is made for the user: name and metadata", convention.room_of(ids[7]), ids[7], "room.metadata",
              room_user_id=ids[7], by_user_id=True),
    )  # fmt: skip


def play(api: Api, *, join: bool, timeout: float) -> Generator[Played, None, None]:
    """Play the five scenes one after the other; each is struck when the next one is asked for."""
    for scene in scenes(int(time.time() * 1000)):
        with playing(api.renewed(), scene, join=join, timeout=timeout) as played:
            yield played


@contextmanager
def playing(api: Api, scene: Scene, *, join: bool, timeout: float) -> Iterator[Played]:
    """Set a scene up on the server and judge it; the room and the visitor are there for the time of the `with`."""
    with _struck(api, scene.room), ExitStack() as stack:
        api.create_room(RoomRequest(scene.room, metadata=scene.metadata))
        token = _ticket(api, scene)
        visitor = stack.enter_context(joined(api.url, token.token, timeout=timeout)) if join else ""
        snapshot = _look(api, scene, visitor)
        if not join:
            snapshot = snapshot_of(scene.room, api.get_room(scene.room), (_imagined(token),))
        env = {ENV_NAME: scene.agent_env} if scene.agent_env else {}
        yield Played(scene, resolve(replace(snapshot, env=env)), visitor)


def _look(api: Api, scene: Scene, visitor: str) -> Snapshot:
    """See the room through the API, once the visitor is listed."""
    end = time.monotonic() + _SOON
    while True:
        people = tuple(api.list_participants(scene.room))
        if (
            not visitor
            or any(one.identity == visitor and one.state == "ACTIVE" for one in people)
            or time.monotonic() > end
        ):
            return snapshot_of(scene.room, api.get_room(scene.room), people)
        time.sleep(0.05)


def _ticket(api: Api, scene: Scene) -> Minted:
    credentials = api.target.credentials
    pair = Pair("demo", credentials.key, credentials.secret.reveal())
    identity = None if scene.token_user_id else "visitor"
    request = TokenRequest(identity=identity, user_id=scene.token_user_id, room=scene.room, ttl=600)
    return mint(request, pair, now=time.time(), entropy=secrets.token_bytes)


def _imagined(token: Minted) -> Participant:
    """Stand in for the visitor where the extra `rtc` is missing: what the token would make of it."""
    return Participant(
        identity=str(token.claims["sub"]), state="ACTIVE", metadata=str(token.claims.get("metadata", ""))
    )


@contextmanager
def _struck(api: Api, room: str) -> Iterator[None]:
    """Delete the room at the end; that it cannot be deleted is told, unless there is worse to tell."""
    try:
        yield
    except BaseException:
        with suppress(LkctlError):
            api.renewed().delete_room(room)
        raise
    try:
        api.renewed().delete_room(room)
    except LkctlError as error:
        if error.code != "room-missing":
            raise
