"""An HTTP server for webhooks: hands on each delivery with its verdict, and answers as a receiver should.

What livekit-server 1.13.5 makes of the answer (measured): 2xx, 3xx and 4xx but 429 end the matter, whatever they say.
After 429, 5xx or no answer it sends the same body and token again, after 1, 2, 4 and 8 s, and holds back what else
concerns that room meanwhile; what waits for more than 30 s is dropped. So a bad delivery gets 401, and does not come
again; 503 is for what there is no room for now.
"""

import asyncio
import errno
import ipaddress
import logging
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from lkctl.errors import LkctlError
from lkctl.server.backlog import Backlog, Place
from lkctl.webhooks.delivery import Delivery, too_large

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.web_protocol import RequestHandler

LOOPBACK = "127.0.0.1"
# Room metadata may have 512 KiB, participant metadata and attributes 64 KiB each by default; JSON may double it
MOST_BYTES = 4 * 1024 * 1024
LIFE = 15.0  # seconds that a connection has in all, however slow its client; LiveKit needs a few milliseconds
_FAREWELL = 1.0  # seconds for the answers that are under way when it ends
_GREETING = "lkctl listens here for LiveKit's webhooks: POST them to this URL\n"


class Posted(NamedTuple):
    """What was posted: when (seconds since 1970), to which path, the Authorization headers, and the raw body."""

    at: float
    path: str
    authorizations: tuple[str, ...]
    body: bytes


class Arrival(NamedTuple):
    """A delivery that came: when (seconds since 1970), to which path, and what it was judged."""

    at: float
    path: str
    delivery: Delivery


class Listener:
    """Listens for webhooks while it is entered: `with Listener(judge, port=0) as listener: …`.

    `judge` is called for every POST, in a few worker threads: one that takes long holds up no others, and those that
    come at the same time may change places. What comes is bounded in bytes and number (Backlog), and answered 503
    beyond that. `port` 0 takes a free one. A connection has `life` seconds in all. Raises `port-taken` where the port
    cannot be listened on, `usage` where `host` is no address of this machine.
    """

    def __init__(
        self, judge: Callable[[Posted], Delivery], *, host: str = LOOPBACK, port: int = 0, life: float = LIFE
    ) -> None:
        self._judge = judge
        self._life = life
        self._backlog: Backlog[Arrival] = Backlog()
        self._socket = listen_on(host, port)
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://{name_of(host)}:{self.port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(2 * _FAREWELL)
        self._socket.close()

    def arrivals(self, seconds: float | None = None) -> Iterator[Arrival]:
        """Give the deliveries as they come, until the time is up; without one, for ever."""
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            left = None if end is None else max(0.0, end - time.monotonic())
            try:
                arrival = self._backlog.take(left)
            except queue.Empty:
                return
            yield arrival

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # noqa: BLE001  (told in the thread that waits)
            self._backlog.fail(error)

    async def _serve(self) -> None:
        from aiohttp import web

        quiet = logging.getLogger(f"{__name__}.quiet")  # what clients do wrong is answered, not logged
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        server = web.Server(self._answer, access_log=None, logger=quiet, auto_decompress=False, lingering_time=0)

        def meet() -> asyncio.Protocol:
            protocol = server()
            self._loop.call_later(self._life, _abort, protocol)
            return protocol

        listening = await self._loop.create_server(meet, sock=self._socket)
        await self._ended.wait()
        listening.close()
        await server.shutdown(_FAREWELL)

    async def _answer(self, request: "web.BaseRequest") -> "web.StreamResponse":
        response = await self._respond(request)
        response.force_close()  # LiveKit comes seldom; and so none ends in the middle of a delivery
        return response

    async def _respond(self, request: "web.BaseRequest") -> "web.StreamResponse":
        from aiohttp import web

        if request.method in {"GET", "HEAD"}:
            return web.Response(text=_GREETING)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "GET, HEAD, POST"}, text="POST it\n")
        try:
            with self._backlog.place() as place:
                return await self._receive(request, place)
        except queue.Full:
            return web.Response(status=503, text="too much at once; come back\n")

    async def _receive(self, request: "web.BaseRequest", place: Place[Arrival]) -> "web.StreamResponse":
        """Take a delivery in, have it judged, and hand it on; raise `queue.Full` where there is no room for it."""
        from aiohttp import web

        body = await _read(request, place)
        if body is None:
            now = time.time()
            place.keep(Arrival(now, request.path, too_large(MOST_BYTES, now)))
            return web.Response(status=413, text=f"more than {MOST_BYTES} bytes\n")
        headers: Any = request.headers
        posted = Posted(time.time(), request.path, tuple(headers.getall("Authorization", ())), body)
        try:
            delivery = await asyncio.to_thread(self._judge, posted)
        except Exception as error:  # told in the thread that waits
            self._backlog.fail(error)
            raise
        place.keep(Arrival(posted.at, posted.path, delivery))
        return web.Response(text="ok\n") if delivery.ok else web.Response(status=401, text=f"{_refusal(delivery)}\n")


def _abort(protocol: "RequestHandler") -> None:
    if protocol.transport is not None:
        protocol.transport.abort()


async def _read(request: "web.BaseRequest", place: Place[Arrival]) -> bytes | None:
    """Read the body as it comes; None where it is too large. Raise `queue.Full` where there is no room for it."""
    if (request.content_length or 0) > MOST_BYTES:
        return None
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            return None
        place.grow(len(body))
    return bytes(body)


def _refusal(delivery: Delivery) -> str:
    """Name what failed, and no more: the sender may be anybody."""
    return f"not genuine: {', '.join(check.id for check in delivery.failed)}"


def listen_on(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """Listen on a port, 0 is a free one; raise `port-taken`, or `usage` where `host` is no address of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except (OSError, UnicodeError) as error:
        raise _not_listening(f"{host}:{port}", error) from None


def _not_listening(place: str, error: Exception) -> LkctlError:
    number = getattr(error, "errno", None) or 0  # below zero, or none at all: the name was not found
    message = f"cannot listen on {place}: {os.strerror(number) if number > 0 else 'there is no such address'}"
    if number == errno.EADDRINUSE:
        return LkctlError("port-taken", message, hint="Choose another port with --port, or 0 for a free one")
    if number in {errno.EACCES, errno.EPERM}:
        return LkctlError("port-taken", message, hint="Choose a port above 1023 with --port; those below are root's")
    return LkctlError("usage", message, hint="Choose an address of this machine with --bind")


def name_of(host: str) -> str:
    """Name the host for a URL; of an address that stands for all of the machine's own, the machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return socket.gethostname()
    return f"[{host}]" if address.version == 6 else host  # noqa: PLR2004
