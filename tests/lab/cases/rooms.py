"""Rooms and what the server keeps, and services beside it (59 to 66, 84)."""

import socket
from collections.abc import Sequence

from aiohttp import web

from lkctl.localserver.config import HOST
from lkctl.models import RoomRequest
from tests.fakes import closed_port
from tests.guests import guest
from tests.lab.bench import Bench, address
from tests.lab.case import Case
from tests.lab.parts.relay import Fault, relaying
from tests.lab.parts.signal import upgraded
from tests.redis import api_of, eventually, running_redis


def rooms_are_not_made(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(room={"auto_create": False}))


def departure(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    api_of(server).create_room(RoomRequest(name="demo", empty_timeout=3600))
    bench.start(guest(server, "alice", "demo"))
    return ["--room", "demo"]


def more_than_allowed(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    api_of(server).create_room(RoomRequest(name="demo", max_participants=1))
    bench.start(guest(server, "alice", "demo"))
    bench.start(guest(server, "helper", "demo", kind="agent", grants={"agent": True}))
    return ["--room", "demo"]


def no_node(bench: Bench) -> Sequence[str]:
    """A Redis that takes no writes: the node's own sign of life gets old there, and then it counts as gone."""
    redis = bench.start(running_redis())
    server = bench.configured(**redis.settings)
    with socket.create_connection((HOST, redis.port), 5) as link:
        link.sendall(b"CONFIG SET min-replicas-to-write 1\r\n")
        assert link.recv(16).startswith(b"+OK")
    path = f"/rtc?access_token={bench.signed(server)}"
    eventually(lambda: "could not find any available nodes" in upgraded(server.port, path))
    return ["--media"]


def room_is_gone(bench: Bench) -> Sequence[str]:
    bench.configured()
    return ["--room", "demo"]


def no_egress_instance(bench: Bench) -> Sequence[str]:
    redis = bench.start(running_redis())
    bench.configured(**redis.settings)
    return []


def no_redis(bench: Bench) -> Sequence[str]:
    bench.configured()
    return []


def localhost_in_a_container(bench: Bench) -> Sequence[str]:
    """As an egress container sees it: its ws_url is that of the host, and the server is the service `livekit`."""
    server, port = bench.livekit(), closed_port()
    bench.names |= {"livekit": "127.0.0.4", f"127.0.0.4:{port}": f"{HOST}:{server.port}"}
    bench.env(f"ws://localhost:{port}", server.key, server.secret.reveal())
    bench.variables["container"] = "docker"
    return []


def over_the_quota(bench: Bench) -> Sequence[str]:
    """Cloud refuses with 429; no server of one's own does."""
    server = bench.livekit()
    body = {"code": "resource_exhausted", "msg": "concurrent ingress sessions limit exceeded"}

    def refuse(request: web.BaseRequest) -> web.Response | None:
        return (
            web.json_response(body, status=429)
            if request.path.startswith("/twirp") and request.method == "POST"
            else None
        )

    bench.env(address(bench.start(relaying(server.port, Fault(refuse)))), server.key, server.secret.reveal())
    return []


CASES = (
    Case(
        59,
        "rooms are not made by joining",
        "404 requested room does not exist on join",
        rooms_are_not_made,
        "token.server",
        "auto_create",
        "https://github.com/mynaparrot/plugNmeet-install/issues/31",
    ),
    Case(
        60,
        "departure_timeout ends the room",
        "room gone 20-30 s after the last leave despite emptyTimeout",
        departure,
        "room.timeouts",
        "departure",
        "https://github.com/livekit/livekit/issues/1776",
        exit_code=0,
    ),
    Case(
        61,
        "agents are not counted",
        "more people than maxParticipants",
        more_than_allowed,
        "room.capacity",
        "agents and recorders need none",
        "https://github.com/livekit/agents/issues/1184",
        exit_code=0,
    ),
    Case(
        62,
        "no node counts as alive: Redis takes no writes",
        "could not find any available nodes",
        no_node,
        "media.signal",
        "available nodes",
        "https://github.com/livekit/livekit/issues/2703",
    ),
    Case(
        63,
        "dispatches of a room that is not live",
        "list_dispatch 503 no response from servers",
        room_is_gone,
        "room.live",
        "no room",
        "https://github.com/livekit/python-sdks/issues/466",
    ),
    Case(
        64,
        "no egress instance",
        "Egress 503 no response from servers",
        no_egress_instance,
        "server.services",
        "egress",
        "https://github.com/livekit/egress/issues/913",
        exit_code=0,
    ),
    Case(
        65,
        "a server without Redis",
        "egress not connected (redis required)",
        no_redis,
        "server.services",
        "redis",
        "https://github.com/livekit/egress/issues/344",
        exit_code=0,
    ),
    Case(
        66,
        "localhost in a container",
        "egress: Start signal not received",
        localhost_in_a_container,
        "net.tcp",
        "localhost is this container itself, .* LiveKit answers at ws://livekit",
        "https://github.com/livekit/egress/issues/858",
    ),
    Case(
        84,
        "a quota is used up",
        "concurrent ingress sessions limit exceeded",
        over_the_quota,
        "api.auth",
        "limit exceeded|429|quota",
        "https://github.com/livekit/ingress/issues/331",
    ),
)
