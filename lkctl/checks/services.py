"""What the server is and can: its version, and the services beside it (egress, ingress, SIP)."""

import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from lkctl.checks.inquiry import VALIDATE, ask, is_livekits_404
from lkctl.checks.result import Check, Finding, NotApplicable, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.answers import read_reply
from lkctl.server.http import Answer, Request
from lkctl.server.refusal import Refused, read_refusal
from lkctl.tokens.signer import sign

Number = tuple[int, ...]
_VALIDATE_V1 = "/rtc/v1/validate"
_SLOW = 8.0  # seconds
_V1, _GOLANG_JWT, _EXP_NEEDED = (1, 9, 10), (1, 13, 0), (1, 13, 6)
_NEW_CLIENT = (2, 18, 1)  # livekit-client that joins by /rtc/v1 (livekit/client-sdk-js #1887)
_LONG_AGO = 24 * 3600
_CANNOT = " cannot do this: "  # what an error says of a server without Redis, before the server's own words
# A call that lists nothing, with the grants for it. A Start call may take 22 s, and UpdateIngress panics (measured)
_SERVICES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "egress": ("Egress/ListEgress", {"room_name": "-"}, {"video": {"roomRecord": True}}),
    "ingress": ("Ingress/ListIngress", {"room_name": "-"}, {"video": {"ingressAdmin": True}}),
    "SIP": ("SIP/ListSIPInboundTrunk", {"trunk_ids": ["-"]}, {"sip": {"admin": True}}),
}


class Version(NamedTuple):
    """A version of livekit-server, as far as it is known: from `first` on, before `end`; () for no bound."""

    said: str
    first: Number = ()
    end: Number = ()


def _version(world: World) -> str:
    """The server is new enough for the clients: before 1.9.10 it cannot be joined by livekit-client 2.18.1 and newer.

    With --agent it tells its version to a worker that registers. Else the version is known as a range, by how it words
    what it says to tokens without any grant: expired, and without `exp` (1.13.6 needs one), and by whether it knows
    /rtc/v1. The wordings of 1.13.5 are measured, the others read in its source.
    """
    version = _told(world) if world.scope.agent is not None else _guessed(world)
    if version is None:
        raise NotApplicable("the server does not show which version it is; with --agent NAME it tells a worker")
    return settle(_outdated(world, version), version.said)


def _outdated(world: World, version: Version) -> Iterator[Finding]:
    if not version.end or version.end > _V1:
        return
    client, place = _client(world)
    said = f"{version.said}: livekit-client from 2.18.1 on cannot join servers before 1.9.10"
    if client:
        said += f", and this project uses {'.'.join(map(str, client))}"
    hint = "Update livekit-server, or stay with livekit-client 2.17"
    yield Finding(said, hint, place, Severity.fail if client else Severity.warn, ("media.*",))


def _client(world: World) -> tuple[Number, str]:
    """Give the livekit-client of --source that is too new, with its place; (), "" where there is none."""
    if world.scope.source is None:
        return (), ""
    from lkctl.checks.source.project import project_of
    from lkctl.checks.source.requirements import locked_client, script_requirements

    project = project_of(world)
    version, name, line = locked_client(project)
    found = [(version, name, line)] if version else []
    found += [
        (one.lowest(), one.file, one.line) for one in script_requirements(project) if one.name == "livekit-client"
    ]
    return next(((v, project.place(n, at)) for v, n, at in found[:1] if v >= _NEW_CLIENT), ((), ""))


def _told(world: World) -> Version | None:
    """Give what the server says of itself; None where no worker can register, which agent.register judges."""
    from lkctl.checks.agent import server_info  # with --agent only: it brings much along

    try:
        info = server_info(world)
    except LkctlError:
        return _guessed(world)
    number = _number(info.version)
    facts = [info.edition, f"region {info.region}" if info.region else "", f"node {info.node_id}"]
    said = f"livekit-server {info.version or 'of unknown version'} ({', '.join(filter(None, facts))})"
    return Version(said, number, (*number[:-1], number[-1] + 1) if number else ())


def _guessed(world: World) -> Version | None:
    """Find the range out by three questions that no grant goes with; None where the answers tell nothing."""
    if world.server_url().cloud:
        return Version("LiveKit Cloud, which keeps its servers up to date")
    v1 = _ask(world, _VALIDATE_V1, {})
    if is_livekits_404(v1):
        return Version("livekit-server before 1.9.10: it does not know /rtc/v1", end=_V1)
    if read_refusal(_ask(world, VALIDATE, {}).text).why is Refused.no_expiry:
        return Version("livekit-server 1.13.6 or newer: it refuses tokens without exp", first=_EXP_NEEDED)
    expired = _ask(world, VALIDATE, {"exp": int(time.time()) - _LONG_AGO}).text
    if read_refusal(expired).why is not Refused.expired:
        return None
    if "token has invalid claims" in expired:
        return Version("livekit-server 1.13.0 to 1.13.5, by its wording", _GOLANG_JWT, _EXP_NEEDED)
    return Version("livekit-server 1.9.10 to 1.12, by its wording", _V1, _GOLANG_JWT)


def _ask(world: World, path: str, times: dict[str, int]) -> Answer:
    """Send a token that grants nothing, without `exp` unless one is given."""
    pair = world.settings.credentials().pair
    token = sign({"iss": pair.key, **times, "video": {}}, pair.secret)
    return ask(world, Request("GET", path, {"Authorization": f"Bearer {token}"}))


def _number(version: str) -> Number:
    parts = version.removeprefix("v").partition("-")[0].split(".")
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _services(world: World) -> str:
    """Egress, ingress and SIP: whether the server has the Redis that they need. Only lists are asked for.

    A pass does not prove that a worker of the service runs: that shows when one is used, after up to 22 s.
    """
    found = service_refusals(world)
    there = [name for name, error in found.items() if error is None]
    if not there and all(error is not None and error.code == "auth-grant" for error in found.values()):
        raise NotApplicable("the key may not list them")
    passed = f"{', '.join(there)} can be asked for; this does not prove that a worker for it runs"
    return settle(_lacking(found), passed)


def service_refusals(world: World) -> dict[str, LkctlError | None]:
    """Ask egress, ingress and SIP for a list, once in a run; give what speaks against each, None where nothing does."""
    return world.memory.once("services", lambda: {name: _refusal(world, *call) for name, call in _SERVICES.items()})


def _refusal(world: World, method: str, body: dict[str, Any], grants: dict[str, Any]) -> LkctlError | None:
    """Ask for a list; give what the server says instead."""
    pair = world.settings.credentials().pair
    token = sign({"iss": pair.key, "exp": int(time.time()) + 60, **grants}, pair.secret)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        read_reply(
            ask(world, Request("POST", f"/twirp/livekit.{method}", headers, json.dumps(body).encode())),
            world.server_url(),
        )
    except LkctlError as error:
        return error
    return None


def _lacking(found: dict[str, LkctlError | None]) -> Iterator[Finding]:
    without = [name for name, error in found.items() if error is not None and error.code == "server-redis"]
    if without:
        why = next(error.message for error in found.values() if error is not None and error.code == "server-redis")
        said = f"no {', no '.join(without)} here: {why.rpartition(_CANNOT)[2]}"
        yield Finding(
            said, "Where you need them, give livekit-server a Redis, and start the service", severity=Severity.info
        )
    for name, error in found.items():
        if error is not None and name not in without:
            yield Finding(f"{name}: {error.message}", error.hint, severity=Severity.info)


SERVICE_CHECKS: tuple[Check[World], ...] = (
    Check("server.version", "Server is new enough", _version, ("api.auth",), Severity.warn, _SLOW),
    Check("server.services", "Egress, ingress and SIP can be used", _services, ("api.auth",), Severity.info, 9.0),
)
