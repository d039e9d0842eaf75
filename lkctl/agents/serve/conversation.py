"""One client's WebSocket, from its first message to its close."""

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lkctl.agents.serve import messages
from lkctl.agents.serve.limits import FIRST_WITHIN, MESSAGES, SEND_WITHIN, Bucket
from lkctl.agents.serve.means import Means
from lkctl.agents.serve.messages import ConnectionInfo, Fault, Ping
from lkctl.agents.serve.origins import say_origin
from lkctl.agents.serve.register import Register
from lkctl.agents.serve.session import Session

if TYPE_CHECKING:
    from aiohttp import web

_SOCKET_ERRORS = (OSError, RuntimeError, TimeoutError)  # RuntimeError: aiohttp's, for a socket that is closed already


class Conversation:
    """Listens to one client and speaks to it; its session ends with it."""

    def __init__(
        self, request: "web.BaseRequest", socket: "web.WebSocketResponse", means: Means, register: Register
    ) -> None:
        self._request = request
        self._socket = socket
        self._means = means
        self._register = register
        self._origin = say_origin(request.headers.get("Origin"))
        self._rate = Bucket(MESSAGES, time.monotonic())
        self._closing = asyncio.Event()

    async def hold(self) -> None:
        """Hold the conversation until either side ends it."""
        try:
            info = await self._introduce()
            if info is None:
                return
            session = self._register.open(info.user_id, self._origin)
        except Fault as fault:
            told = fault.detail or fault.message
            self._means.events.tell("refused", origin=self._origin, code=fault.code, message=told)
            await self.dismiss(fault)
        else:
            await self._attend(session)

    def close(self) -> None:
        """Have it ended, if there is no session yet: those end by themselves."""
        self._closing.set()

    async def dismiss(self, fault: Fault) -> None:
        """Tell the client why it has to go, and close its socket."""
        with suppress(*_SOCKET_ERRORS):
            await self._say(messages.error(fault, closing=True))
            async with asyncio.timeout(SEND_WITHIN):
                await self._socket.close(code=fault.close, message=fault.code.encode())

    async def _introduce(self) -> ConnectionInfo | None:
        """Wait for connection_info; None where the client leaves before."""
        listener = asyncio.create_task(self._await_info())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait((listener, closing), timeout=FIRST_WITHIN, return_when=asyncio.FIRST_COMPLETED)
            if listener.done():
                return listener.result()
            raise Fault("server-closing" if self._closing.is_set() else "too-late")
        finally:
            await _stop(listener, closing)

    async def _await_info(self) -> ConnectionInfo | None:
        while (text := await self._receive()) is not None:
            message = messages.read_message(text, self._means.plan.secret)
            if isinstance(message, ConnectionInfo):
                return message
            await self._say(messages.pong())
        return None

    async def _attend(self, session: Session) -> None:
        """Tell what is new, and listen, until one of both ends; nobody must be listening when the socket is closed."""
        listener = asyncio.create_task(self._listen())
        speaker = asyncio.create_task(self._speak(session))
        try:
            await asyncio.wait((listener, speaker), return_when=asyncio.FIRST_COMPLETED)
            failed = listener.exception() if listener.done() else None
            session.end(failed if isinstance(failed, Fault) else None)
        finally:
            session.end(Fault("server-closing"))  # if it has not ended by now, we were cancelled
            await _stop(listener, speaker)
        if session.fault is not None:
            await self.dismiss(session.fault)

    async def _speak(self, session: Session) -> None:
        """Tell what is new, until the session is over."""
        while not isinstance(news := await session.news.get(), Fault):
            with suppress(*_SOCKET_ERRORS):  # whoever listens learns of it
                await self._say(news)

    async def _listen(self) -> None:
        """Answer what the client says until it leaves; raise Fault for what a session does not outlive."""
        while (text := await self._receive()) is not None:
            answer = _answer_late(text)
            with suppress(*_SOCKET_ERRORS):
                await self._say(answer)

    async def _receive(self) -> str | None:
        """Give the next message; None when the client has left. Raise Fault for what no message may be."""
        from aiohttp import WSCloseCode, WSMsgType

        received: Any = await self._socket.receive()
        if received.type is WSMsgType.BINARY:
            raise Fault("not-text")
        if received.type is WSMsgType.ERROR and getattr(received.data, "code", 0) == WSCloseCode.MESSAGE_TOO_BIG:
            raise Fault("message-too-large")
        if received.type is not WSMsgType.TEXT:
            return None
        if not self._rate.take(time.monotonic()):
            raise Fault("too-many-messages")
        return str(received.data)

    async def _say(self, text: str) -> None:
        """Send; a client that does not read in time is cut off."""
        try:
            async with asyncio.timeout(SEND_WITHIN):
                await self._socket.send_str(text)
        except TimeoutError:
            self._abort()
            raise

    def _abort(self) -> None:
        transport = self._request.transport
        if transport is not None:
            transport.abort()


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def _answer_late(text: str) -> str:
    """Answer what is said once there is a session; raise Fault for what the session does not outlive."""
    try:
        message = messages.read_message(text, None)
    except Fault as fault:
        if not fault.forgivable:
            raise
        return messages.error(fault, closing=False)
    return messages.pong() if isinstance(message, Ping) else messages.error(Fault("already-assigned"), closing=False)
