"""Credentials and tokens (1 to 22)."""

import time
from collections.abc import Sequence

from aiohttp import web

from lkctl.models import AgentRequest, RoomRequest
from tests.guests import guest
from tests.lab.bench import Bench, address
from tests.lab.case import Case
from tests.lab.parts.endpoint import token_endpoint
from tests.lab.parts.relay import Fault, relaying
from tests.redis import api_of, eventually
from tests.workers import worker

_OTHER = ("APIcloudproj12", "cloud0project0secret0of0somebody0else000000")
_SPECIAL = "p4$word#of+the=team/2026-with-specials_abc"


def another_projects_key(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.env(server.url, *_OTHER, name=".env.local")
    return []


def another_servers_token(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), secret=_OTHER[1], iss=_OTHER[0])


def not_valid_yet(bench: Bench) -> Sequence[str]:
    """Minted on this machine, whose clock is five minutes ahead."""
    bench.clock = 300
    return bench.token(bench.configured(), nbf=int(time.time()) + 300, exp=int(time.time()) + 4000)


def expired(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), nbf=int(time.time()) - 8000, exp=int(time.time()) - 600)


def spelled_for_compose(bench: Bench) -> Sequence[str]:
    server = bench.livekit({"APIspecial1234": _SPECIAL})
    bench.env(server.url, server.key, f'"{_SPECIAL.replace("$", "$$")}"')
    return []


def swapped(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    bench.env(server.url, server.secret.reveal(), server.key)
    return []


def room_name(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), video={"roomJoin": True, "roomName": "demo"})


def admin_without_room(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), video={"roomAdmin": True})


def participants_token(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured())


def admins_token(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), video={"roomAdmin": True, "room": "demo"})


def unavailable_to_tokens(bench: Bench) -> Sequence[str]:
    """Who has a valid token is told 503; who has none is told 401, which is what the SDK then shows."""
    server = bench.livekit()

    def refuse(request: web.BaseRequest) -> web.Response | None:
        known = "access_token" in request.query or "Authorization" in request.headers
        if request.path.startswith("/rtc") and known:
            return web.Response(status=503, text="could not find any available nodes")
        return None

    port = bench.start(relaying(server.port, Fault(refuse)))
    bench.env(address(port), server.key, server.secret.reveal())
    return bench.token(server)


def wrong_secret(bench: Bench) -> Sequence[str]:
    server = bench.livekit()
    bench.env(server.url, server.key, _OTHER[1])
    return []


def no_join(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), video={"room": "demo"})


def still_inside(bench: Bench) -> Sequence[str]:
    """The token has run out, and whoever joined with it is in the room."""
    server = bench.configured()
    bench.start(guest(server, "alice", "demo"))
    return [*expired_of(bench, server), "--room", "demo"]


def expired_of(bench: Bench, server: object) -> Sequence[str]:
    return bench.token(server, nbf=int(time.time()) - 8000, exp=int(time.time()) - 600)  # type: ignore[arg-type]


def prefetched(bench: Bench) -> Sequence[str]:
    """An app that fetched its token when the page was opened, and hands that one out."""
    server = bench.configured()
    now = int(time.time())
    token = bench.signed(server, nbf=now - 3000, exp=now - 2100)
    return ["--token-endpoint", bench.start(token_endpoint(server.url, lambda _: token))]


def everlasting(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), exp=None)


def short_secret(bench: Bench) -> Sequence[str]:
    bench.configured({"APIshort123456": "my-short-secret-42"})
    return []


def unknown_to_clients(bench: Bench) -> Sequence[str]:
    agents = [{"agentName": "helper", "restartPolicy": "JRP_NEVER"}]
    return bench.token(bench.configured(), roomConfig={"agents": agents})


def recorder(bench: Bench) -> Sequence[str]:
    return bench.token(bench.configured(), video={"roomJoin": True, "room": "demo", "recorder": True})


def not_json(bench: Bench) -> Sequence[str]:
    """The job is taken, and its process ends before it joins."""
    server = bench.configured()
    bench.start(worker(server, "caller", "stay-away"))
    api_of(server).create_room(RoomRequest(name="demo", agents=(AgentRequest("caller", "phone: +1 555"),)))
    bench.start(guest(server, "alice", "demo"))
    eventually(lambda: any(dispatch.jobs for dispatch in api_of(server).list_dispatches("demo")))
    return ["--room", "demo", "--agent", "caller"]


def too_late_for_room_config(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(guest(server, "bob", "demo"))
    return bench.token(server, roomConfig={"agents": [{"agentName": "helper"}]})


CASES = (
    Case(
        1,
        "another project's key, from an env file that wins",
        "could not establish signal connection: invalid API key for domain …",
        another_projects_key,
        "api.auth",
        r"\.env\.local:2 hides the pair of \.env:2, which the server accepts",
        "https://github.com/livekit-examples/agent-starter-react/issues/105",
    ),
    Case(
        2,
        "a Cloud token for a local server",
        "signal connection error on ws://localhost:7880",
        another_servers_token,
        "token.signature",
        "names the API key APIcl",
        "https://github.com/livekit/livekit-react/issues/116",
    ),
    Case(
        3,
        "the minting host's clock is ahead",
        "token not valid yet (nbf) right after minting",
        not_valid_yet,
        "clock.skew",
        "this machine's clock is .* ahead of",
        "https://github.com/livekit/livekit/issues/2394",
    ),
    Case(
        4,
        "an expired token",
        "Could not fetch region settings",
        expired,
        "token.times",
        "expired",
        "https://github.com/livekit/livekit/issues/2470",
    ),
    Case(
        5,
        "a secret with special characters, spelled otherwise",
        "go-jose: error in cryptographic primitive",
        spelled_for_compose,
        "api.auth",
        r"has \$\$ where \$ is meant",
        "https://github.com/wlphi/ess-docker-compose/issues/20",
    ),
    Case(
        6,
        "key and secret swapped",
        "401 Invalid response status … /agent",
        swapped,
        "env.shape",
        "swapped",
        "https://github.com/livekit/agents/issues/1325",
    ),
    Case(
        7,
        "claim roomName for room",
        "a room with an empty name appears",
        room_name,
        "token.grants",
        "does not know video.roomName",
        "https://github.com/livekit/livekit/issues/3566",
    ),
    Case(
        8,
        "roomAdmin without a room",
        "twirp error unauthenticated: permissions denied",
        admin_without_room,
        "token.grants",
        "roomAdmin is for one room, and none is named",
        "https://github.com/livekit/server-sdk-go/issues/22",
    ),
    Case(
        9,
        "a participant's token for the server API",
        "permissions denied on CreateRoom",
        participants_token,
        "token.grants",
        "of no use for the server's API, such as CreateRoom",
        "https://github.com/livekit/egress/issues/613",
        exit_code=0,
    ),
    Case(
        10,
        "roomRecord is missing",
        "permissions denied on StartTrackEgress",
        admins_token,
        "token.grants",
        "has not: .*roomRecord",
        "https://github.com/livekit/livekit-server-sdk-python/issues/11",
        exit_code=0,
    ),
    Case(
        11,
        "503 that an SDK shows as 401",
        "SDK reports 401 although the server said 503",
        unavailable_to_tokens,
        "token.server",
        "503",
        "https://github.com/livekit/rust-sdks/issues/1042",
    ),
    Case(
        12,
        "a wrong secret, whose reason clients hide",
        "Error from intermediary with HTTP status code 401",
        wrong_secret,
        "api.auth",
        "is not its secret",
        "https://github.com/livekit/livekit-cli/issues/590",
    ),
    Case(
        13,
        "a token that may not join",
        "connection failed, no reason shown",
        no_join,
        "token.grants",
        "roomJoin is not true",
        "https://github.com/livekit/client-sdk-flutter/issues/212",
    ),
    Case(
        14,
        "the token ran out, the participant stays",
        "participant stays after TTL",
        still_inside,
        "token.times",
        "expired",
        "https://github.com/livekit/livekit/issues/2804",
    ),
    Case(
        15,
        "an endpoint that hands out an old token",
        "'start call' fails after idling",
        prefetched,
        "endpoint.fresh",
        "gave the same token.*cached",
        "https://github.com/livekit-examples/agent-starter-react/pull/235",
    ),
    Case(
        16,
        "a token without an end",
        "a token without exp is cached for ever",
        everlasting,
        "token.times",
        "never expires: exp is missing",
        "https://github.com/livekit/client-sdk-js/pull/2057",
    ),
    Case(
        17,
        "a short secret",
        "apiSecret must be at least 256 bits long",
        short_secret,
        "env.default-pair",
        "18 characters, fewer than 32",
        "https://github.com/pabloFuente/livekit-server-sdk-dotnet/issues/28",
        exit_code=0,
    ),
    Case(
        19,
        "a roomConfig newer than the client",
        'cannot decode message livekit.RoomAgentDispatch: key "restartPolicy" is unknown',
        unknown_to_clients,
        "token.contents",
        "clients older than restartPolicy",
        "https://github.com/livekit-examples/agent-starter-python/issues/62",
        exit_code=0,
    ),
    Case(
        20,
        "people's tokens with recorder: true",
        "the room closes though users are in it",
        recorder,
        "token.grants",
        "recorder",
        "https://github.com/livekit/livekit/issues/4052",
        exit_code=0,
    ),
    Case(
        21,
        "dispatch metadata that is no JSON",
        "the agent's job crashes in json.loads(ctx.job.metadata)",
        not_json,
        "room.dispatches",
        "not? JSON",
        "https://github.com/livekit-examples/outbound-caller-python/issues/20",
    ),
    Case(
        22,
        "roomConfig.agents for a room that exists",
        "roomConfig.agents in the token is ignored, the agent is missing",
        too_late_for_room_config,
        "token.room",
        "open already: roomConfig will be ignored",
        "https://github.com/livekit/livekit/issues/4390",
        exit_code=0,
    ),
)
