"""Two nodes that share a Redis: the same answers from both, and the truth when a node or the Redis is gone."""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from tests.guests import guest
from tests.harness import Done, invoke
from tests.redis import Redis, api_of, eventually, kill, node, running_redis
from tests.watcher import watching

pytestmark = pytest.mark.live
KEYS = {"APIclusterkey": "cluster0secret1of2tests3a4b5c6d7e8f9g0h1i2"}
LIMIT = 10  # seconds: what commands give themselves
SLACK = 5  # seconds for the start of Python on a busy machine
WAYS = [pytest.param(0, 1, id="first to second"), pytest.param(1, 0, id="second to first")]


class Cluster(NamedTuple):
    """A Redis and the nodes on it."""

    redis: Redis
    nodes: list[LocalServer]


@pytest.fixture(scope="module")
def shared_cluster(livekit_server_program: Path) -> Iterator[Cluster]:
    """Run two nodes for all tests that end none of them."""
    with running_redis() as redis, ExitStack() as running:
        pair = [running.enter_context(node(livekit_server_program, redis, KEYS)) for _ in range(2)]
        yield Cluster(redis, pair)


@pytest.fixture
def cluster(shared_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The two nodes; the key is in the environment, the node is named by --url."""
    configure(shared_cluster.nodes[0], monkeypatch)
    return shared_cluster


@pytest.fixture
def room(cluster: Cluster) -> Iterator[str]:
    """A name that nobody else has; the room is deleted afterwards, if there is one."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    through(cluster.nodes[0], "room", "delete", name, "--yes")


def configure(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)


def through(server: LocalServer, *arguments: str) -> Done:
    """Run a command against one node; it must end in time, whatever is broken."""
    api_of(server)  # its secret is looked for in all output
    started = time.monotonic()
    done = invoke(*arguments, "--url", server.url, "-o", "json")
    assert time.monotonic() - started < LIMIT + SLACK, arguments
    return done


def told(server: LocalServer, *arguments: str) -> Any:
    """Run a command that must end well; give its JSON."""
    done = through(server, *arguments)
    assert done.code == 0, done.err
    return json.loads(done.out)


def failure(done: Done) -> tuple[int, str]:
    """Give exit code and error code."""
    return done.code, json.loads(done.err.splitlines()[-1])["error"]["code"]


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_a_room_from_its_making_to_its_end(here: int, there: int, cluster: Cluster, room: str) -> None:
    """Made here, it is the same there; changed there, it is changed here; deleted there, it is gone here."""
    one, other = cluster.nodes[here], cluster.nodes[there]
    told(one, "room", "create", room, "--metadata", '{"plan":"a"}', "--max-participants", "3")
    for command in (["room", "list"], ["room", "inspect", room], ["participant", "list", room]):
        assert told(one, *command) == told(other, *command), command
    listed = [(each["name"], each["metadata"]) for each in told(other, "room", "list")]
    assert (room, '{"plan":"a"}') in listed
    told(other, "room", "update", room, "--set", "plan=b")
    told(one, "room", "wait", room, "metadata.plan=b")
    assert told(one, "room", "inspect", room)["room"]["metadata"] == '{"plan":"b"}'
    told(other, "room", "delete", room, "--yes")
    for server in cluster.nodes:
        assert failure(through(server, "room", "inspect", room)) == (3, "room-missing")
        assert room not in [each["name"] for each in told(server, "room", "list")]


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_a_participant(here: int, there: int, cluster: Cluster, room: str) -> None:
    """Joined through one node, it is seen, changed, muted and put out through the other."""
    one, other = cluster.nodes[here], cluster.nodes[there]
    with guest(other, "alice", room, metadata='{"n":1}', attributes={"plan": "pro"}) as alice:
        sid = alice.do("publish", source="microphone", name="mic")
        eventually(lambda: told(one, "track", "list", room))
        assert told(one, "participant", "list", room) == told(other, "participant", "list", room)
        picture = ["room", "inspect", room]  # its count of people comes late, so perhaps between our two looks
        eventually(lambda: told(one, *picture) == told(other, *picture))
        seen = told(one, "participant", "list", room)[0]
        assert (seen["identity"], seen["state"], seen["attributes"]) == ("alice", "ACTIVE", {"plan": "pro"})
        told(one, "track", "mute", room, "alice", sid)
        assert [track["muted"] for track in told(other, "track", "list", room)] == [True]
        told(one, "room", "wait", room, "participant=alice", "track=alice:microphone")
        told(one, "participant", "update", room, "alice", "--attribute", "plan=free")
        assert told(other, "participant", "list", room)[0]["attributes"] == {"plan": "free"}
        for server in cluster.nodes:
            done = through(server, "participant", "move", room, "alice", "--to", f"{room}-b")
            assert failure(done) == (7, "server-cloud")
        told(one, "participant", "remove", room, "alice", "--yes")
        eventually(lambda: alice.events.get(timeout=10)["event"] == "disconnected")
        for server in cluster.nodes:
            assert told(server, "participant", "list", room) == []


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_a_dispatch(here: int, there: int, cluster: Cluster, room: str) -> None:
    """Made through one node, it is listed and deleted through the other."""
    one, other = cluster.nodes[here], cluster.nodes[there]
    told(one, "room", "create", room)
    made = told(one, "dispatch", "create", room, "nobody")["dispatch"]["id"]
    assert made in [each["id"] for each in told(other, "dispatch", "list", room)]
    assert told(one, "dispatch", "list", room) == told(other, "dispatch", "list", room)
    told(other, "dispatch", "delete", room, made, "--yes")
    assert made not in [each["id"] for each in told(one, "dispatch", "list", room)]
    assert failure(through(one, "dispatch", "delete", room, made, "--yes")) == (3, "dispatch-missing")


HELD_BY_THE_DEAD = [
    ["room", "inspect", "held"],
    ["room", "update", "held", "--set", "plan=b"],
    ["dispatch", "list", "held"],
    ["participant", "update", "held", "alice", "--name", "A"],
    ["participant", "remove", "held", "alice", "--yes"],
    ["participant", "move", "held", "alice", "--to", "elsewhere"],
    ["room", "delete", "held", "--yes"],
]


def test_a_node_that_was_killed(livekit_server_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other still lists its room and who was in it; what only the dead one could do ends in time, with 7."""
    with running_redis() as redis, ExitStack() as running:
        first = running.enter_context(node(livekit_server_program, redis, KEYS))
        configure(first, monkeypatch)
        alice = running.enter_context(guest(first, "alice", "held"))  # there is no other node yet to have the room
        second = running.enter_context(node(livekit_server_program, redis, KEYS))
        told(second, "room", "inspect", "held")
        alice.kill()
        kill(first)
        assert [each["name"] for each in told(second, "room", "list")] == ["held"]
        ghost = told(second, "participant", "list", "held")[0]
        assert (ghost["identity"], ghost["state"]) == ("alice", "ACTIVE")
        for command in HELD_BY_THE_DEAD:
            done = through(second, *command)
            assert failure(done) == (7, "server-unavailable"), command
            assert "no response from servers (503)" in done.err
            assert "may be down" in done.err
        told(second, "room", "create", "of-the-living")
        told(second, "room", "delete", "of-the-living", "--yes")


@pytest.mark.parametrize(
    ("ci", "outcome"), [pytest.param("", pytest.skip.Exception, id="skipped"), ("true", pytest.fail.Exception)]
)
def test_without_the_program(ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Redis skips these tests and says why; CI may not."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no redis-server on PATH"), running_redis():
        pass


WITHOUT_REDIS = [
    pytest.param(["room", "list"], id="room list"),
    pytest.param(["room", "inspect", "r"], id="room inspect"),
    pytest.param(["room", "create", "r"], id="room create"),
    pytest.param(["room", "delete", "r", "--yes"], id="room delete"),
    pytest.param(["room", "update", "r", "--set", "a=1"], id="room update"),
    pytest.param(["room", "wait", "r", "exists"], id="room wait"),
    pytest.param(["participant", "list", "r"], id="participant list"),
    pytest.param(["participant", "inspect", "r", "alice"], id="participant inspect"),
    pytest.param(["participant", "update", "r", "alice", "--name", "A"], id="participant update"),
    pytest.param(["participant", "remove", "r", "alice", "--yes"], id="participant remove"),
    pytest.param(["track", "list", "r"], id="track list"),
    pytest.param(["dispatch", "list", "r"], id="dispatch list"),
    pytest.param(["dispatch", "create", "r", "nobody"], id="dispatch create"),
    pytest.param(["agent", "resolve", "r"], id="agent resolve"),
]


@pytest.fixture(scope="module")
def bereft(livekit_server_program: Path) -> Iterator[Cluster]:
    """Run a node whose Redis has died after a room was made."""
    with running_redis() as redis, node(livekit_server_program, redis, KEYS) as server:
        api_of(server).create_room(RoomRequest(name="r"))
        redis.stop()
        yield Cluster(redis, [server])


@pytest.mark.parametrize("command", WITHOUT_REDIS)
def test_redis_died(command: list[str], bereft: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command says at once that it is most likely Redis, and ends with 7."""
    configure(bereft.nodes[0], monkeypatch)
    done = through(bereft.nodes[0], *command)
    assert (failure(done), done.out) == ((7, "server-redis"), "")
    assert "most likely because it cannot use its Redis" in done.err
    assert "connection refused" in done.err


def test_no_watch_begins_without_redis(bereft: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """It survives a Redis that goes away; one that is away from the start is told, as everywhere."""
    configure(bereft.nodes[0], monkeypatch)
    done = invoke("room", "watch", "r", "-o", "jsonl")
    assert (failure(done), done.out) == ((7, "server-redis"), "")


def test_diagnose_without_redis(bereft: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The health check is the first to say it."""
    configure(bereft.nodes[0], monkeypatch)
    eventually(lambda: "406" in invoke("diagnose", "--only", "http.health", "-o", "json").out)
    report = invoke("diagnose", "-o", "json")
    assert report.code == 1
    assert "not ready" in json.loads(report.out)["probable_cause"]["message"]


def test_redis_returns(livekit_server_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty; nobody needs to restart anything, and lkctl works again."""
    with running_redis() as redis, node(livekit_server_program, redis, KEYS) as server:
        configure(server, monkeypatch)
        redis.stop()
        assert failure(through(server, "room", "list")) == (7, "server-redis")
        redis.start()
        eventually(lambda: through(server, "room", "list").code == 0)
        eventually(lambda: through(server, "room", "create", "again").code == 0)  # the node must first be known again
        assert [each["name"] for each in told(server, "room", "list")] == ["again"]


def test_redis_goes_and_returns_amid_a_watch(livekit_server_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost, with the cause; back, without its rooms; then on as before."""
    with running_redis() as redis, node(livekit_server_program, redis, KEYS) as server:
        configure(server, monkeypatch)
        told(server, "room", "create", "before")
        with watching("-o", "jsonl") as watch:
            redis.stop()
            assert watch.await_event("server_lost")["new"]["code"] == "server-redis"
            redis.start()
            watch.await_event("server_back", timeout=60)
            watch.await_event("room_finished", room="before")
            eventually(lambda: through(server, "room", "create", "after").code == 0)
            watch.await_event("room_started", room="after")


def test_redis_hangs(livekit_server_program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says nothing: the server gives up first, or our own time limit does."""
    with running_redis() as redis, node(livekit_server_program, redis, KEYS) as server:
        configure(server, monkeypatch)
        redis.freeze()
        assert failure(through(server, "room", "list", "--timeout", "1")) == (5, "net-timeout")
        done = through(server, "room", "list")
        assert failure(done) == (7, "server-redis")
        assert "i/o timeout" in done.err
