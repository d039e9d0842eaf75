"""The service: listens while it is entered, in a thread of its own, so that ^C and a slow reader hold up no client."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lkctl.agents.launch.program import Program
from lkctl.agents.serve.door import Door
from lkctl.agents.serve.events import Event, Events
from lkctl.agents.serve.limits import FIRST_WITHIN, MOST_WAITING
from lkctl.agents.serve.means import Means
from lkctl.agents.serve.plan import Plan
from lkctl.agents.serve.register import Register
from lkctl.server.api import Api
from lkctl.server.listener import listen_on, name_of

if TYPE_CHECKING:
    from aiohttp import web

_BACKLOG = 1024
_FAREWELL = 2.0  # seconds for the requests that are under way when it ends
_ENDS_WITHIN = 25.0
_HURRIES_WITHIN = 8.0


class Service:
    """Gives users rooms while it is entered: `with Service(plan, api) as service: …`; what it made ends with it.

    `port` 0 in the plan takes a free one. Raises `port-taken` or `usage` where it cannot listen.
    """

    def __init__(self, plan: Plan, api: Api) -> None:
        self._plan = plan
        self._api = api
        self._events = Events()
        self._socket = listen_on(plan.host, plan.port, _BACKLOG)
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._register: Register | None = None
        self._gone = threading.Event()  # not join(): once interrupted, it takes the thread for ended (CPython 3.11)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = int(self._socket.getsockname()[1])
        self.url = f"ws://{name_of(plan.host)}:{self.port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, and wait until nothing of it is left; its events can be read to the end afterwards.

        Interrupted once more (a second ^C) it kills the agents instead of letting them leave, and goes on.
        """
        self._do(self._ended.set)
        try:
            self._gone.wait(_ENDS_WITHIN)
        except BaseException:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # it takes a few seconds at the most
            self._do(self._hurry)
            self._gone.wait(_HURRIES_WITHIN)
            raise
        finally:
            self._socket.close()

    def _do(self, what: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(what)

    def _hurry(self) -> None:
        if self._register is not None:
            self._register.kill()

    def events(self, seconds: float | None = None) -> Iterator[Event]:
        """Give what happens, as it happens, until the time is up or it has stopped."""
        return self._events.read(seconds)

    def _run(self) -> None:
        try:
            recipe = self._plan.recipe
            runner_of = asyncio.Runner(loop_factory=lambda: self._loop)
            with contextlib.nullcontext() if recipe is None else recipe.program() as program, runner_of as runner:
                runner.run(self._serve(program))
        except BaseException as error:  # noqa: BLE001  (raised in the thread that reads the events)
            self._events.end(error)
        else:
            self._events.end()
        finally:
            self._gone.set()

    async def _serve(self, program: Program | None) -> None:
        from aiohttp import web

        self._loop.set_exception_handler(lambda _loop, _context: None)  # what clients do wrong is told as events
        means = Means(self._plan, self._api, self._events, program)
        register = self._register = Register(means)
        door = Door(means, register)
        server = web.Server(door.answer, access_log=None, logger=_quiet_logger(), lingering_time=0)
        listening = await self._loop.create_server(self._meeting(server, door), sock=self._socket, backlog=_BACKLOG)
        watching = asyncio.create_task(register.watch())
        self._events.tell("listening", message=self.url)
        try:
            await asyncio.wait((watching, asyncio.create_task(self._ended.wait())), return_when="FIRST_COMPLETED")
            if watching.done():
                watching.result()  # raises what it failed with
        finally:
            watching.cancel()
            listening.close()
            await register.close()
            await door.close()
            await server.shutdown(_FAREWELL)
            means.close()
            self._events.tell("stopped")

    def _meeting(self, server: "web.Server", door: Door) -> Callable[[], asyncio.Protocol]:
        """Give what meets a new connection: it is shut if there are too many, or if it does not get on."""
        most = self._plan.most_sessions + MOST_WAITING

        def meet() -> asyncio.Protocol:
            if len(server.connections) >= most:
                return _Shut()
            protocol = server()
            self._loop.call_later(FIRST_WITHIN, abort_unless_upgraded, protocol)
            return protocol

        def abort_unless_upgraded(protocol: asyncio.Protocol) -> None:
            transport = getattr(protocol, "transport", None)
            if transport is not None and protocol not in door.upgraded:
                transport.abort()

        return meet


class _Shut(asyncio.Protocol):
    """Shuts a connection at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shut it without a word."""
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _quiet_logger() -> logging.Logger:
    """Give a logger that says nothing, and let aiohttp's own be as silent: both repeat what clients send."""
    for name in ("aiohttp", f"{__name__}.quiet"):
        quiet = logging.getLogger(name)
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
    return quiet
