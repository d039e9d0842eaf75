"""The way to the server: proxies, TLS, names, settings that are not where they are looked for (23 to 39)."""

import json
import socket
from collections.abc import Mapping, Sequence

from lkctl.localserver.config import HOST
from lkctl.localserver.process import LocalServer
from tests.lab.bench import Bench, address
from tests.lab.case import Case
from tests.lab.parts.certificates import Certificate, self_signed, without_intermediate
from tests.lab.parts.endpoint import token_endpoint
from tests.lab.parts.nginx import UPGRADE, nginx, proxied
from tests.lab.parts.relay import Fault, relaying
from tests.lab.parts.signal import upgraded

NAME = "livekit.lkctl-lab.net"
_PLAIN = "proxy_set_header Host $http_host;"  # what most people's location blocks have


def behind(bench: Bench, url: str, server: LocalServer) -> None:
    """Configure the URL of what stands before a server; the name is this machine's."""
    bench.names[NAME] = HOST
    bench.env(url, server.key, server.secret.reveal())


def behind_nginx(
    bench: Bench, server: LocalServer, locations: str, certificate: Certificate | None = None, path: str = ""
) -> int:
    """Put nginx before a server."""
    port = bench.start(nginx(locations, certificate))
    url = f"wss://{NAME}:{port}{path}" if certificate else f"{address(port)}{path}"
    behind(bench, url, server)
    return port


def breaks_upgrades(port: int, status: str) -> Sequence[str]:
    """Make sure that WebSockets get this answer instead of the 401 that LiveKit gives without a token."""
    assert upgraded(port).startswith(f"HTTP/1.1 {status} ")
    return []


def every_path_is_the_root(bench: Bench) -> Sequence[str]:
    """WebSockets reach LiveKit's `/`, which takes none, instead of `/rtc`."""
    server = bench.livekit()
    root = f"location /rtc {{ rewrite ^ / break; proxy_pass http://{HOST}:{server.port}; {UPGRADE} }}"
    return breaks_upgrades(behind_nginx(bench, server, proxied(server.port) + root), "200")


def no_upgrade_headers(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    plain = proxied(server.port, how=_PLAIN + "proxy_http_version 1.1;")
    return breaks_upgrades(behind_nginx(bench, server, plain), "404")


def middleware_eats_the_upgrade(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    port = bench.start(relaying(server.port, Fault(upgrades=False)))
    behind(bench, address(port), server)
    return breaks_upgrades(port, "404")


def nginx_as_it_comes(bench: Bench) -> Sequence[str]:
    """HTTP/1.0 to the server, which is nginx's default, and no header passed on."""
    server = bench.livekit()
    return breaks_upgrades(behind_nginx(bench, server, proxied(server.port, how="")), "404")


def redirected_to_https(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    behind_nginx(bench, server, f"location / {{ return 301 https://{NAME}$request_uri; }}")
    return []


def prefix_for_signalling_only(bench: Bench) -> Sequence[str]:
    """As guides for Matrix have it: /livekit/sfu is LiveKit, the rest the home server; the app's URL lacks the path."""
    server = bench.livekit()
    page = "location / { default_type text/html; return 404 '<html>Not Found</html>'; }"
    behind_nginx(bench, server, proxied(server.port, "/livekit/sfu/") + page)
    return []


def prefix_that_agents_drop(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    page = "location / { default_type text/html; return 404 '<html>Not Found</html>'; }"
    behind_nginx(bench, server, proxied(server.port, "/livekit/") + page, path="/livekit")
    bench.write("requirements.txt", "livekit-agents==1.0.22\n")
    return ["--source", "."]


def double_slash(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    bench.env(server.url + "/", server.key, server.secret.reveal())
    package(bench, "2.9.6")
    return ["--source", "."]


def package(bench: Bench, version: str) -> None:
    """Write the package.json of a front end with this livekit-client."""
    bench.write("package.json", json.dumps({"name": "app", "dependencies": {"livekit-client": version}}, indent=2))


def _without_v1(path: str) -> str:
    """Ask for what no server has, instead of /rtc/v1: the answer is that of servers before 1.9.10."""
    return path.replace("/rtc/v1", "/rtc/unknown", 1)


def old_server(bench: Bench) -> LocalServer:
    """A server without `/rtc/v1`."""
    server = bench.livekit()
    behind(bench, address(bench.start(relaying(server.port, Fault(path=_without_v1)))), server)
    return server


def client_too_new(bench: Bench) -> Sequence[str]:
    old_server(bench)
    package(bench, "2.18.1")
    return ["--source", "."]


def falls_back_from_v1(bench: Bench) -> Sequence[str]:
    return bench.token(old_server(bench))


def certified_by_itself(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    behind_nginx(bench, server, proxied(server.port), self_signed(NAME))
    return []


def two_origins_allowed(bench: Bench) -> Sequence[str]:
    """A proxy that adds its own CORS header to LiveKit's; browsers refuse two."""
    server = bench.livekit()

    def doubled(headers: Mapping[str, str]) -> list[tuple[str, str]]:
        return [*headers.items(), ("Access-Control-Allow-Origin", "*")]

    behind(bench, address(bench.start(relaying(server.port, Fault(headers=doubled)))), server)
    return []


def page_over_http(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    behind(bench, f"ws://{NAME}:{server.port}", server)
    endpoint = bench.start(token_endpoint(f"ws://{NAME}:{server.port}", lambda _: bench.signed(server)))
    return ["--token-endpoint", endpoint.replace(HOST, NAME)]


def loopback_only(bench: Bench) -> Sequence[str]:
    """As `livekit-server --dev` binds; the phone is given the machine's address in its network."""
    server = bench.livekit()
    bench.names["my-laptop.lan"] = own_address()
    bench.env(f"ws://my-laptop.lan:{server.port}", server.key, server.secret.reveal())
    return []


def own_address() -> str:
    """Give this machine's address in its network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return str(probe.getsockname()[0])


def env_file_elsewhere(bench: Bench) -> Sequence[str]:
    bench.env(
        "wss://demo-1a2b3c4d.livekit.cloud",
        "APIx7Kp2mQ9rTz4",
        "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb",
        name="agent/.env.local",
    )
    return []


def unknown_authority(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    behind_nginx(bench, server, proxied(server.port), without_intermediate(NAME))
    return []


def old_names(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    bench.hide(server.secret.reveal())
    bench.write(
        ".env",
        f"LIVEKIT_WS_URL={server.url}\nLIVEKIT_API_KEY={server.key}\nLIVEKIT_API_SECRET={server.secret.reveal()}\n",
    )
    return []


CASES = (
    Case(
        23,
        "WebSockets end at / instead of /rtc",
        "the WebSocket gives 200 instead of 101",
        every_path_is_the_root,
        "http.websocket",
        "200",
        "https://github.com/livekit/livekit/issues/79",
    ),
    Case(
        24,
        "nginx drops the Upgrade headers",
        "404 on /rtc?access_token= with an empty body",
        no_upgrade_headers,
        "http.websocket",
        "upgrade",
        "https://github.com/livekit/livekit/issues/1546",
    ),
    Case(
        25,
        "middleware that eats the upgrade",
        "the app says 'Insufficient capacity'",
        middleware_eats_the_upgrade,
        "http.websocket",
        "upgrade",
        "https://github.com/spantaleev/matrix-docker-ansible-deploy/issues/4281",
    ),
    Case(
        26,
        "http is redirected to https",
        'bad_route: unsupported method "GET"',
        redirected_to_https,
        "http.livekit",
        "redirects to https://livekit.lkctl-lab.net",
        "https://github.com/stoatchat/self-hosted/issues/208",
    ),
    Case(
        27,
        "the URL lacks the proxy's path prefix",
        "CreateRoom 404, then UNKNOWN_ERROR",
        prefix_for_signalling_only,
        "http.livekit",
        "/livekit/sfu|404",
        "https://github.com/element-hq/element-call/issues/3710",
    ),
    Case(
        28,
        "a path prefix that an old agent drops",
        "the agent gets 404, the prefix is lost from the URL",
        prefix_that_agents_drop,
        "url.path",
        "agents drop it",
        "https://github.com/livekit/agents/issues/2700",
        exit_code=0,
    ),
    Case(
        29,
        "livekit-client 2.9.6 and a URL with a slash",
        "wss://host//rtc fails",
        double_slash,
        "source.versions",
        "2.9.6",
        "https://github.com/livekit/client-sdk-js/issues/1439",
        exit_code=0,
    ),
    Case(
        30,
        "a client too new for the server",
        "client 2.18.1 and later cannot join servers up to 1.9.9",
        client_too_new,
        "server.version",
        "2.18.1 on cannot join servers before 1.9.10, and this project uses 2.18.1",
        "https://github.com/livekit/client-sdk-js/issues/1887",
    ),
    Case(
        31,
        "the fallback from /rtc/v1",
        "a failing GET /rtc/v1/validate in each session, works anyway",
        falls_back_from_v1,
        "token.server_v1",
        "has no /rtc/v1",
        "https://github.com/elevenlabs/packages/issues/694",
        exit_code=0,
    ),
    Case(
        32,
        "a self-signed certificate",
        "insecure websocket from https",
        certified_by_itself,
        "net.tls",
        "self-signed",
        "https://github.com/livekit/livekit/issues/123",
    ),
    Case(
        33,
        "two CORS headers",
        "intermittent CORS error on /rtc/validate",
        two_origins_allowed,
        "http.cors",
        "twice|two|2|more than one",
        "https://github.com/livekit/livekit/issues/1192",
        exit_code=0,
    ),
    Case(
        34,
        "a page over http",
        "Cannot read properties of undefined (reading 'getUserMedia')",
        page_over_http,
        "endpoint.url",
        "plain http.*gets no microphone",
        "https://github.com/livekit/agents-playground/issues/71",
        exit_code=0,
    ),
    Case(
        35,
        "nginx as it comes: HTTP/1.0 to the server",
        "room connection has timed out (signal)",
        nginx_as_it_comes,
        "http.websocket",
        "upgrade",
        "https://github.com/mynaparrot/plugNmeet-server/issues/347",
    ),
    Case(
        36,
        "a server that listens on loopback only",
        "phone: connection refused to LAN IP:7880",
        loopback_only,
        "net.tcp",
        "loopback|127.0.0.1|--dev",
        "https://github.com/livekit/client-sdk-flutter/issues/180",
    ),
    Case(
        37,
        "the env file is not read",
        "agent tries localhost:7880 although Cloud was intended",
        env_file_elsewhere,
        "env.settings",
        "no server is configured",
        "https://github.com/livekit-examples/agent-starter-react/issues/15",
    ),
    Case(
        38,
        "an authority that is unknown here",
        "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer certificate",
        unknown_authority,
        "net.tls",
        "issued by .* not trusted here",
        "https://github.com/livekit/agents/issues/1308",
    ),
    Case(
        39,
        "LIVEKIT_WS_URL for LIVEKIT_URL",
        "livekit_url, livekit_api_key … must be set",
        old_names,
        "env.names",
        "LIVEKIT_WS_URL is not read by LiveKit",
        "https://github.com/livekit/agents/issues/2455",
    ),
)
