"""What a server says on its signal connection, changed on the way (livekit_rtc.proto, SignalResponse)."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import aiohttp
from livekit.protocol import rtc

from lkctl.localserver.config import HOST
from lkctl.localserver.process import LocalServer


def advertising(*addresses: str, first: bool = False) -> Callable[[bytes], list[bytes]]:
    """Tell of these addresses too, wherever the server tells of one of its own: before that one, or after it."""

    def frame(content: bytes) -> list[bytes]:
        message = rtc.SignalResponse.FromString(content)
        if message.WhichOneof("message") != "trickle":
            return [content]
        own = (None,)
        told = [_moved(message, where) for where in ((*addresses, *own) if first else (*own, *addresses))]
        told[-1].trickle.final = message.trickle.final
        return [one.SerializeToString() for one in told]

    return frame


def _moved(message: rtc.SignalResponse, address: str | None) -> rtc.SignalResponse:
    """Give the same candidate, at another address if one is given, and as one that others follow."""
    moved = rtc.SignalResponse.FromString(message.SerializeToString())
    moved.trickle.final = False
    init = json.loads(moved.trickle.candidateInit)
    words = init["candidate"].split(" ")  # foundation, component, protocol, priority, address, port, … (RFC 8839, 5.1)
    if address is not None:
        words[0], words[4] = f"candidate:{abs(hash(address)) % 10**9}", address
    init["candidate"] = " ".join(words)
    moved.trickle.candidateInit = json.dumps(init)
    return moved


@contextmanager
def signalling(server: LocalServer, token: str) -> Iterator[None]:
    """Be in a room without a path for media, for the time of the `with`, as a client behind a firewall is."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def join() -> aiohttp.ClientSession:
        session = aiohttp.ClientSession()
        link = await session.ws_connect(f"{server.http_url}/rtc?access_token={token}&protocol=9")
        await link.receive()
        return session

    session = asyncio.run_coroutine_threadsafe(join(), loop).result(10)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(session.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def upgraded(port: int, path: str = "/rtc") -> str:
    """Ask for a WebSocket as SDKs do; give the answer with its head."""
    asked = (
        f"GET {path} HTTP/1.1", f"Host: {HOST}:{port}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: bGFib3JhdG9yeSBub25jZQ==",
    )  # fmt: skip
    with socket.create_connection((HOST, port), 5) as link:
        link.sendall("\r\n".join([*asked, "", ""]).encode())
        return link.recv(4096).decode(errors="replace")
