"""Deployments of agents, judged by the real server: what one call refuses aloud, others drop in silence."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.settings.shape import Pair
from lkctl.tokens.decoding import decode
from lkctl.tokens.signer import sign
from tests.tokens.forge import VIDEO

pytestmark = pytest.mark.live

DEPLOYMENTS = [
    *("", "blue", "blue-2.x", "a/b:c", "a" * 64, "é" * 32, "a" * 65, "é" * 33),
    *("a_b", "a b", " a", "a\t", "a\n", "\x00", "\x1f", "\x7f", "\x80", "\u00a0", "\u2003"),
]


def call(server: LocalServer, method: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Call the server's API; give the status and the reply."""
    grants = {"roomAdmin": True, "roomCreate": True, "room": body.get("room", body.get("name"))}
    claims = {"iss": server.key, "exp": int(time.time()) + 60, "video": grants}
    connection = http.client.HTTPConnection(urlsplit(server.http_url).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {sign(claims, server.secret.reveal())}", "Content-Type": "application/json"}
    try:
        connection.request("POST", f"/twirp/livekit.{method}", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def accused(server: LocalServer, agents: list[dict[str, Any]]) -> bool:
    """Tell whether L24 finds fault with a deployment."""
    pair = Pair("", server.key, server.secret.reveal())
    claims = {"iss": pair.key, "sub": "alice", "exp": int(time.time()) + 600, "video": VIDEO}
    decoded = decode(sign({**claims, "roomConfig": {"agents": agents}}, pair.secret), pair, now=time.time())
    return any("deployment" in finding.message for finding in decoded.findings if finding.id == "L24")


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=ascii)
def test_as_the_server_judges_them(deployment: str, livekit_server: LocalServer) -> None:
    """CreateDispatch says 400 to exactly those that the lint speaks of."""
    body = {"room": "deployments", "agentName": "helper", "deployment": deployment}
    status, _ = call(livekit_server, "AgentDispatchService/CreateDispatch", body)
    assert (status == 400) is accused(livekit_server, [{"agentName": "helper", "deployment": deployment}])
    assert status in {200, 400}


def test_in_a_room_configuration_the_agent_is_dropped(livekit_server: LocalServer) -> None:
    """The room is made with 200, the others are dispatched, and of this one nothing is heard."""
    agents = [
        {"agentName": "good"},
        {"agentName": "bad", "deployment": "a b"},
        {"agentName": "worse", "deployment": "_"},
    ]
    status, _ = call(livekit_server, "RoomService/CreateRoom", {"name": "dropped", "agents": agents})
    assert (status, accused(livekit_server, agents), accused(livekit_server, agents[:1])) == (200, True, False)
    _, reply = call(livekit_server, "AgentDispatchService/ListDispatch", {"room": "dropped"})
    assert [dispatch["agent_name"] for dispatch in reply["agent_dispatches"]] == ["good"]
    call(livekit_server, "RoomService/DeleteRoom", {"room": "dropped"})
