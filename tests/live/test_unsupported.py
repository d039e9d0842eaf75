"""Calls that need Redis, an egress worker or LiveKit Cloud, on servers that have none of it.

`lkctl` must say so at once: the server itself lets most of these calls run into a time limit of its own.
"""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from lkctl.server.api import Api
from tests.guests import guest
from tests.redis import api_of, node, running_redis

pytestmark = pytest.mark.live
AT_ONCE = 1.0  # seconds
PATIENT = 20.0
KEY = "APIunsupported"
EGRESS = {"room": {"room_name": "any", "file_outputs": [{"filepath": "/nowhere/any.mp4"}]}}
SERVERS = ["without Redis", "with Redis"]


@pytest.fixture(scope="module")
def with_redis(livekit_server_program: Path) -> Iterator[LocalServer]:
    """Run a server that has a Redis, and no worker of any kind."""
    with running_redis() as redis, node(livekit_server_program, redis, {KEY: "unsupported0of1tests" * 2}) as server:
        yield server


@pytest.fixture
def which(request: pytest.FixtureRequest) -> LocalServer:
    """The server that the table names; Redis is started only for those who ask."""
    fixture = {"without Redis": "livekit_server", "with Redis": "with_redis"}[request.param]
    server: LocalServer = request.getfixturevalue(fixture)
    return server


@pytest.fixture
def room(which: LocalServer) -> Iterator[str]:
    """A room that exists."""
    name = f"test-{secrets.token_hex(4)}"
    api_of(which).create_room(RoomRequest(name=name))
    yield name
    api_of(which).delete_room(name)


def code_of(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    """Give the code of the error that a call raises, or "none"."""
    try:
        call(*arguments, **named)
    except LkctlError as error:
        return error.code
    return "none"


@pytest.mark.parametrize(
    ("which", "code"), [("without Redis", "server-redis"), ("with Redis", "none")], indirect=["which"]
)
def test_whether_anything_can_be_recorded(which: LocalServer, code: str) -> None:
    """Answered at once; that a worker is there it does not say."""
    assert code_of(api_of(which, AT_ONCE).insist_egress) == code


@pytest.mark.parametrize("leave", [pytest.param(True, id="move"), pytest.param(False, id="forward")])
@pytest.mark.parametrize("which", SERVERS, indirect=True)
def test_only_cloud_takes_people_elsewhere(which: LocalServer, room: str, leave: bool) -> None:
    """Said at once of somebody who is there, and nobody is taken out; of others the server says nothing for 3 s."""
    target = f"{room}-b"

    def transfer(api: Api, identity: str) -> str:
        return code_of(api.transfer_participant, room, identity, target, leave=leave)

    with guest(which, "alice", room):
        assert transfer(api_of(which, AT_ONCE), "alice") == "server-cloud"
        assert [each.identity for each in api_of(which).list_participants(room)] == ["alice"]
        assert transfer(api_of(which, AT_ONCE), "bob") == "net-timeout"
        assert transfer(api_of(which), "bob") == "server-unavailable"
    assert api_of(which).find_room(target) is None


@pytest.mark.parametrize("which", SERVERS, indirect=True)
def test_a_room_that_nobody_records(which: LocalServer) -> None:
    """The server looks for a worker for 10 s, keeps the room, and says success or `canceled`, as chance has it.

    Therefore `insist_egress` comes first, and only the list of egresses proves that anything is recorded.
    """
    api, name = api_of(which, PATIENT), f"test-{secrets.token_hex(4)}"
    try:
        assert code_of(api_of(which, AT_ONCE).create_room, RoomRequest(name=name, egress=EGRESS)) == "net-timeout"
        assert code_of(api.create_room, RoomRequest(name=f"{name}-b", egress=EGRESS)) in {"none", "server-error"}
        assert [room.name for room in api.list_rooms([name, f"{name}-b"])] == [name, f"{name}-b"]
        if which.key == KEY:
            listed = api._call("Egress/ListEgress", {"room_name": f"{name}-b"}, {"roomRecord": True})
            assert listed["items"] == []
    finally:
        for made in (name, f"{name}-b"):
            code_of(api.renewed().delete_room, made)
