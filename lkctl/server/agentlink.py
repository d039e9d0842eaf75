"""The way in for workers: they register on the WebSocket /agent (livekit_agent.proto, WorkerMessage, ServerMessage).

Spoken in JSON, which the server answers in as soon as a text frame comes (measured on 1.13.5). Tests read every message
that is sent here into LiveKit's own protobuf messages.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.answers import UNAUTHORIZED, proxy_error
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer
from lkctl.server.refusal import read_refusal
from lkctl.server.websocket import ClosedError, RefusedError, WebSocket, opened
from lkctl.settings.shape import Pair
from lkctl.settings.url import ServerUrl
from lkctl.tokens.signer import api_token

_PATH = "/agent"
_NOT_FOUND = 404
_EDITIONS = ("Standard", "Cloud")  # ServerInfo.Edition of livekit_models.proto
_LONGEST = 100  # characters that a server may say of itself


class ServerInfo(NamedTuple):
    """What a server says of itself (livekit.ServerInfo); "" and 0 for what it leaves out.

    `edition` is Standard or Cloud.
    """

    version: str
    edition: str
    region: str
    node_id: str
    protocol: int
    agent_protocol: int


def register(url: ServerUrl, pair: Pair, agent_name: str, deadline: Deadline) -> ServerInfo:
    """Register as a worker of this name for a moment, and give what the server says of itself.

    A name that nobody calls gets no job. The server looks its workers up anew at the next dispatch, whose job is then
    listed 5 s late (measured). Raises LkctlError: net-, tls-, http-, `auth-refused`, `not-livekit`, `server-error`.
    """
    token = api_token(pair.key, pair.secret, {"agent": True}, time.time())
    try:
        with opened(url, _PATH, {"Authorization": f"Bearer {token}"}, deadline) as socket:
            return _read(_exchange(socket, registration(agent_name), deadline), url)
    except RefusedError as refused:
        raise _refused(refused.answer, url) from None
    except ClosedError as closed:
        told = f"{url.websocket}{_PATH} takes workers in, and closes at once"
        why = f" ({closed.code} {scrub(closed.reason)[:_LONGEST].strip()})" if closed.code else ""
        raise LkctlError("server-error", told + why, hint="Look into the server's log, and at the proxy") from None


def _exchange(socket: WebSocket, message: str, deadline: Deadline) -> str | bytes:
    """Say something and hear the answer; a connection that is reset meanwhile was closed by the other side."""
    try:
        socket.send(message, deadline)
        return socket.receive(deadline)
    except LkctlError as error:
        if error.code == "net-failed":
            raise ClosedError from None
        raise


def registration(agent_name: str) -> str:
    """Write the WorkerMessage that registers a worker for rooms."""
    return json.dumps({"register": {"type": "JT_ROOM", "agentName": agent_name, "version": "lkctl"}})


def _read(message: str | bytes, url: ServerUrl) -> ServerInfo:
    """Read the ServerMessage that answers it: protojson, in lowerCamelCase, without what is zero."""
    try:
        answer = json.loads(message)
    except (ValueError, RecursionError):
        answer = None
    info = _part(_part(answer, "register"), "serverInfo")
    if not info:
        hint = "Does a proxy pass /agent on to LiveKit?"
        raise LkctlError("not-livekit", f"{url.websocket}{_PATH} answers a worker as LiveKit does not", hint=hint)
    return ServerInfo(
        _text(info, "version"), _edition(info.get("edition", 0)), _text(info, "region"), _text(info, "nodeId"),
        _number(info, "protocol"), _number(info, "agentProtocol"),
    )  # fmt: skip


def _refused(answer: Answer, url: ServerUrl) -> LkctlError:
    where = f"{url.websocket}{_PATH}"
    if answer.status == UNAUTHORIZED and not answer.is_html:
        told = f"{where} takes no worker with this key: {scrub(read_refusal(answer.text).said)} (401)"
        return LkctlError("auth-refused", told, hint="The key must be one of the server's own. Run: lkctl diagnose")
    if answer.status == _NOT_FOUND and not answer.body.strip():
        told = f"{where} answers 404 and nothing else: the upgrade to a WebSocket was lost on the way"
        hint = "Let the proxy pass the headers Upgrade and Connection on, for /agent as for /rtc"
        return LkctlError("not-livekit", told, hint=hint)
    error = proxy_error(answer, url)
    hint = f"{error.hint}; for workers it must pass /agent on as well"
    return LkctlError(error.code, f"no worker can register at {where}: {error.message}", hint=hint)


def _part(value: Any, name: str) -> Mapping[str, Any]:
    part = value.get(name) if isinstance(value, dict) else None
    return part if isinstance(part, dict) else {}


def _text(info: Mapping[str, Any], name: str) -> str:
    value = info.get(name)
    return value[:_LONGEST] if isinstance(value, str) else ""


def _number(info: Mapping[str, Any], name: str) -> int:
    value = info.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _edition(value: Any) -> str:
    """Read the enum, by name or number; "" where it is neither."""
    if isinstance(value, str):
        return value if value in _EDITIONS else ""
    return _EDITIONS[value] if type(value) is int and value in range(len(_EDITIONS)) else ""
