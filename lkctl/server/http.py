"""HTTP exchanges with a deadline for the whole of each, phases that are named when they fail, and capped bodies.

Redirects are reported, never followed; proxies from the environment are not used, as livekit-api does not use
them either (livekit.rtc and agents do: checks/proxies.py).
"""

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.faults import broken
from lkctl.server.link import connect, late, secure, trust
from lkctl.server.wire import MOST_BYTES, MalformedError, NothingCameError, SilentError, Wire
from lkctl.settings.url import ServerUrl

if TYPE_CHECKING:
    import ssl

_MOST_IDLE = 128  # connections, as many as are ever used at once: each change opens one more and takes none
Trace = Callable[[str], None]
T = TypeVar("T")
_Steps = Generator[None, None, "Answer"]  # one exchange: after its first step the request is sent


class UnansweredError(LkctlError):
    """The connection was taken, and not a byte of an answer came in time."""

    def __init__(self, url: ServerUrl, deadline: Deadline) -> None:
        error = late(f"{url.http} takes the connection, but its answer", deadline)
        super().__init__(error.code, error.message, hint=error.hint)


class Answer(NamedTuple):
    """What came back; the names of the headers in lower case.

    `sent_at` and `answered_at` are this machine's clock (seconds since the epoch).
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent_at: float
    answered_at: float
    truncated: bool = False

    def __repr__(self) -> str:
        return f"<Answer {self.status}>"  # the rest may hold what was sent: a server may echo it

    def without_body(self) -> "Answer":
        """Give the answer for keeping: a body may be large."""
        return self._replace(body=b"")

    @property
    def text(self) -> str:
        """The body as text, whatever bytes it holds."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Whether it is a web page."""
        start = self.body[:256].lstrip().lower()
        return "html" in self.headers.get("content-type", "") or start.startswith((b"<!doctype", b"<html"))


class Request(NamedTuple):
    """One request, to a path below the server's URL. `repeatable`: it changes nothing, so it may be sent twice."""

    method: str
    path: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    repeatable: bool = False

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.path}>"  # the headers hold the token


class Connections:
    """Connections to one server, each kept open after an exchange for the next one. Threads may share it.

    A kept connection may have been closed by the server meanwhile, unseen. So what changes something gets a new
    connection and is sent once, whatever happens; what changes nothing is sent again, once, on a new one where the
    kept one was closed before a byte of the answer came (RFC 9110, 9.2.2).
    """

    def __init__(
        self, url: ServerUrl, *, most_bytes: int = MOST_BYTES, trusted: "ssl.SSLContext | None" = None
    ) -> None:
        self._url = url
        self._most_bytes = most_bytes  # of a body
        self._idle: list[Wire] = []
        self._open: set[Wire] = set()
        self._closed = False
        self._trusted = trusted

    def exchange(self, request: Request, deadline: Deadline, trace: Trace | None = None) -> Answer:
        """Send a request and give the answer; raise LkctlError of the codes net-, tls-, http-.

        `trace` is told what was asked, what came of it and how long it took.
        """
        return _finish(self._steps(request, deadline, trace))

    def exchange_all(
        self, requests: Sequence[Request], deadline: Deadline, trace: Trace | None = None
    ) -> list[Answer | LkctlError]:
        """Do exchanges that are all under way at the same time, each on its own connection; 16 are a good number.

        32 threads with one exchange each need twice as long: they wait for each other at every system call (measured).
        """
        if len(requests) > 1:
            self._connect_all(len(requests) - len(self._idle), deadline)
        exchanges = [self._steps(request, deadline, trace) for request in requests]
        failed = {number: error for number, steps in enumerate(exchanges) if (error := _attempt(next, steps))}
        outcomes = (failed.get(number, steps) for number, steps in enumerate(exchanges))
        return [one if isinstance(one, LkctlError) else _attempt(_finish, one) for one in outcomes]

    def __del__(self) -> None:
        """Hang up when nobody holds it any more."""
        self.close()

    def close(self) -> None:
        """Hang up everywhere; threads that wait for an answer get an error, and none can be asked for any more."""
        self._closed = True
        for wire in tuple(self._open):
            wire.close()

    def _steps(self, request: Request, deadline: Deadline, trace: Trace | None) -> _Steps:
        """Do an exchange; it stops when a request is sent, and goes on with the wait for its answer."""
        started = time.monotonic()
        outcome = "no answer"
        try:
            answer = yield from self._exchange(request, deadline)
            outcome = str(answer.status)
        except NothingCameError:
            raise UnansweredError(self._url, deadline) from None
        except TimeoutError:
            raise late(f"the answer of {self._url.http}", deadline) from None
        except (MalformedError, OSError, ValueError) as error:
            raise broken(self._url, error) from None
        finally:
            if trace is not None:
                spent = (time.monotonic() - started) * 1000
                trace(f"debug: {request.method} {self._url.http}{request.path} -> {outcome} in {spent:.0f} ms")
        return answer

    def _exchange(self, request: Request, deadline: Deadline) -> _Steps:
        content = written(request, self._url)
        kept = self._kept() if request.repeatable else None
        if kept is not None:
            try:
                return (yield from self._use(kept, content, deadline))
            except SilentError:
                pass
        return (yield from self._use(self._new(deadline), content, deadline))

    def _use(self, wire: Wire, content: bytes, deadline: Deadline) -> _Steps:
        try:
            sent_at = time.time()
            wire.send(content, deadline)
            yield
            reply = wire.receive(deadline)
        except BaseException:
            self._drop(wire)
            raise
        if reply.whole and not self._closed and len(self._idle) < _MOST_IDLE:
            self._idle.append(wire)
        else:
            self._drop(wire)
        return Answer(reply.status, reply.headers, reply.body, sent_at, time.time(), reply.truncated)

    def _kept(self) -> Wire | None:
        with suppress(IndexError):  # there is none, or another thread was faster
            while not (wire := self._idle.pop()).usable:
                self._drop(wire)
            return wire
        return None

    def _new(self, deadline: Deadline) -> Wire:
        if self._closed:
            raise SilentError
        url = self._url
        link = connect(url.host, url.port, deadline)
        if url.secure:
            self._trusted = self._trusted or trust()
            link = secure(link, url.host, deadline, self._trusted)
        wire = Wire(link, self._most_bytes)
        self._open.add(wire)
        return wire

    def _connect_all(self, count: int, deadline: Deadline) -> None:
        """Open connections at the same time. One that fails is tried again, and explained, by whoever needs it."""

        def open_one() -> None:
            with suppress(LkctlError):
                self._idle.append(self._new(deadline))

        threads = [threading.Thread(target=open_one, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(deadline.left)

    def _drop(self, wire: Wire) -> None:
        wire.close()
        self._open.discard(wire)


def exchange(url: ServerUrl, request: Request, deadline: Deadline, trace: Trace | None = None) -> Answer:
    """Do one exchange on a connection of its own; raise LkctlError of the codes net-, tls-, http-."""
    with closing(Connections(url)) as connections:
        return connections.exchange(request, deadline, trace)


def _finish(steps: _Steps) -> Answer:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # what the generator returned


def _attempt(step: Callable[[_Steps], T], steps: _Steps) -> T | LkctlError:
    try:
        return step(steps)
    except LkctlError as error:
        return error


def written(request: Request, url: ServerUrl) -> bytes:
    """Write a request as it is sent; raise ValueError for what a head cannot hold."""
    body = request.body or b""
    length = {"Content-Length": str(len(body))} if request.body is not None else {}
    headers = {"Host": _host(url), "User-Agent": "lkctl", **length, **request.headers}
    lines = [f"{request.method} {url.path}{request.path} HTTP/1.1", *(f"{name}: {headers[name]}" for name in headers)]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header with a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _host(url: ServerUrl) -> str:
    """Name the host as browsers do: without the scheme's own port, in ASCII."""
    return url.netloc if url.netloc.isascii() else url.netloc.encode("idna").decode()
