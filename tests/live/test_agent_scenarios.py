"""Who is the user? A real worker of livekit-agents and real participants, and the prediction from outside.

All scenes are set up at once and played side by side, because an agent waits for its user; each test then looks at one.
"""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Credentials, Target
from lkctl.settings.url import parse_url
from tests.agentworkers import AgentWorker, Told, agent_worker
from tests.guests import guest
from tests.harness import invoke, until

pytestmark = pytest.mark.live

METADATA = b"\xe2\x9c\x85 Using user ID from metadata: "
LOG = {
    "participant.metadata": METADATA,
    "room.metadata": METADATA,
    "room.name": b"\xf0\x9f\x94\x97 Using user ID from room name: ",
    "env": b"\xf0\x9f\x8c\x8d Using user ID from environment: ",
}
RANDOM_LOG = b"\xe2\x9a\xa0\xef\xb8\x8f No Chrome user ID detected, using random session\n"
TAIL = secrets.token_hex(4)  # so that no other test has rooms of these names
PATIENT, HASTY = (
    {"limit": 60},
    {"limit": 2},
)  # seconds that a worker's agents wait for a user: where one comes, where not
AT_ONCE = 6  # scenes that are set up side by side: each guest is a process that loads the SDK


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who joins: before the agent, or after it; `user_id` is the letter of an ID in the metadata."""

    identity: str = "visitor"
    user_id: str = ""
    first: bool = False
    kind: str | None = None
    grants: Mapping[str, Any] = field(default_factory=dict)
    writes: str = ""  # the letter of the ID that he writes into his own metadata once he is in


@dataclass(frozen=True, slots=True)
class Scene:
    """A room and those who come; IDs by letters: a participant's a, the room's b, its name's c, the environment's d.

    `expected` and `source` are the answer. `env` takes the worker with an ID in its environment.
    """

    id: str
    source: str
    expected: str = ""
    name: str = ""
    room: str = ""
    text: str = ""  # metadata of the room that holds no ID
    env: bool = False
    visitors: tuple[Visitor, ...] = (Visitor(),)
    trusted: bool = True

    @property
    def worker(self) -> str:
        """Which worker the room's agent comes from."""
        return "env" if self.env else "patient" if any(one.kind != "agent" for one in self.visitors) else "hasty"

    @property
    def room_name(self) -> str:
        return f"mcp-chrome-user-{self.user_id(self.name)}" if self.name else f"scene-{self.id}-{TAIL}"

    def user_id(self, letter: str) -> str:
        """Write out an ID; that of the environment is one for all, others are this scene's own."""
        return f"user_1704067200000_{TAIL}{'d' if letter == 'd' else f'{SCENES.index(self):02}{letter}'}"

    def metadata(self, letter: str) -> str:
        return json.dumps({"userId": self.user_id(letter), "source": "chrome_extension"}) if letter else ""


A = Visitor(user_id="a")
SCENES = [
    Scene("S1-name", "room.name", "c", name="c"),
    Scene("S1-nobody", "room.name", "c", name="c", visitors=()),
    Scene("S2-room", "room.metadata", "b", room="b"),
    Scene("S3-env", "env", "d", env=True),
    Scene("S3-env-for-another", "env", "d", env=True, visitors=(Visitor("another"),)),
    Scene("S4-participant-later", "participant.metadata", "a", "c", "b", env=True, visitors=(A,)),
    Scene("S4-participant-first", "participant.metadata", "a", "c", "b", env=True, visitors=(replace(A, first=True),)),
    Scene("direct-creation", "room.metadata", "b", name="b", room="b"),
    Scene("conflict-room", "room.metadata", "b", name="c", room="b", env=True),
    Scene("conflict-name", "room.name", "c", name="c", env=True),
    Scene("room-not-json", "room.name", "c", name="c", text="hello"),
    Scene("nothing", "random"),
    Scene("nobody", "random", visitors=()),
    Scene("only-an-agent", "random", visitors=(Visitor("robot", "a", first=True, kind="agent"),)),
    Scene("participant-alone", "participant.metadata", "a", visitors=(A,)),
    Scene("by-phone", "participant.metadata", "a", room="b", visitors=(Visitor("+49", "a", kind="sip"),)),
    Scene(
        "two-users-the-earlier", "participant.metadata", "a",
        visitors=(Visitor("zoe", "a", first=True), Visitor("adam", "e", first=True)),
    ),
    Scene(
        "an-agent-and-a-user", "participant.metadata", "a",
        visitors=(Visitor("robot", "e", first=True, kind="agent"), A),
    ),
    Scene(
        "writes-it-himself", "participant.metadata", "a", name="c", trusted=False,
        visitors=(Visitor(grants={"canUpdateOwnMetadata": True}, writes="a"),),
    ),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """The server, its workers by name, and all that has to be ended at the end."""

    server: LocalServer
    workers: Mapping[str, AgentWorker]
    stack: ExitStack

    def api(self) -> Api:
        return Api(
            Twirp(Target(parse_url(self.server.url), Credentials(self.server.key, self.server.secret)), timeout=60)
        )


@pytest.fixture(scope="module")
def told(livekit_server: LocalServer) -> "Iterator[dict[str, Future[Told]]]":
    """What the workers say of each scene; those who came stay until the last test."""
    orders = {
        "patient": {"LKCTL_PATIENCE": json.dumps(PATIENT)},
        "env": {"LKCTL_PATIENCE": json.dumps(PATIENT), "CHROME_USER_ID": SCENES[0].user_id("d")},
        "hasty": {"LKCTL_PATIENCE": json.dumps(HASTY)},
    }
    with ThreadPoolExecutor(AT_ONCE) as threads, ExitStack() as stack:

        def start(name: str) -> AgentWorker:
            return stack.enter_context(agent_worker(livekit_server, agent_name(name), env=orders[name]))

        stage = Stage(livekit_server, dict(zip(orders, threads.map(start, orders), strict=True)), stack)

        def play(scene: Scene) -> Told:
            enact(stage, scene)
            return stage.workers[scene.worker].told(scene.room_name, 60)

        yield {scene.id: threads.submit(play, scene) for scene in SCENES}


def agent_name(worker: str) -> str:
    return f"scenes-{worker}-{TAIL}"


def enact(stage: Stage, scene: Scene) -> None:
    """Make the room, and have people and agent come in their order."""
    api, name = stage.api(), scene.room_name
    api.create_room(RoomRequest(name, metadata=scene.text or scene.metadata(scene.room), departure_timeout=600))
    stage.stack.callback(strike, stage, name)
    come(stage, scene, first=True)
    api.create_dispatch(name, agent_name(scene.worker))
    if any(not one.first for one in scene.visitors):
        assert until(
            lambda: any(
                one.is_agent and one.state == "ACTIVE" and one.identity != "robot"
                for one in api.list_participants(name)
            ),
            30,
        )
        time.sleep(0.5)
    come(stage, scene, first=False)


def come(stage: Stage, scene: Scene, *, first: bool) -> None:
    for one in scene.visitors:
        if one.first == first:
            joining = guest(
                stage.server,
                one.identity,
                scene.room_name,
                kind=one.kind,
                metadata=scene.metadata(one.user_id),
                grants=one.grants,
            )
            visitor = stage.stack.enter_context(joining)
            if one.writes:
                time.sleep(0.1)
                visitor.do("set_metadata", text=scene.metadata(one.writes))


def strike(stage: Stage, name: str) -> None:
    with suppress(LkctlError):
        stage.api().delete_room(name)


def predicted(scene: Scene, command: str, *options: str) -> dict[str, Any]:
    env = ("--agent-env", f"CHROME_USER_ID={scene.user_id('d')}") if scene.env else ()
    done = invoke("agent", command, scene.room_name, *options, *env, "-o", "json")
    assert done.code == 0, done.err
    return dict(json.loads(done.out))


def answer(document: Mapping[str, Any]) -> tuple[Any, ...]:
    """Give what a prediction must agree in; a random ID is known only inside."""
    known = None if document["source"] == "random" else document["user_id"]
    codes = sorted({warning["code"] for warning in document["warnings"]})
    return document["source"], known, document["participant"], document["trusted"], codes


@pytest.mark.parametrize("scene", SCENES, ids=[scene.id for scene in SCENES])
def test_worker_and_prediction_agree(scene: Scene, server: LocalServer, told: "dict[str, Future[Told]]") -> None:
    lines, result = told[scene.id].result(120)
    user_id = result["user_id"]
    if scene.source == "random":
        assert re.fullmatch(r"user_[0-9]{13}_[a-z0-9]{12}", user_id)
        assert lines == [RANDOM_LOG]
    else:
        assert user_id == scene.user_id(scene.expected)
        assert lines == [LOG[scene.source] + user_id.encode() + b"\n"]
    assert (result["source"], result["trusted"]) == (scene.source, scene.trusted)
    assert answer(result) == answer(predicted(scene, "resolve"))
    wait = "none" if scene.worker == "hasty" else "participant"
    assert answer(result) == answer(predicted(scene, "simulate", "--wait", wait))
    assert published(scene.room_name) == {"lkctl.user_id": user_id, "lkctl.user_id.source": scene.source}


def published(room: str) -> dict[str, str]:
    """Read the attributes of the agent back."""
    people = json.loads(invoke("participant", "list", room, "-o", "json").out)
    (agent,) = [one for one in people if "lk.agent_name" in one["attributes"]]
    return {name: value for name, value in agent["attributes"].items() if name.startswith("lkctl.")}
