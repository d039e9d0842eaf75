"""The server's version by its wording, and its services: servers of other versions are fakes, ours is real."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lkctl.checks.engine import run
from lkctl.checks.result import Result, Severity
from lkctl.checks.services import SERVICE_CHECKS
from lkctl.checks.world import Scope
from lkctl.localserver.process import LocalServer
from tests import fakes
from tests.checks.worlds import KEY, SECRET, put, world_of

GO_404 = ("404 Not Found", b"404 page not found\n")
ASKS_V1 = ("400 Bad Request", b"join_request is required")
DENIED = ("401 Unauthorized", b"permissions denied")
OLD_EXPIRED = b"invalid token: eyJh.eyJ.x, error: go-jose/go-jose/jwt: validation failed, token is expired (exp)"
EXPIRED = b"invalid token: eyJh.eyJ.x, error: token has invalid claims: token is expired"
NEW_EXPIRED = b"invalid authorization token: token has invalid claims: token is expired"
NO_EXPIRY = (
    b"invalid authorization token: token has invalid claims: token is missing required claim: exp claim is required"
)


def server(v1: tuple[str, bytes], timeless: tuple[str, bytes], expired: bytes) -> fakes.Talk:
    """Answer as some version of livekit-server does: /rtc/v1/validate, a token without exp, one that has expired."""
    validated = iter((timeless, ("401 Unauthorized", expired)))

    def respond(request: bytes) -> bytes:
        status, body = v1 if b"/rtc/v1/" in request.split(b"\r\n")[0] else next(validated)
        head = f"HTTP/1.1 {status}\r\nVary: Origin\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    return fakes.conversation(respond)


def judge(check: str, url: str, pair: tuple[str, str] = (KEY, SECRET), scope: Scope | None = None) -> Result:
    world = world_of({}, {"LIVEKIT_URL": url, "LIVEKIT_API_KEY": pair[0], "LIVEKIT_API_SECRET": pair[1]})
    (result,) = run(
        [one for one in SERVICE_CHECKS if one.id == check], replace(world, scope=scope or Scope()), timeout=9
    )
    return result


@pytest.mark.parametrize(
    ("talk", "status", "said"),
    [
        pytest.param(server(GO_404, DENIED, OLD_EXPIRED), "warn", "livekit-server before 1.9.10", id="1.9.9"),
        pytest.param(server(ASKS_V1, DENIED, OLD_EXPIRED), "pass", "1.9.10 to 1.12", id="1.12"),
        pytest.param(server(ASKS_V1, DENIED, EXPIRED), "pass", "1.13.0 to 1.13.5", id="1.13.5"),
        pytest.param(
            server(ASKS_V1, ("401 Unauthorized", NO_EXPIRY), NEW_EXPIRED), "pass", "1.13.6 or newer", id="1.13.6"
        ),
        pytest.param(server(ASKS_V1, DENIED, b"no"), "skip", "does not show which version", id="another wording"),
    ],
)
def test_versions(talk: fakes.Talk, status: str, said: str) -> None:
    """A range, as far as the wording tells; no false alarm where it tells nothing."""
    with fakes.serving(talk) as port:
        result = judge("server.version", f"ws://127.0.0.1:{port}")
    assert result.status == status
    assert said in result.detail


@pytest.mark.parametrize(("client", "status"), [("^2.18.1", "fail"), ("2.17.3", "warn")], ids=["too new", "old enough"])
def test_an_old_server_and_the_client_of_the_project(client: str, status: str) -> None:
    """With --source it is known whether the clients of the project can join."""
    put({"app/package.json": json.dumps({"dependencies": {"livekit-client": client}})})
    world = world_of({}, {})
    with fakes.serving(server(GO_404, DENIED, OLD_EXPIRED)) as port:
        result = judge("server.version", f"ws://127.0.0.1:{port}", scope=Scope(source=world.folder / "app"))
    assert result.status == status
    assert ("package.json:1" in result.detail) == (status == "fail")


def test_cloud_is_not_asked() -> None:
    """Its version is its own affair."""
    result = judge("server.version", "wss://demo-1a2b3c4d.livekit.cloud")
    assert (result.status, "LiveKit Cloud" in result.detail) == ("pass", True)


@pytest.mark.live
def test_a_real_server(livekit_server: LocalServer) -> None:
    """The wording of 1.13.5, and what it tells to a worker; without Redis it has none of the services."""
    pair = livekit_server.key, livekit_server.secret.reveal()
    guessed = judge("server.version", livekit_server.url, pair)
    assert (guessed.status, guessed.detail) == ("pass", "livekit-server 1.13.0 to 1.13.5, by its wording")
    told = judge("server.version", livekit_server.url, pair, Scope(agent="helper"))
    assert told.detail.startswith("livekit-server 1.13.5 (Standard, node ND_")
    services = judge("server.services", livekit_server.url, pair)
    assert (services.status, services.findings[0].severity) == ("pass", Severity.info)
    assert services.detail == "no egress, no ingress, no SIP here: egress not connected (redis required)"


def unavailable(code: str) -> dict[str, Any]:
    return {"code": code, "msg": "twirp error unknown: concurrent ingress sessions limit exceeded"}


def test_a_quota_is_told(livekit_server: LocalServer) -> None:
    """Of Cloud's free plan, for one; it is for information."""
    with fakes.serving(fakes.answer(unavailable("resource_exhausted"), "429 Too Many Requests")) as port:
        result = judge("server.services", f"ws://127.0.0.1:{port}")
    assert result.status == "pass"
    assert "limit exceeded" in str(result.findings[0])
