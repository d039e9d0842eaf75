"""`lkctl agent serve` on a real server: what clients get, what nobody gets, and that nothing stays behind."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from typing import Any

import aiohttp
import jwt
import pytest

from lkctl import convention
from lkctl.localserver.config import free_tcp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import RoomRequest
from tests.harness import SECRETS, command, freeze, invoke, until
from tests.serving import ORIGIN, Client, Service, connected, dial, drained, frame, joined, reset, serving, upgrade
from tests.watcher import api_of, running, use

pytestmark = pytest.mark.live
PROGRAMS = ("--allow-origin", "none")
SECRET = "shared-secret-for-tests-only"
Start = Callable[..., LocalServer]


@pytest.fixture
def user_id() -> str:
    """An ID that nobody else has."""
    return new_user_id()


def new_user_id() -> str:
    return convention.make_user_id(int(time.time() * 1000), secrets.randbelow)


def rooms_of(server: LocalServer, *user_ids: str) -> set[str]:
    """Give those of the users' rooms that exist."""
    return api_of(server).existing_rooms() & {convention.room_of(user_id) for user_id in user_ids}


def test_a_user_gets_a_room(server: LocalServer, user_id: str) -> None:
    """From connection_info to a participant whose ID is resolved as his own; and back to nothing."""
    before = int(time.time() * 1000)

    async def play(service: Service) -> None:
        async with connected(service) as client:
            said = {"userAgent": "Mozilla/5.0", "timestamp": before, "extensionId": "abcdefghijklmnop"}
            assigned = await client.introduce(user_id, **said)
            room = convention.room_of(user_id)
            known = {"type": "room_assigned", "url": server.url, "room": room, "identity": user_id, "userId": user_id}
            assert known.items() <= assigned.items()
            assert assigned["agentName"] is None
            insist_least_rights(server, assigned, room, user_id)
            metadata = json.loads(api_of(server).get_room(room).metadata)
            assert metadata.pop("timestamp") >= before
            assert metadata == {"userId": user_id, "createdBy": "chrome_extension"}
            with joined(assigned):
                done = invoke("agent", "resolve", room, "--expect", user_id, "-o", "json")
                found = json.loads(done.out)
                assert (done.code, found["source"], found["trusted"]) == (0, "participant.metadata", True)
            assert await client.say(type="ping") == {"type": "pong"}

    with serving(*PROGRAMS) as service:
        asyncio.run(play(service))
        closed = service.run.await_event("session_closed", user_id=user_id)
        assert (closed["code"], closed["room"]) == ("left", convention.room_of(user_id))
        assert not rooms_of(server, user_id)
        assert service.run.end(signal.SIGTERM).code == 143


def insist_least_rights(server: LocalServer, assigned: dict[str, Any], room: str, user_id: str) -> None:
    """The token joins this room for a while, and can do nothing else."""
    claims = jwt.decode(assigned["token"], server.secret.reveal(), algorithms=["HS256"])
    assert claims["video"] == {"roomJoin": True, "room": room}
    assert claims["sub"] == user_id
    assert claims.keys() <= {"iss", "sub", "iat", "exp", "video", "metadata"}
    assert claims["exp"] * 1000 == assigned["expiresAt"]
    assert 290 <= claims["exp"] - time.time() <= 301
    metadata = {"userId": user_id, "source": "chrome_extension", "capabilities": []}
    assert json.loads(claims["metadata"]) == metadata


ORIGINS = [
    pytest.param(None, id="none"),
    pytest.param("null", id="null"),
    pytest.param("none", id="the word none"),
    pytest.param("https://example.com", id="a page"),
    pytest.param(ORIGIN + ".example.com", id="longer"),
    pytest.param(ORIGIN[:-1], id="shorter"),
    pytest.param("x" * 2000, id="rubbish"),
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_other_origins_stay_outside(origin: str | None, server: LocalServer, user_id: str) -> None:
    """Who is not allowed gets 403, and no WebSocket; the allowed one gets in."""

    async def play(service: Service) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(service, origin):
                pass
        assert refused.value.status in {400, 403}
        async with connected(service, ORIGIN) as client:
            assert (await client.introduce(user_id))["type"] == "room_assigned"

    with serving("--allow-origin", ORIGIN) as service:
        asyncio.run(play(service))
        service.run.await_event("session_closed")


def test_only_the_secret_opens(server: LocalServer, user_id: str) -> None:
    """Without it or with another one: an error, close code 4401, and no room."""
    SECRETS.add(SECRET)

    async def play(service: Service) -> None:
        for fields, code in (({}, "secret-missing"), ({"secret": "another"}, "secret-wrong")):
            async with connected(service, "https://example.com") as client:
                assert (await client.introduce(user_id, **fields))["code"] == code
                assert await client.close_code() == 4401
        assert not rooms_of(server, user_id)
        async with connected(service, "https://example.com") as client:
            assert (await client.introduce(user_id, secret=SECRET))["type"] == "room_assigned"

    with serving("--allow-origin", "*", "--secret", SECRET) as service:
        asyncio.run(play(service))
        service.run.await_event("session_closed")
        service.run.end(signal.SIGTERM)


# What is sent raw; the code of the error that is told (None: the WebSocket's own close code says it), the close code
HOSTILE = [
    pytest.param(frame(b"hello"), "not-json", 4400, id="words"),
    pytest.param(frame(b""), "not-json", 4400, id="nothing"),
    pytest.param(frame(b"[]"), "not-object", 4400, id="array"),
    pytest.param(frame(b"[" * 16000), "not-json", 4400, id="deep"),
    pytest.param(frame(b'{"type": "connection_info", "userId": "\\ud800"}'), "user-id-invalid", 4400, id="surrogate"),
    pytest.param(frame(b'{"type": "room_assigned"}'), "type-unknown", 4400, id="unknown type"),
    pytest.param(frame(b"\x00\x01", opcode=2), "not-text", 1003, id="binary"),
    pytest.param(frame(b"x" * 20_000), "message-too-large", 1009, id="oversized"),
    pytest.param(frame(b"x" * 200_000), None, 1009, id="huge"),
    pytest.param(frame(b"x", length=2**62), None, 1009, id="huge by its own words"),
    pytest.param(frame(b"\xff\xfe"), None, 1007, id="no UTF-8"),
    pytest.param(frame(b"x", opcode=3), None, 1002, id="reserved opcode"),
    pytest.param(frame(b"x" * 126, opcode=9), None, 1002, id="ping too long"),
    pytest.param(b"\xf1\x80" + bytes(4), None, 1002, id="reserved bits"),
    pytest.param(frame(b'{"type":"ping"}') * 40, "too-many-messages", 4429, id="too many"),
]


@pytest.fixture(scope="module")
def open_service(livekit_server: LocalServer) -> Iterator[Service]:
    """One service for all hostile clients: none may harm it for the next."""
    with pytest.MonkeyPatch.context() as patch:
        use(livekit_server, patch)
        with serving(*PROGRAMS) as service:
            yield service


@pytest.mark.parametrize(("sent", "code", "close"), HOSTILE)
def test_hostile_messages(sent: bytes, code: str | None, close: int, open_service: Service) -> None:
    """Each is answered by an error and a close code; no room is made, and the service lives on."""
    with dial(open_service) as link:
        assert upgrade(link).startswith(b"HTTP/1.1 101 ")
        link.sendall(sent)
        answer = b""
        with suppress(ConnectionError):
            while part := link.recv(65536):
                answer += part
    assert code is None or f'"code": "{code}"'.encode() in answer
    assert close.to_bytes(2, "big") in answer
    assert open_service.health()["sessions"] == 0


REQUESTS = [
    pytest.param(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"426", id="plain GET"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", b"405", id="POST"),
    pytest.param(b"GET /other HTTP/1.1\r\nHost: h\r\n\r\n", b"404", id="another path"),
    pytest.param(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n", b"200", id="health"),
    pytest.param(b"DELETE /healthz HTTP/1.1\r\nHost: h\r\n\r\n", b"405", id="DELETE health"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01", b"", id="TLS"),
    pytest.param(b"nonsense\r\n\r\n", b"400", id="no HTTP"),
    pytest.param(b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 100_000 + b"\r\n\r\n", b"400", id="long header"),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"400", id="half an upgrade"
    ),
]


@pytest.mark.parametrize(("request_", "status"), REQUESTS)
def test_requests_that_are_no_websockets(request_: bytes, status: bytes, open_service: Service) -> None:
    """They are answered in plain text, and closed."""
    with dial(open_service) as link:
        link.sendall(request_)
        answer = b""
        with suppress(ConnectionError):
            while part := link.recv(65536):
                answer += part
    assert status in answer.split(b"\r\n", 1)[0]
    assert open_service.health()["status"] == "ok"


def test_slow_clients(open_service: Service) -> None:
    """Who says nothing, or half of it, is shut out after 10 s; who is deaf, after 23 s. They hold up nobody."""
    begun = time.monotonic()
    with ExitStack() as stack:
        links = [stack.enter_context(dial(open_service)) for _ in range(40)]
        for link in links[10:20]:
            link.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
        for link in links[20:]:
            upgrade(link)
        for link in links[30:]:
            link.sendall(frame(b'{"type": "connection_info"', length=300))
        assert open_service.health()["status"] == "ok"
        deaf = stack.enter_context(dial(open_service))  # has a session, and answers no ping any more
        upgrade(deaf)
        deaf.sendall(frame(json.dumps({"type": "connection_info", "userId": new_user_id()}).encode()))
        assert until(lambda: open_service.health()["sessions"] == 1)
        assert time.monotonic() - begun < 5
        assert all(drained(link) for link in links)
        assert 8 < time.monotonic() - begun < 20
        assert drained(deaf)
    assert time.monotonic() - begun < 35
    assert until(lambda: open_service.health()["sessions"] == 0)
    open_service.run.await_event("session_closed", code="left")


def test_clients_that_break_off(open_service: Service, livekit_server: LocalServer) -> None:
    """A reset in the middle ends the session, and its room."""
    user_ids = [new_user_id() for _ in range(20)]
    for number, user_id in enumerate(user_ids):
        link = dial(open_service)
        upgrade(link)
        link.sendall(frame(json.dumps({"type": "connection_info", "userId": user_id}).encode()))
        if number % 2:
            link.recv(65536)
        reset(link)
    assert until(lambda: open_service.health()["sessions"] == 0)
    assert until(lambda: not rooms_of(livekit_server, *user_ids))


def test_many_connections_in_a_second(open_service: Service) -> None:
    """Those over the rate get 429; the service answers all the while, and again afterwards."""
    answers = []
    for _ in range(1000):
        with dial(open_service) as link, suppress(ConnectionError):
            answers.append(upgrade(link)[9:12])
    assert set(answers) <= {b"101", b"429"}
    assert answers.count(b"429") > 50
    assert until(lambda: open_service.get("/healthz")[0] == 200)


def test_200_at_once(server: LocalServer) -> None:
    """200 clients at the same time get 200 rooms and tokens, at a bounded price; then all of it is gone."""
    user_ids = [new_user_id() for _ in range(200)]

    async def play(service: Service) -> list[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            clients = await asyncio.gather(*(stack.enter_async_context(connected(service)) for _ in user_ids))
            pairs = zip(clients, user_ids, strict=True)
            answers = await asyncio.gather(*(client.introduce(user_id) for client, user_id in pairs))
            assert service.health()["sessions"] == 200
            assert len(rooms_of(server, *user_ids)) == 200
            return answers

    with serving(*PROGRAMS, "--max-sessions", "200") as service:
        before = service.memory
        answers = asyncio.run(play(service))
        assert [answer["userId"] for answer in answers] == user_ids
        assert len({answer["token"] for answer in answers}) == 200
        assert service.memory - before < 60_000
        assert until(lambda: service.health()["sessions"] == 0, 30)
        assert not rooms_of(server, *user_ids)


def test_no_more_sessions_than_allowed(server: LocalServer) -> None:
    """The second user is refused; the first one's second socket is not, since it replaces the first."""

    async def play(service: Service) -> None:
        user_id = new_user_id()
        async with connected(service) as first, connected(service) as second, connected(service) as third:
            assert (await first.introduce(user_id))["type"] == "room_assigned"
            assert (await second.introduce(new_user_id()))["code"] == "too-many-sessions"
            assert await second.close_code() == 4429
            assert (await third.introduce(user_id))["type"] == "room_assigned"

    with serving(*PROGRAMS, "--max-sessions", "1") as service:
        asyncio.run(play(service))


def test_the_latest_socket_of_a_user_wins(server: LocalServer, user_id: str) -> None:
    """It gets a room of its own making; the one before is told so, and closed, however many there are."""

    async def play(service: Service) -> None:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connected(service)) for _ in range(6)]
            sids = []
            for client in clients[:2]:
                assert (await client.introduce(user_id))["type"] == "room_assigned"
                sids.append(api_of(server).get_room(convention.room_of(user_id)).sid)
            assert sids[0] != sids[1]
            assert (await clients[0].hear())["code"] == "replaced"
            assert await clients[0].close_code() == 4409
            answers = await asyncio.gather(*(client.introduce(user_id) for client in clients[2:]))
            assert [answer["type"] for answer in answers].count("room_assigned") >= 1
            assert service.health()["sessions"] == 1
            assert rooms_of(server, user_id)

    with serving(*PROGRAMS) as service:
        asyncio.run(play(service))
        assert until(lambda: service.health()["sessions"] == 0)
        assert not rooms_of(server, user_id)


def test_slips_do_not_end_a_session(server: LocalServer, user_id: str) -> None:
    """What is malformed later is answered; a second connection_info too."""

    async def play(service: Service) -> None:
        async with connected(service) as client:
            await client.introduce(user_id)
            await client.socket.send_str("rubbish")
            assert await client.hear() | {"message": ""} == {
                "type": "error", "code": "not-json", "message": "", "closing": False,
            }  # fmt: skip
            assert (await client.introduce(new_user_id()))["code"] == "already-assigned"
            assert (await client.say(type="nonsense"))["code"] == "type-unknown"
            assert await client.say(type="ping") == {"type": "pong"}
            assert rooms_of(server, user_id)
            await client.socket.send_bytes(b"x")
            assert (await client.hear())["code"] == "not-text"
            assert await client.close_code() == 1003

    with serving(*PROGRAMS) as service:
        asyncio.run(play(service))


async def _opened(service: Service, user_id: str, then: Callable[[], object]) -> tuple[str, int | None]:
    """Have a session while something happens; give the code that the client is told, and the close code."""
    async with connected(service) as client:
        assert (await client.introduce(user_id))["type"] == "room_assigned"
        await asyncio.to_thread(then)
        told = await client.hear()
        assert (told["type"], told["closing"]) == ("error", True)
        return told["code"], await client.close_code()


def test_a_room_that_nobody_joins(server: LocalServer, user_id: str) -> None:
    """The server ends it after --idle-timeout, and the client is told."""
    with serving(*PROGRAMS, "--idle-timeout", "1s") as service:
        assert asyncio.run(_opened(service, user_id, lambda: None)) == ("room-ended", 4410)


def test_a_room_that_somebody_deletes(server: LocalServer, user_id: str) -> None:
    """The client is told, and nothing is made anew."""
    room = convention.room_of(user_id)
    with serving(*PROGRAMS) as service:
        ended = asyncio.run(_opened(service, user_id, lambda: api_of(server).delete_room(room)))
        assert ended == ("room-ended", 4410)
        assert not rooms_of(server, user_id)


def test_a_room_that_somebody_makes_anew(server: LocalServer, user_id: str) -> None:
    """It is no room of this service any more, and stays."""
    api, room = api_of(server), convention.room_of(user_id)

    def replace() -> None:
        api.delete_room(room)
        api.create_room(RoomRequest(room, metadata="another's"))

    with serving(*PROGRAMS) as service:
        assert asyncio.run(_opened(service, user_id, replace)) == ("room-ended", 4410)
        service.run.await_event("session_closed", code="room-ended")
    assert api.get_room(room).metadata == "another's"
    api.delete_room(room)


def test_a_room_that_cannot_be_deleted_at_once(start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is deleted when the server answers again."""
    server = use(start_livekit_server(), monkeypatch)
    user_id = new_user_id()
    assert server.pid is not None
    pid = server.pid
    with serving(*PROGRAMS, "--idle-timeout", "1h") as service:
        assert asyncio.run(_opened(service, user_id, lambda: freeze(pid)))[0] == "livekit-lost"
        service.run.await_event("room_left")
        os.kill(pid, signal.SIGCONT)
        service.run.await_event("livekit_back")
        assert until(lambda: not rooms_of(server, user_id), 5)


def test_a_room_of_somebody_elses(server: LocalServer, user_id: str) -> None:
    """It stays as it is, and the client is refused: the room's metadata and agents could not be set any more."""
    api, room = api_of(server), convention.room_of(user_id)
    made = api.create_room(RoomRequest(room, metadata='{"userId": "another"}'))

    async def play(service: Service) -> None:
        async with connected(service) as client:
            assert (await client.introduce(user_id))["code"] == "room-exists"
            assert await client.close_code() == 4409

    with serving(*PROGRAMS) as service:
        asyncio.run(play(service))
        service.run.await_event("session_closed", code="room-exists")
    assert api.get_room(room).sid == made.sid
    api.delete_room(room)


def test_a_room_that_was_left_behind(server: LocalServer, user_id: str) -> None:
    """An empty room that such a service made for this user is made anew."""
    api, room = api_of(server), convention.room_of(user_id)
    metadata = json.dumps({"userId": user_id, "createdBy": "chrome_extension", "timestamp": 1})
    left = api.create_room(RoomRequest(room, metadata=metadata))

    async def play(service: Service) -> None:
        async with connected(service) as client:
            assert (await client.introduce(user_id))["type"] == "room_assigned"
            assert api.get_room(room).sid != left.sid

    with serving(*PROGRAMS) as service:
        asyncio.run(play(service))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_ends_with_all_its_sessions(number: signal.Signals, code: int, server: LocalServer) -> None:
    """Clients are told, rooms are gone, and it takes a moment only."""
    user_ids = [new_user_id() for _ in range(5)]

    async def play(service: Service) -> None:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connected(service)) for _ in user_ids]
            silent = await stack.enter_async_context(connected(service))
            for client, user_id in zip(clients, user_ids, strict=True):
                await client.introduce(user_id)
            service.run.process.send_signal(number)
            for client in (*clients, silent):
                assert (await client.hear())["code"] == "server-closing"
                assert await client.close_code() == 1001

    with serving(*PROGRAMS) as service:
        begun = time.monotonic()
        asyncio.run(play(service))
        assert service.run.end().code == code
        assert time.monotonic() - begun < 10
        assert not rooms_of(server, *user_ids)


def test_the_time_is_up(server: LocalServer, user_id: str) -> None:
    """With --timeout it ends by itself: exit code 0."""
    with serving(*PROGRAMS, "--timeout", "2s") as service:
        assert asyncio.run(_opened(service, user_id, lambda: None)) == ("server-closing", 1001)
        assert service.run.end().code == 0
        assert not rooms_of(server, user_id)


def test_killed(server: LocalServer, user_id: str) -> None:
    """After SIGKILL the LiveKit server ends the room by itself, within the idle timeout."""

    async def play(service: Service) -> None:
        async with connected(service) as client:
            await client.introduce(user_id)
            service.run.process.kill()
            assert await client.close_code() is not None

    with serving(*PROGRAMS, "--idle-timeout", "2s") as service:
        asyncio.run(play(service))
    assert until(lambda: not rooms_of(server, user_id), 20)


def test_the_livekit_server_goes_and_comes_back(
    start_livekit_server: Start, monkeypatch: pytest.MonkeyPatch, user_id: str
) -> None:
    """Clients are told, /healthz says 503, new ones are refused; then all is well again, without a restart."""
    livekit = use(start_livekit_server(port=free_tcp_port()), monkeypatch)

    async def refused(service: Service) -> str:
        async with connected(service) as client:
            return str((await client.introduce(new_user_id()))["code"])

    with serving(*PROGRAMS) as service:
        assert asyncio.run(_opened(service, user_id, livekit.stop)) == ("livekit-lost", 4503)
        service.run.await_event("livekit_lost")
        assert service.get("/healthz")[0] == 503
        assert asyncio.run(refused(service)) == "livekit-lost"
        livekit.start()
        service.run.await_event("livekit_back")
        assert service.get("/healthz")[0] == 200
        assert asyncio.run(refused_or_assigned(service, user_id)) == "room_assigned"


async def refused_or_assigned(service: Service, user_id: str) -> str:
    async with connected(service) as client:
        return str((await client.introduce(user_id))["type"])


def test_a_taken_port(open_service: Service, server: LocalServer) -> None:
    """It cannot listen where another one does."""
    done = invoke("agent", "serve", *PROGRAMS, "--port", str(open_service.port), "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (2, "port-taken")


def test_wrong_credentials(server: LocalServer) -> None:
    """It does not listen where LiveKit does not know it."""
    options = ("--url", server.url, "--api-key", "APIunknownunknown", "--api-secret", "x" * 40)
    done = invoke("agent", "serve", *PROGRAMS, *options, "-o", "json")
    assert (done.code, json.loads(done.err)["error"]["code"]) == (4, "auth-key")


def test_people_read_lines_on_stderr(server: LocalServer, user_id: str) -> None:
    """One line an event, with nothing in it that a terminal would obey; stdout stays empty."""

    async def play(port: int) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}/") as websocket:
            await Client(websocket).introduce(user_id)
        for origin in ("http://evil.example", "http://\u202eevil\u2028"):
            with suppress(aiohttp.ClientError, ValueError):
                async with aiohttp.ClientSession() as session:
                    await session.ws_connect(f"ws://127.0.0.1:{port}/", origin=origin)

    port = free_tcp_port()
    with running("agent", "serve", *PROGRAMS, "--port", str(port)) as run:
        assert "^C ends it" in str(run.remarks.get(timeout=20))
        asyncio.run(play(port))
        assert until(lambda: any("session_closed" in line for line in run.remarked))
        done = run.end(signal.SIGINT)
    assert (done.code, done.out) == (130, "")
    assert "room_created" in done.err
    assert user_id in done.err
    assert "origin http://evil.example  origin-refused" in done.err
    assert all(line.isprintable() for line in done.err.splitlines())


def test_a_reader_that_goes_away(server: LocalServer, user_id: str) -> None:
    """`… | head -1` ends the service at its next event, and it cleans up."""
    port = free_tcp_port()
    arguments = command("agent", "serve", *PROGRAMS, "--port", str(port), "-o", "name")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        process.stdout.close()
        asyncio.run(_visit(port, user_id))
        assert process.wait(20) == 141
    assert not rooms_of(server, user_id)


async def _visit(port: int, user_id: str) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"ws://127.0.0.1:{port}/") as websocket:
        client = Client(websocket)
        await websocket.send_str(json.dumps({"type": "connection_info", "userId": user_id}))
        await client.close_code()
