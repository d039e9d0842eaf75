"""A WebSocket (RFC 6455) on our own wire: the handshake, and messages both ways, each wait within a deadline.

No library: those for Python need an event loop, or bring 0.3 s of imports for a handful of frames.
"""

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha1
from time import time

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.faults import broken
from lkctl.server.http import Answer, Request, written
from lkctl.server.link import connect, late, secure
from lkctl.server.wire import CutShortError, MalformedError, Wire
from lkctl.settings.url import ServerUrl

_SWITCHING = 101
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_FINAL, _MASKED = 0x80, 0x80
_SHORT, _MEDIUM, _LONG = 125, 126, 127
_MOST = 1024 * 1024  # bytes of a message
_NORMAL = (1000).to_bytes(2, "big")
_GOODBYE = 0.5  # seconds for the other side to say goodbye, too


class RefusedError(Exception):
    """The handshake was answered with something else than 101."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} instead of 101")
        self.answer = answer


class ClosedError(Exception):
    """The other side closed the connection; `code` as in RFC 6455, 7.4, 0 where it gave none."""

    def __init__(self, code: int = 0, reason: str = "") -> None:
        super().__init__(f"closed ({code}) {reason}".rstrip())
        self.code = code
        self.reason = reason


class WebSocket:
    """An open WebSocket. Messages are `str` (text frames) or `bytes` (binary ones); pings are answered."""

    def __init__(self, wire: Wire, url: ServerUrl) -> None:
        self._wire = wire
        self._url = url

    def send(self, message: str | bytes, deadline: Deadline) -> None:
        """Send a message; raise LkctlError of the codes net-."""
        kind, content = (_TEXT, message.encode()) if isinstance(message, str) else (_BINARY, message)
        self._send(kind, content, deadline)

    def receive(self, deadline: Deadline) -> str | bytes:
        """Give the next message; raise ClosedError, or LkctlError of the codes net-, http-."""
        parts, kind = bytearray(), _CONTINUED
        while True:
            final, opcode, content = self._frame(deadline)
            if opcode == _CLOSE:
                raise ClosedError(int.from_bytes(content[:2], "big"), content[2:].decode("utf-8", "replace"))
            if opcode == _PING:
                self._send(_PONG, content, deadline)
            elif opcode in {_CONTINUED, _TEXT, _BINARY}:
                kind = opcode or kind
                parts += content
                if len(parts) > _MOST:
                    raise broken(self._url, MalformedError("an endless message"))
                if final:
                    return parts.decode("utf-8", "replace") if kind == _TEXT else bytes(parts)

    def close(self) -> None:
        """Say goodbye and hang up; never raises."""
        with suppress(LkctlError, ClosedError):
            deadline = Deadline(_GOODBYE)
            self._send(_CLOSE, _NORMAL, deadline)
            while True:
                self.receive(deadline)
        self._wire.close()

    def _send(self, opcode: int, content: bytes, deadline: Deadline) -> None:
        mask = os.urandom(4)
        size = len(content)
        if size <= _SHORT:
            length = bytes([_MASKED | size])
        elif size < 1 << 16:
            length = bytes([_MASKED | _MEDIUM]) + size.to_bytes(2, "big")
        else:
            length = bytes([_MASKED | _LONG]) + size.to_bytes(8, "big")
        hidden = bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))
        with self._told(deadline):
            self._wire.send(bytes([_FINAL | opcode]) + length + mask + hidden, deadline)

    def _frame(self, deadline: Deadline) -> tuple[bool, int, bytes]:
        """Read a frame: whether it is the last of its message, its opcode, its content. A server masks nothing."""
        with self._told(deadline):
            first, second = self._wire.take(2, deadline)
            size = second & 0x7F
            if size in {_MEDIUM, _LONG}:
                size = int.from_bytes(self._wire.take(2 if size == _MEDIUM else 8, deadline), "big")
            if size > _MOST or second & _MASKED or first & 0x70:
                raise MalformedError("not a frame of a WebSocket")
            return bool(first & _FINAL), first & 0x0F, self._wire.take(size, deadline)

    @contextmanager
    def _told(self, deadline: Deadline) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise late(f"a message of {self._url.websocket}", deadline) from None
        except CutShortError:
            raise ClosedError from None
        except (MalformedError, OSError) as error:
            raise broken(self._url, error) from None


@contextmanager
def opened(url: ServerUrl, path: str, headers: Mapping[str, str], deadline: Deadline) -> Iterator[WebSocket]:
    """Have a WebSocket to a path below the server's URL for the time of the `with`.

    Raises RefusedError where the answer is not 101, or LkctlError of the codes net-, tls-, http-.
    """
    link = connect(url.host, url.port, deadline)
    wire = Wire(secure(link, url.host, deadline) if url.secure else link, _MOST)
    try:
        _shake_hands(wire, url, path, headers, deadline)
        socket = WebSocket(wire, url)
        try:
            yield socket
        finally:
            socket.close()
    finally:
        wire.close()


def _shake_hands(wire: Wire, url: ServerUrl, path: str, headers: Mapping[str, str], deadline: Deadline) -> None:
    key = b64encode(os.urandom(16)).decode()
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    sent_at = time()
    try:
        wire.send(written(Request("GET", path, {**upgrade, **headers}), url), deadline)
        reply = wire.receive(deadline)
    except TimeoutError:
        raise late(f"the answer of {url.websocket}", deadline) from None
    except (MalformedError, OSError, ValueError) as error:
        raise broken(url, error) from None
    if reply.status != _SWITCHING:
        raise RefusedError(Answer(reply.status, reply.headers, reply.body, sent_at, time(), reply.truncated))
    expected = b64encode(sha1(key.encode() + _MAGIC, usedforsecurity=False).digest()).decode()
    if reply.headers.get("sec-websocket-accept") != expected:
        raise broken(url, MalformedError("101 without the answer to the WebSocket's key"))
