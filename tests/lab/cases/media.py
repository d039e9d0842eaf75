"""Media: what the server says about where it can be reached, and what is there (45, 46, 49 to 58)."""

from collections.abc import Sequence
from typing import Any

from lkctl.localserver.config import HOST, free_tcp_port, free_udp_port
from lkctl.localserver.process import LocalServer
from tests.guests import guest
from tests.lab.bench import Bench, address
from tests.lab.case import Case
from tests.lab.parts.certificates import issued
from tests.lab.parts.nginx import nginx, proxied
from tests.lab.parts.relay import Fault, relaying
from tests.lab.parts.signal import advertising, signalling

NAME = "livekit.lkctl-lab.net"
TURN = "turn.lkctl-lab.net"
_WHOLE = ["--media"]
# LiveKit's own SDK would look TURN's name up, and ask a resolver
_WITHOUT_SDK = [
    *_WHOLE,
    *(word for step in ("connect", "publish", "reconnect", "relay") for word in ("--skip", f"media.{step}")),
]


def advertised(bench: Bench, node_ip: str, url: str = "", **rtc: Any) -> LocalServer:
    """Start a server that tells its clients this address; `url` is what they call it by, without the port."""
    server = bench.livekit(rtc={"node_ip": node_ip, **rtc})
    bench.names[NAME] = HOST
    bench.env(f"{url}:{server.port}" if url else server.url, server.key, server.secret.reveal())
    return server


def containers_address(bench: Bench) -> Sequence[str]:
    advertised(bench, "172.18.0.5")
    return _WHOLE


def public_address_only(bench: Bench) -> Sequence[str]:
    """The URL is one of the own network, the candidates are not."""
    advertised(bench, "203.0.113.7")
    return _WHOLE


def pods_address(bench: Bench) -> Sequence[str]:
    advertised(bench, "10.244.1.7", f"ws://{NAME}")
    return _WHOLE


def turn(bench: Bench, **more: Any) -> LocalServer:
    """Start a server with TURN over TLS on a port of its own; clients are told 443 whatever that port is."""
    certificate = issued(TURN)
    (bench.home / "turn.pem").write_bytes(certificate.chain)
    (bench.home / "turn.key").write_bytes(certificate.key)
    bench.write("authority.pem", certificate.authority.decode())
    bench.variables["SSL_CERT_FILE"] = str(bench.folder / "authority.pem")
    files = {"cert_file": str(bench.home / "turn.pem"), "key_file": str(bench.home / "turn.key")}
    settings = {
        "enabled": True,
        "domain": TURN,
        "tls_port": free_tcp_port(),
        "udp_port": free_udp_port(),
        **files,
        **more,
    }
    return bench.configured(turn=settings)


def turn_not_on_443(bench: Bench) -> Sequence[str]:
    turn(bench)
    bench.names[TURN] = HOST  # nothing listens on 443
    return _WITHOUT_SDK


def web_server_on_443(bench: Bench) -> Sequence[str]:
    turn(bench)
    page = "location / { default_type text/html; return 200 '<html>Welcome</html>'; }"
    port = bench.start(nginx(page, issued(TURN)))
    bench.names |= {TURN: HOST, f"{HOST}:443": f"{HOST}:{port}"}
    return _WITHOUT_SDK


def nothing_forwarded(bench: Bench) -> Sequence[str]:
    """Signalling comes through a proxy; UDP and TCP of the media do not: nothing is bound at the address it tells."""
    server = bench.livekit(rtc={"node_ip": "127.0.0.2"})
    port = bench.start(nginx(proxied(server.port)))
    bench.env(address(port), server.key, server.secret.reveal())
    return _WHOLE


def containers_address_as_name(bench: Bench) -> Sequence[str]:
    advertised(bench, "172.25.0.3", f"ws://{NAME}")
    return _WHOLE


def udp_blocked(bench: Bench) -> Sequence[str]:
    advertised(bench, "127.0.0.2")
    return _WHOLE


def meddled(bench: Bench, *addresses: str, first: bool = False) -> Sequence[str]:
    """Let the server tell of more addresses than one machine has."""
    server = bench.livekit()
    port = bench.start(relaying(server.port, Fault(frame=advertising(*addresses, first=first))))
    bench.env(address(port), server.key, server.secret.reveal())
    return _WHOLE


def many_addresses(bench: Bench) -> Sequence[str]:
    return meddled(bench, "203.0.113.7", "198.51.100.9", "192.0.2.33", "10.8.0.2")


def docker_bridge_first(bench: Bench) -> Sequence[str]:
    return meddled(bench, "172.17.0.1", first=True)


def replaced_by_itself(bench: Bench) -> Sequence[str]:
    """A client whose media never connects comes back under its own identity; meanwhile it is JOINED, never ACTIVE."""
    server = advertised(bench, "172.18.0.5")
    bench.start(signalling(server, bench.signed(server, sub="bob")))
    return [*_WHOLE, "--room", "demo"]


def already_inside(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(guest(server, "alice", "demo"))
    return bench.token(server)


_CANDIDATES = "media.candidates"
CASES = (
    Case(
        45,
        "a container's address is advertised",
        "connection test shows 172.x candidates",
        containers_address,
        _CANDIDATES,
        r"172\.18\.0\.5",
        "https://github.com/livekit/livekit/issues/3747",
    ),
    Case(
        46,
        "one node_ip for two networks",
        "works outside, not on the LAN",
        public_address_only,
        _CANDIDATES,
        r"203\.0\.113\.7",
        "https://github.com/livekit/livekit/issues/1060",
    ),
    Case(
        49,
        "a pod's address is advertised",
        "could not establish pc connection; failed to get external ip",
        pods_address,
        _CANDIDATES,
        r"10\.244\.1\.7",
        "https://github.com/livekit/livekit/issues/3516",
    ),
    Case(
        50,
        "TURN over TLS does not listen on 443",
        "701 on turns:…:443",
        turn_not_on_443,
        "media.turn-tls",
        r"turn\.lkctl-lab\.net:443 for TURN over TLS, and there is none",
        "https://github.com/livekit/livekit/issues/4542",
    ),
    Case(
        51,
        "a web server on TURN's port 443",
        "701 on turns:…:443 behind nginx",
        web_server_on_443,
        "media.turn-tls",
        r"a web server answers at turn\.lkctl-lab\.net:443",
        "https://github.com/livekit/livekit/issues/3595",
    ),
    Case(
        52,
        "media ports are not forwarded",
        "signal is fine through Cloudflare, no audio",
        nothing_forwarded,
        "media.udp",
        r"127\.0\.0\.2",
        "https://github.com/oddsteam/odt-ville/issues/408",
    ),
    Case(
        53,
        "only a container's address, for a named host",
        "Flutter: MediaConnectException",
        containers_address_as_name,
        _CANDIDATES,
        r"172\.25\.0\.3",
        "https://github.com/livekit/livekit/issues/3606",
    ),
    Case(
        54,
        "UDP is blocked and there is no TCP",
        "wait_pc_connection timed out",
        udp_blocked,
        "media.udp",
        r"127\.0\.0\.2",
        "https://github.com/livekit/agents/issues/349",
    ),
    Case(
        55,
        "several addresses are advertised",
        "flapping candidates, drops after minutes",
        many_addresses,
        _CANDIDATES,
        r"also told 203\.0\.113\.7.* \(and 3 more\)",
        "https://github.com/profullstack/pairux.com/pull/19",
        exit_code=0,
    ),
    Case(
        56,
        "Docker's bridge is advertised first",
        "ctx.connect() takes 4-5 s",
        docker_bridge_first,
        _CANDIDATES,
        r"also told 172\.17\.0\.1, a container's address",
        "https://github.com/livekit/agents/issues/2386",
        exit_code=0,
    ),
    Case(
        57,
        "ICE fails, and the client comes back",
        "DuplicateIdentity right after a pc timeout",
        replaced_by_itself,
        _CANDIDATES,
        r"172\.18\.0\.5",
        "https://github.com/pipecat-ai/pipecat/issues/2522",
    ),
    Case(
        58,
        "the identity is inside already",
        "reason DUPLICATE_IDENTITY with one client",
        already_inside,
        "token.room",
        "'alice' is in room 'demo' already.*DUPLICATE_IDENTITY",
        "https://github.com/livekit/client-sdk-js/issues/1565",
        exit_code=0,
    ),
)
