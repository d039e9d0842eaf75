"""Deployments in which nothing is wrong, and what their users ask `lkctl diagnose`."""

import json
from collections.abc import Callable, Sequence

from lkctl.localserver.config import HOST, free_udp_port
from lkctl.localserver.process import LocalServer
from lkctl.models import AgentRequest, RoomRequest
from tests.guests import guest
from tests.lab.bench import Bench, address
from tests.lab.parts.certificates import issued
from tests.lab.parts.endpoint import token_endpoint
from tests.lab.parts.nginx import nginx, proxied
from tests.lab.parts.relay import Fault, relaying
from tests.lab.parts.workerport import worker_port
from tests.redis import api_of, node, running_redis
from tests.workers import worker

NAME = "livekit.lkctl-lab.net"
_KEYS = {"APIcluster1234": "cluster0secret1of2the3laboratory4a5b6c7d8e9"}
_USER = {"userId": "user_1704067200000_abc123xyz"}
SetUp = Callable[[Bench], Sequence[str]]


def plain(bench: Bench) -> Sequence[str]:
    bench.configured()
    return []


def dev_mode(bench: Bench) -> Sequence[str]:
    """The pair that `livekit-server --dev` knows, on this machine."""
    bench.configured({"devkey": "secret"})
    return []


def tls(bench: Bench) -> Sequence[str]:
    _behind_tls(bench, "/")
    return []


def tls_and_prefix(bench: Bench) -> Sequence[str]:
    _behind_tls(bench, "/livekit/")
    return []


def proxy(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    _configure(bench, server, address(bench.start(nginx(proxied(server.port)))))
    return []


def proxy_and_prefix(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    port = bench.start(nginx(proxied(server.port, "/livekit/")))
    _configure(bench, server, f"{address(port)}/livekit")
    return []


def relay(bench: Bench) -> Sequence[str]:
    """The proxy of the cases with an exact fault, without one: else those would prove nothing."""
    server = bench.livekit()
    _configure(bench, server, address(bench.start(relaying(server.port, Fault()))))
    return ["--media"]


def redis(bench: Bench) -> Sequence[str]:
    bench.configured(**bench.start(running_redis()).settings)
    return []


def two_nodes(bench: Bench) -> Sequence[str]:
    """The room is on one, the question goes to the other."""
    shared = bench.start(running_redis())
    first, second = (bench.start(node(bench.program, shared, _KEYS)) for _ in range(2))
    bench.hide(*_KEYS.values())
    _configure(bench, second, second.url)
    bench.start(guest(first, "alice", "demo", metadata=json.dumps(_USER)))
    return ["--room", "demo"]


def room_and_token(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(guest(server, "bob", "demo", metadata=json.dumps(_USER)))
    return [*bench.token(server, metadata=json.dumps(_USER)), "--room", "demo"]


def endpoint(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    app = token_endpoint(server.url, lambda identity: bench.signed(server, sub=identity))
    return ["--token-endpoint", bench.start(app)]


def agent_at_work(bench: Bench) -> Sequence[str]:
    """A worker, a room that asked for its agent, and the agent in it."""
    server = bench.configured()
    helper = bench.start(worker(server, "helper"))
    agents = (AgentRequest("helper", json.dumps(_USER)),)
    api_of(server).create_room(RoomRequest(name="demo", agents=agents, metadata=json.dumps(_USER)))
    bench.start(guest(server, "alice", "demo", metadata=json.dumps(_USER)))
    helper.await_event("joined")
    return ["--room", "demo", "--agent", "helper", "--worker", bench.start(worker_port("helper", jobs=lambda: 1))]


def probe(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    helper = bench.start(worker(server, "helper"))
    port = bench.start(worker_port("helper", jobs=helper.events.qsize))
    return ["--agent", "helper", "--probe", "--worker", port]


def media(bench: Bench) -> Sequence[str]:
    bench.configured()
    return ["--media"]


def media_by_turn(bench: Bench) -> Sequence[str]:
    """A relay, which here may relay to this machine itself."""
    allowed = {"enabled": True, "udp_port": free_udp_port(), "allow_restricted_peer_cidrs": ["127.0.0.0/8"]}
    bench.configured(turn=allowed)
    return ["--media"]


def media_through_nginx(bench: Bench) -> Sequence[str]:
    proxy_and_prefix(bench)
    return ["--media"]


def media_over_tls(bench: Bench) -> Sequence[str]:
    """LiveKit's own SDK looks the name up by itself, so it is one that every machine has."""
    _behind_tls(bench, "/", "localhost")
    return ["--media"]


def _configure(bench: Bench, server: LocalServer, url: str) -> None:
    bench.env(url, server.key, server.secret.reveal())


def _behind_tls(bench: Bench, path: str, name: str = NAME) -> None:
    server, certificate = bench.livekit(), issued(name)
    bench.names[name] = HOST
    bench.variables["SSL_CERT_FILE"] = str(bench.write("authority.pem", certificate.authority.decode()))
    port = bench.start(nginx(proxied(server.port, path), certificate))
    _configure(bench, server, f"wss://{name}:{port}{path.rstrip('/')}")


def named(set_up: SetUp) -> str:
    """Give the name of a deployment."""
    return str(getattr(set_up, "__name__", set_up)).replace("_", " ")


HEALTHY: tuple[SetUp, ...] = (
    plain, dev_mode, tls, tls_and_prefix, proxy, proxy_and_prefix, relay, redis, two_nodes, room_and_token, endpoint,
    agent_at_work, probe, media, media_by_turn, media_through_nginx, media_over_tls,
)  # fmt: skip
