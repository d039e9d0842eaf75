"""`lkctl agent serve` as a process of its own, and clients of it.

with serving("--allow-origin", "none") as service:
    asyncio.run(...)  # with connected(service) as client: await client.introduce("user_1704067200000_abc123")
"""

import contextlib
import json
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import aiohttp

from tests.guests import SCRIPT, Guest, start
from tests.watcher import Running, running

ORIGIN = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"
_PATIENCE = 30.0  # seconds for an answer; an agent starts in 3


class Service:
    """A running service; `run` is its process."""

    def __init__(self, run: Running) -> None:
        self.run = run
        self.url = str(run.await_event("listening")["message"])
        self.port = int(self.url.rstrip("/").rpartition(":")[2])

    def get(self, path: str) -> tuple[int, str]:
        """Ask by HTTP; give status and body."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def health(self) -> dict[str, Any]:
        """Give what /healthz tells."""
        return dict(json.loads(self.get("/healthz")[1]))

    @property
    def memory(self) -> int:
        """Its resident memory in KiB."""
        with open(f"/proc/{self.run.process.pid}/status") as status:  # noqa: PTH123
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


class Client:
    """One WebSocket to a service."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> dict[str, Any]:
        """Send a message, and give what comes next."""
        await self.socket.send_str(json.dumps(message))
        return await self.hear()

    async def introduce(self, user_id: str, **fields: Any) -> dict[str, Any]:
        """Send connection_info, and give the answer."""
        return await self.say(type="connection_info", userId=user_id, **fields)

    async def hear(self) -> dict[str, Any]:
        """Give the next message."""
        return dict(json.loads(await self.socket.receive_str(timeout=_PATIENCE)))

    async def close_code(self) -> int | None:
        """Wait until the service closes, dropping what it says before; give its code."""
        while not self.socket.closed:
            await self.socket.receive(timeout=_PATIENCE)
        return self.socket.close_code


@contextmanager
def serving(*options: str) -> Iterator[Service]:
    """Run the service on a free port."""
    with running("agent", "serve", "--port", "0", "-o", "jsonl", *options) as run:
        yield Service(run)


@asynccontextmanager
async def connected(service: Service, origin: str | None = None) -> AsyncIterator[Client]:
    """Be connected; raises aiohttp.WSServerHandshakeError where the service refuses it."""
    async with aiohttp.ClientSession() as session, session.ws_connect(service.url, origin=origin) as websocket:
        yield Client(websocket)


@contextmanager
def joined(assigned: dict[str, Any]) -> Iterator[Guest]:
    """Be in the room that was assigned, by its token."""
    guest = Guest(start(str(SCRIPT)))
    try:
        guest.do("join", url=assigned["url"], token=assigned["token"])
        yield guest
    finally:
        guest.end()


def dial(service: Service) -> socket.socket:
    """Open a bare TCP connection."""
    return socket.create_connection(("127.0.0.1", service.port), timeout=_PATIENCE)


def upgrade(link: socket.socket) -> bytes:
    """Become a WebSocket on a bare connection; give the head of the answer."""
    link.sendall(
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = b""
    while b"\r\n\r\n" not in head and (part := link.recv(1)):
        head += part
    return head


def frame(payload: bytes, opcode: int = 1, *, length: int | None = None) -> bytes:
    """Write a client's frame, masked with zeros; `length` is what it claims to be."""
    size = len(payload) if length is None else length
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", size)
    return head + bytes(4) + payload


def reset(link: socket.socket) -> None:
    """Break a connection off (RST)."""
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()


def drained(link: socket.socket) -> bool:
    """Read until the other side ends the connection; tell whether it did."""
    with contextlib.suppress(ConnectionError):
        while link.recv(65536):
            pass
    return True
