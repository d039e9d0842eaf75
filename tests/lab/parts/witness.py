"""What a server itself tells of what is made on it: its list of rooms, all the time, and its webhooks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from lkctl.localserver.config import HOST
from lkctl.localserver.process import LocalServer
from tests.lab.parts.relay import serving
from tests.redis import api_of

_PAUSE = 0.02  # seconds; a room that is made lives longer than this


class Witness:
    """`rooms`: the names of all rooms that were ever listed; `events`: the names of all webhooks that came."""

    def __init__(self) -> None:
        self.rooms: set[str] = set()
        self.events: list[str] = []
        self.looks = 0


@contextmanager
def hearing(witness: Witness) -> Iterator[str]:
    """Take webhooks for the time of the `with`; give the URL for the server's configuration."""

    async def take(request: web.BaseRequest) -> web.StreamResponse:
        witness.events.append(str((await request.json())["event"]))
        return web.Response()

    with serving(take) as port:
        yield f"http://{HOST}:{port}"


@contextmanager
def watching(witness: Witness, server: LocalServer) -> Iterator[None]:
    """Look at the server's rooms all the time."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(_PAUSE):
            witness.rooms |= {room.name for room in api_of(server).list_rooms()}
            witness.looks += 1

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(5)
