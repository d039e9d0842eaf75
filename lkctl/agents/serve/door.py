"""Who comes in: HTTP requests, of which those from an allowed origin become WebSockets."""

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

from lkctl.agents.serve.conversation import Conversation
from lkctl.agents.serve.limits import CONNECTIONS, HEARTBEAT, Bucket
from lkctl.agents.serve.means import Means
from lkctl.agents.serve.messages import MOST_BYTES, Fault
from lkctl.agents.serve.origins import is_allowed, say_origin
from lkctl.agents.serve.register import Register

if TYPE_CHECKING:
    from aiohttp import web

HEALTH: Final = "/healthz"
_NAME = "lkctl"
_CLOSE_WITHIN = 2.0  # seconds for a client's close frame
_LEAVE_WITHIN = 5.0  # seconds for all clients to hear that it ends
_GREETING = (
    "lkctl agent serve listens here for WebSockets. Connect from an allowed origin, and say first:\n"
    '{"type": "connection_info", "userId": "user_1704067200000_abc123"}\n'
)


class Door:
    """Answers HTTP requests; `upgraded` are the connections that have become WebSockets."""

    def __init__(self, means: Means, register: Register) -> None:
        self._means = means
        self._register = register
        self._rate = Bucket(CONNECTIONS, time.monotonic())
        self._inside: dict[Conversation, asyncio.Task[object]] = {}
        self.upgraded: set[asyncio.BaseProtocol] = set()

    async def answer(self, request: "web.BaseRequest") -> "web.StreamResponse":
        """Answer one request; a WebSocket takes until it is closed."""
        if request.path == HEALTH:
            return self._tell_health(request)
        if request.path != "/" or request.method != "GET":
            return _text(405 if request.path == "/" else 404, _GREETING)
        if request.headers.get("Upgrade", "").lower().strip() != "websocket":
            return _text(426, _GREETING, Upgrade="websocket")
        return await self._admit(request)

    async def _admit(self, request: "web.BaseRequest") -> "web.StreamResponse":
        """Judge who wants to come in. The origin comes first: pages that may not must not use up the rate of others."""
        if not is_allowed(request.headers.get("Origin"), self._means.plan.origins):
            self._refuse(request, "origin-refused", "its origin is none of --allow-origin")
            return _text(403, "this origin is not allowed here; the service is told so with --allow-origin\n")
        if not self._rate.take(time.monotonic()):
            self._refuse(request, "too-many-connections", "the connections come too fast")
            return _text(429, "too many connections; come back later\n", **{"Retry-After": "5"})
        return await self._enter(request)

    async def close(self) -> None:
        """Dismiss all who are still inside, and wait until they have been told."""
        for conversation in self._inside:
            conversation.close()
        if self._inside:
            await asyncio.wait(tuple(self._inside.values()), timeout=_LEAVE_WITHIN)

    async def _enter(self, request: "web.BaseRequest") -> "web.StreamResponse":
        from aiohttp import web

        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT, timeout=_CLOSE_WITHIN, compress=False, max_msg_size=4 * MOST_BYTES
        )  # a message up to that size is answered; a larger one is cut off while it comes
        if not socket.can_prepare(request):
            return _text(400, "this is no WebSocket handshake of version 13\n")
        socket.headers["Server"] = _NAME
        conversation = Conversation(request, socket, self._means, self._register)
        await socket.prepare(request)
        self.upgraded.add(request.protocol)
        holding = self._inside[conversation] = asyncio.create_task(self._hold(conversation, request))
        try:
            await holding
        finally:
            del self._inside[conversation]
            self.upgraded.discard(request.protocol)
        return socket

    async def _hold(self, conversation: Conversation, request: "web.BaseRequest") -> None:
        try:
            await conversation.hold()
        except Exception as error:  # noqa: BLE001  (a defect that one client finds must not be lost, nor harm others)
            self._refuse(request, "internal", f"{type(error).__name__}: {error}")
            await conversation.dismiss(Fault("internal"))

    def _tell_health(self, request: "web.BaseRequest") -> "web.StreamResponse":
        if request.method not in {"GET", "HEAD"}:
            return _text(405, "GET it\n", Allow="GET, HEAD")
        lost = self._register.lost
        health = {
            "status": "livekit-lost" if lost else "ok",
            "sessions": self._register.size,
            "max_sessions": self._means.plan.most_sessions,
        }
        return _text(503 if lost else 200, json.dumps(health) + "\n", **{"Content-Type": "application/json"})

    def _refuse(self, request: "web.BaseRequest", code: str, message: str) -> None:
        origin = say_origin(request.headers.get("Origin"))
        self._means.events.tell("refused", origin=origin, code=code, message=message)


def _text(status: int, text: str, **headers: str) -> "web.StreamResponse":
    from aiohttp import web

    response = web.Response(status=status, body=text.encode(), headers={"Content-Type": "text/plain", **headers})
    response.headers.update({"Cache-Control": "no-store", "Server": _NAME})
    response.force_close()
    return response
