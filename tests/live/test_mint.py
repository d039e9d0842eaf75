"""What a minted token does on a real server: the room that its join makes, and when it is let in."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.server.rtc import joined
from lkctl.settings.url import parse_url
from tests.harness import invoke

pytestmark = pytest.mark.live
ID = "user_1704067200000_abc123"


def test_a_join_makes_the_room_that_was_asked_for(server: LocalServer, room: str) -> None:
    """Metadata, timeouts and size from the token, and every agent is dispatched with its metadata."""
    config = {"empty_timeout": 77, "departureTimeout": 33, "max_participants": 4, "agents": [{"agent_name": "greeter"}]}
    words = ["--room-config", json.dumps(config), "--room-metadata", '{"plan": "pro"}']
    words += ["--agent", "helper", "--agent", 'scribe={"lang":"en","a":"b=c,d"}']
    token = invoke("token", "mint", "--user-id", ID, "--room", room, *words)
    assert (token.code, token.err) == (0, "")
    with joined(parse_url(server.url), token.out.strip(), timeout=20):
        seen = json.loads(invoke("room", "inspect", room, "-o", "json").out)
    assert seen["room"]["metadata"] == '{"plan": "pro"}'
    assert [seen["room"][name] for name in ("empty_timeout", "departure_timeout", "max_participants")] == [77, 33, 4]
    assert sorted((one["agent_name"], one["metadata"]) for one in seen["dispatches"]) == [
        ("greeter", ""),
        ("helper", ""),
        ("scribe", '{"lang":"en","a":"b=c,d"}'),
    ]


def validated(server: LocalServer, token: str) -> int:
    """Ask the server whether it would let a token join; give the status."""
    link = http.client.HTTPConnection(urlsplit(server.http_url).netloc, timeout=10)
    link.request("GET", "/rtc/validate", headers={"Authorization": f"Bearer {token}"})
    status = link.getresponse().status
    link.close()
    return status


ENTRANCE = [
    pytest.param([], 200, id="good"),
    pytest.param(["--not-before", "+30s"], 200, id="within the leeway"),
    pytest.param(["--not-before", "+1h"], 401, id="in an hour"),
    pytest.param(["--not-before", "-1h"], 200, id="since an hour"),
    pytest.param(["--ttl", "-5m", "--unsafe"], 401, id="expired"),
    pytest.param(["--no-exp", "--unsafe"], 200, id="no expiry"),  # refused from 1.13.6 on
    pytest.param(["--sign-with", "x" * 40, "--unsafe"], 401, id="another secret"),
    pytest.param(["--kind", "agent", "--kind-detail", "cloud_agent"], 200, id="a kind with details"),
    pytest.param(["--grant", "canFly=true", "--grant", 'wings={"n":2}'], 200, id="newer grants"),
    pytest.param(["--grant", "roomJoin=1", "--unsafe", "--role", "none"], 401, id="a grant of the wrong type"),
    pytest.param(["--room-config", '{"emptyTimeout":"x"}', "--unsafe"], 401, id="a broken setup"),
    pytest.param(["--sip-call", "--agent-admin", "--inference-perform", "--observability-write"], 200, id="all groups"),
    pytest.param(["--role", "none", "--sip-call"], 401, id="no join"),
]


@pytest.mark.parametrize(("words", "status"), ENTRANCE)
def test_who_is_let_in(words: list[str], status: int, server: LocalServer, room: str) -> None:
    """As it was asked for."""
    done = invoke("token", "mint", "--user-id", ID, "--room", room, *words)
    assert done.code == 0
    assert validated(server, done.out.strip()) == status


def test_a_bundle_for_a_shell(server: LocalServer, room: str) -> None:
    """URL and token of `-o env` are enough to join."""
    lines = invoke("token", "mint", "--user-id", ID, "--room", room, "-o", "env").out.splitlines()
    values = dict(line.split("=", 1) for line in lines)
    with joined(parse_url(values["LIVEKIT_URL"]), values["LIVEKIT_TOKEN"], timeout=20) as identity:
        assert identity == ID
