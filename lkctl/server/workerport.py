"""A worker's own HTTP port: `GET /` says that it runs, `GET /worker` what it is (livekit-agents, 8081 by default)."""

import json
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.server.answers import OK
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Connections, Request
from lkctl.server.link import HINT_PORT
from lkctl.settings.url import ServerUrl

_MOST_BYTES = 64 * 1024
_UNAVAILABLE = 503
_GO_404 = b"404 page not found"  # livekit-server says OK at `/`, too
_LONGEST = 200  # characters of what it says


class WorkerInfo(NamedTuple):
    """What a worker says of itself (livekit_agent_worker.proto, WorkerInfo).

    `trouble` is what it complains of at `/`, "" for nothing. `agent_name` is None where it does not tell: releases
    before /worker. `job_type` such as JT_ROOM. It runs does not mean that it is registered: it says the same before.
    """

    trouble: str = ""
    agent_name: str | None = None
    job_type: str = ""
    active_jobs: int = 0
    load: float = 0.0
    sdk_version: str = ""


def ask_worker(url: ServerUrl, deadline: Deadline) -> WorkerInfo:
    """Ask a worker; raise LkctlError: net-, tls-, http-, and `not-livekit` where it is none."""
    connections = Connections(url, most_bytes=_MOST_BYTES)
    try:
        health = connections.exchange(Request("GET", "/", repeatable=True), deadline)
        about = connections.exchange(Request("GET", "/worker", repeatable=True), deadline)
    except LkctlError as error:
        hint = "livekit-agents listens on 8081 in `start`, on any free port in `dev`; its log names it (HTTP server)"
        raise LkctlError(error.code, error.message, hint=hint if HINT_PORT in error.hint else error.hint) from None
    finally:
        connections.close()
    said = _object(about)
    if not said and (not _is_health(health) or about.body.strip() == _GO_404):
        what = "livekit-server answers there" if _is_health(health) else f"GET / answers {health.status}"
        told = f"{url.http} is not the port of a livekit-agents worker: {what}"
        raise LkctlError("not-livekit", told, hint="Give the address that its log names, such as http://localhost:8081")
    trouble = "" if health.status == OK else health.text[:_LONGEST].strip() or str(health.status)
    name = said.get("agent_name", "") if said else None  # protobuf leaves out what is ""
    return WorkerInfo(
        trouble,
        name if isinstance(name, str) else None,
        str(said.get("worker_type", "JT_ROOM"))[:_LONGEST],
        int(_number(said.get("active_jobs"))),
        _number(said.get("worker_load")),
        str(said.get("sdk_version", ""))[:_LONGEST],
    )


def _is_health(answer: Answer) -> bool:
    return (answer.status == OK and answer.body.strip() == b"OK") or (
        answer.status == _UNAVAILABLE and not answer.is_html
    )


def _object(answer: Answer) -> dict[str, Any]:
    """Read WorkerInfo; {} where it is something else."""
    try:
        value = json.loads(answer.body) if answer.status == OK else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) and "sdk_version" in value else {}


def _number(value: Any) -> float:
    """Read a number: finite, and none of what is not."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9  # noqa: PLR2004
    return value if good else 0.0
