"""The agents of README, as they stand there, run as README says: each job in a process of its own."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from lkctl.localserver.process import LocalServer
from tests.agentworkers import AgentWorker, agent_worker
from tests.guests import Guest, guest
from tests.harness import invoke, until

pytestmark = pytest.mark.live

EXAMPLES = Path(__file__).parents[1] / "examples"
OF_ENV, ALICE, BOB = (f"user_1704067200000_{secrets.token_hex(4)}{letter}" for letter in "dab")


@contextmanager
def running(server: LocalServer, file: str) -> Iterator[tuple[AgentWorker, str]]:
    """Run an example; give it, and the name to dispatch."""
    name = f"example-{secrets.token_hex(4)}"
    command = (str(EXAMPLES / file), "dev", "--no-reload")
    with agent_worker(server, name, command, env={"CHROME_USER_ID": OF_ENV, "PYTHONUNBUFFERED": ""}) as worker:
        yield worker, name


@pytest.fixture
def rooms(server: LocalServer) -> Iterator[tuple[str, str]]:
    names = f"example-{secrets.token_hex(4)}", f"example-{secrets.token_hex(4)}"
    yield names
    for name in names:
        invoke("room", "delete", name, "--yes")


def people(room: str) -> list[dict[str, Any]]:
    return list(json.loads(invoke("participant", "list", room, "-o", "json").out))


def agent_knows(room: str, user_id: str) -> bool:
    """Whether the room's agent has published this ID."""
    return user_id in [one["attributes"].get("user_id") for one in people(room) if one["kind"] == "AGENT"]


def test_three_lines_make_an_agent_that_knows_its_user(server: LocalServer, rooms: tuple[str, str]) -> None:
    room = rooms[0]
    assert len((EXAMPLES / "agent.py").read_text().splitlines()) <= 25
    with guest(server, "visitor", room), running(server, "agent.py") as (worker, name):
        assert invoke("dispatch", "create", room, name).code == 0
        expected = b"\xf0\x9f\x8c\x8d Using user ID from environment: " + OF_ENV.encode() + b"\n"
        worker.await_line(lambda line: line == expected)
        assert until(lambda: agent_knows(room, OF_ENV))


def test_one_worker_serves_several_users(server: LocalServer, rooms: tuple[str, str]) -> None:
    users = dict(zip(rooms, (ALICE, BOB), strict=True))
    with ExitStack() as stack:
        worker, name = stack.enter_context(running(server, "many_rooms.py"))
        visitors: dict[str, Guest] = {}
        for room, user in users.items():
            metadata = json.dumps({"userId": user})
            visitors[room] = stack.enter_context(guest(server, "visitor", room, metadata=metadata))
            assert invoke("dispatch", "create", room, name).code == 0
        for room, user in users.items():
            expected = b"\xe2\x9c\x85 Using user ID from metadata: " + user.encode() + b"\n"
            worker.await_line(lambda line, expected=expected: line == expected)  # type: ignore[misc]
            assert until(lambda room=room, user=user: agent_knows(room, user))  # type: ignore[misc]
        time.sleep(0.2)  # the agents listen right after they have published
        assert [said(visitors[room], "one") for room in rooms] == [f"{ALICE} said one", f"{BOB} said one"]
        assert said(visitors[rooms[0]], "two") == f"{ALICE} said one, two"
        assert said(visitors[rooms[1]], "three") == f"{BOB} said one, three"


def said(visitor: Guest, text: str) -> str:
    visitor.do("send", text=text)
    return str(visitor.await_event("data")["text"])
