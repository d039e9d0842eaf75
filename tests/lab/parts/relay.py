"""A proxy with an exact fault: passes HTTP and WebSocket on to a port, and lets a case meddle with either."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from lkctl.localserver.config import HOST

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_HOP = {"connection", "upgrade", "host", "content-length", "transfer-encoding", "content-encoding", "keep-alive"}
# To have the server say why it refuses one, which aiohttp's WebSocket client hides
_UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "bGFib3JhdG9yeSBub25jZQ==",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What the proxy does beyond passing on.

    `hold` may keep a request back, also one for a WebSocket; `refuse` may answer instead of the server; `path` may
    change what is asked of it, and `body` with what; `headers` may change what its answer carries; `frame` may change
    what it says on a WebSocket, which is several messages then.
    """

    refuse: Callable[[web.BaseRequest], web.Response | None] = lambda _: None
    hold: Callable[[str], Awaitable[None]] = lambda _: asyncio.sleep(0)
    path: Callable[[str], str] = lambda path: path
    body: Callable[[str, bytes], bytes] = lambda _, body: body
    headers: Callable[[Mapping[str, str]], list[tuple[str, str]]] = lambda headers: list(headers.items())
    frame: Callable[[bytes], list[bytes]] = lambda frame: [frame]
    upgrades: bool = True  # False: the upgrade is passed on as a plain request


@contextmanager
def relaying(port: int, fault: Fault) -> Iterator[int]:
    """Pass on to a port with a fault; give the proxy's own port."""

    async def pass_on(request: web.BaseRequest) -> web.StreamResponse:
        await fault.hold(request.path)
        refusal = fault.refuse(request)
        if refusal is not None:
            return refusal
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        return await (_talk if upgrade and fault.upgrades else _exchange)(request, port, fault)

    with serving(pass_on) as own:
        yield own


@contextmanager
def serving(handler: Handler) -> Iterator[int]:
    """Serve with aiohttp on loopback, in a thread of its own; give the port."""
    loop = asyncio.new_event_loop()

    async def begin() -> tuple[web.ServerRunner, int]:
        runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        return runner, int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    runner, port = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


class _Bare(web.Response):
    """An answer with the headers that it was given: aiohttp would name itself as the server, which LiveKit does not."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        if self.headers.get("Server", "").startswith("Python/"):
            del self.headers["Server"]


async def _exchange(
    request: web.BaseRequest, port: int, fault: Fault, also: Mapping[str, str] | None = None
) -> web.StreamResponse:
    body = fault.body(request.path, await request.read())
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(
            request.method, f"http://{HOST}:{port}{fault.path(request.path_qs)}", data=body, allow_redirects=False,
            headers=[*_kept(request), *(also or {}).items()],
        ) as answer,
    ):  # fmt: skip
        reply = _Bare(status=answer.status, body=await answer.read())
        for name in list(reply.headers):
            del reply.headers[name]
        for name, value in fault.headers(answer.headers):
            if name.lower() not in _HOP:
                reply.headers.add(name, value)
        return reply


async def _talk(request: web.BaseRequest, port: int, fault: Fault) -> web.StreamResponse:
    async with aiohttp.ClientSession() as session:
        try:
            there = await session.ws_connect(f"http://{HOST}:{port}{request.path_qs}", headers=_kept(request))
        except aiohttp.WSServerHandshakeError:
            return await _exchange(request, port, fault, _UPGRADE)
        here = web.WebSocketResponse()
        with suppress(ConnectionError):
            await here.prepare(request)
            await _either(_forth(here, there), _back(there, here, fault))
        with suppress(Exception):
            await there.close()
            await here.close()
        return here


async def _either(*ways: Coroutine[Any, Any, None]) -> None:
    """Let both ways run until one of them ends; raise what it ended with."""
    tasks = [asyncio.create_task(way) for way in ways]
    ended, unfinished = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in unfinished:
        task.cancel()
    await asyncio.gather(*unfinished, return_exceptions=True)
    for task in ended:
        task.result()


async def _forth(here: web.WebSocketResponse, there: Any) -> None:
    async for message in here:
        await _send(there, message)


async def _back(there: Any, here: web.WebSocketResponse, fault: Fault) -> None:
    async for message in there:
        if message.type is aiohttp.WSMsgType.BINARY:
            for frame in fault.frame(message.data):
                await here.send_bytes(frame)
        else:
            await _send(here, message)


async def _send(link: Any, message: Any) -> None:
    if message.type is aiohttp.WSMsgType.BINARY:
        await link.send_bytes(message.data)
    elif message.type is aiohttp.WSMsgType.TEXT:
        await link.send_str(message.data)


def _kept(request: web.BaseRequest) -> list[tuple[str, str]]:
    dropped = ("sec-websocket-", *_HOP)
    return [(name, value) for name, value in request.headers.items() if not name.lower().startswith(dropped)]
