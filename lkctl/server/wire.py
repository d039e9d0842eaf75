"""HTTP/1.1 on one connection (RFC 9112): requests out, answers in, each wait of it within a deadline.

Not http.client: 2,000 calls at 32 at once take 0.56 of what livekit-api needs with it, 0.3 with this (measured by
tests/bench/fleet.py), and to load it takes 25 ms, a fifth of a `room list`.
"""

import select
import socket
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from lkctl.server.deadline import NO_TIME, Deadline
from lkctl.server.link import shut

MOST_BYTES = 64 * 1024 * 1024  # 5,000 rooms are 4 MB of JSON; an endless body ends here
_MOST_HEAD = 32 * 1024
_MOMENT = 0.02  # seconds
_PART = 64 * 1024
_MOST_DIGITS = 16  # of a length
_MOST_AHEAD = 100  # answers that only announce another one
_DIGITS = b"0123456789ABCDEF"
_OK, _SWITCHING, _BODILESS = 200, 101, {101, 204, 304}
_SINGLE = {"content-length", "transfer-encoding", "date", "location", "connection"}  # the last one counts
_START = b"HTTP/1."
_LINE, _END = b"\r\n", b"\r\n\r\n"
_TLS_ALERT = b"\x15\x03"
_SETTINGS, _SETTINGS_AT = b"\x04", 3  # the type of the frame that HTTP/2 begins with (RFC 9113, 3.4)


class MalformedError(Exception):
    """What came is not HTTP."""


class CutShortError(MalformedError):
    """The answer ended before its end."""


class TlsSpokenError(MalformedError):
    """It is TLS."""


class Http2SpokenError(MalformedError):
    """It is HTTP/2, which was not asked for."""


class SilentError(ConnectionError):
    """The connection was closed before a byte of the answer came."""


class NothingCameError(TimeoutError):
    """Not a byte of the answer came in time."""


class Reply(NamedTuple):
    """An answer; the names of its headers in lower case. `whole`: its end is told, so that another one can follow."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    whole: bool


class Wire:
    """An open connection. One exchange at a time; another can follow while `usable`."""

    def __init__(self, link: socket.socket, most: int = MOST_BYTES) -> None:
        self._link = link
        self._most = most  # bytes of a body
        self._open = True
        self._came = bytearray()  # and is not yet read
        self._ended = False
        self._limit = 0.0
        self._poll = select.poll()
        self._poll.register(link, select.POLLIN)

    @property
    def usable(self) -> bool:
        """Whether a request can be sent on it: nobody hung up, or talked unasked."""
        if not self._open or self._came:
            return False
        return not self._poll.poll(0)

    def send(self, request: bytes, deadline: Deadline) -> None:
        """Send a request; raise TimeoutError. After an error nothing can follow; close it."""
        self._open = False
        rest = memoryview(request)
        while rest:
            self._hurry(deadline)  # what was given up is not sent any more
            try:
                rest = rest[self._link.send(rest) :]
            except TimeoutError:
                raise
            except OSError:  # who has read enough answers, and hangs up on the rest; or nothing comes back
                return

    def receive(self, deadline: Deadline, *, head_only: bool = False) -> Reply:
        """Give the answer to what was sent; raise SilentError, MalformedError, TimeoutError or OSError.

        `head_only`: what follows the head is no body (CONNECT: RFC 9110, 9.3.6).
        """
        self._await_start(deadline)
        reply = self._read(deadline, head_only=head_only)
        self._open = reply.whole
        return reply

    def take(self, size: int, deadline: Deadline) -> bytes:
        """Give so many bytes of what follows an answer with 101; raise CutShortError, TimeoutError or OSError."""
        return self._exactly(size, deadline)

    def close(self) -> None:
        """Hang up, also for a thread that waits for an answer."""
        self._open = False
        shut(self._link)

    def _await_start(self, deadline: Deadline) -> None:
        """Wait for the first bytes, and look whether they may be HTTP: another protocol may never end its line."""
        try:
            self._more(deadline)
        except TimeoutError:
            raise NothingCameError from None
        except OSError as error:
            raise SilentError(getattr(error, "reason", None) or "") from None  # TLS says why
        if not self._came:
            raise SilentError
        if self._came.startswith(_TLS_ALERT):
            raise TlsSpokenError
        if not _START.startswith(self._came[: len(_START)]):
            if self._came[_SETTINGS_AT : _SETTINGS_AT + 1] == _SETTINGS and not self._came[0]:
                raise Http2SpokenError
            _refuse("start")

    def _read(self, deadline: Deadline, *, head_only: bool) -> Reply:
        for _ in range(_MOST_AHEAD):
            status, lasting, headers = _read_head(self._until(_END, deadline))
            if status >= _OK or status == _SWITCHING:
                break  # else 100 Continue and the like: the answer is still to come
        else:
            _refuse("endless announcements")
        if status in _BODILESS or head_only:
            return Reply(status, headers, b"", truncated=False, whole=lasting and status != _SWITCHING)
        body, ended = self._body(headers, deadline)
        return Reply(status, headers, body[: self._most], len(body) > self._most, lasting and ended)

    def _body(self, headers: Mapping[str, str], deadline: Deadline) -> tuple[bytes, bool]:
        """Give the body, of which one byte more than allowed may come, and whether it was read to a told end."""
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if coding is not None and coding.lower() == "chunked":
            return self._chunks(deadline)
        if coding is not None or length is None:
            return self._some(self._most + 1, deadline), False
        size = _number(length.encode("latin-1"), 10)
        return self._exactly(min(size, self._most + 1), deadline), size <= self._most

    def _chunks(self, deadline: Deadline) -> tuple[bytes, bool]:
        body = bytearray()
        while size := _number(self._until(_LINE, deadline).partition(b";")[0].strip(), 16):
            body += self._exactly(min(size, self._most + 1), deadline)
            if len(body) > self._most:
                return bytes(body), False
            if self._until(_LINE, deadline):
                _refuse("chunk")
        while self._until(_LINE, deadline):  # the trailers
            pass
        return bytes(body), True

    def _until(self, mark: bytes, deadline: Deadline) -> bytes:
        """Take what comes before a mark, and the mark."""
        seen = 0
        while (at := self._came.find(mark, max(0, seen - len(mark)))) < 0:
            seen = len(self._came)
            if seen > _MOST_HEAD:
                _refuse("endless head")
            if self._ended:
                raise CutShortError
            self._more(deadline)
        if at > _MOST_HEAD:
            _refuse("endless head")
        return self._take(at + len(mark))[:at]

    def _exactly(self, size: int, deadline: Deadline) -> bytes:
        content = self._some(size, deadline)
        if len(content) < size:
            raise CutShortError
        return content

    def _some(self, size: int, deadline: Deadline) -> bytes:
        """Take so many bytes, or all up to the end."""
        while len(self._came) < size and not self._ended:
            self._more(deadline)
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._came[:size])
        del self._came[:size]
        return taken

    def _more(self, deadline: Deadline) -> None:
        self._hurry(deadline)
        part = self._link.recv(_PART)
        self._came += part
        self._ended = not part

    def _hurry(self, deadline: Deadline) -> None:
        """Let the next wait end with the deadline. To say so is a call of the system, so not for every moment."""
        left = deadline.left
        if left <= NO_TIME and deadline.over:
            raise TimeoutError
        if not -_MOMENT < left - self._limit < _MOMENT:
            self._limit = left
            self._link.settimeout(left)


def _read_head(head: bytes) -> tuple[int, bool, dict[str, str]]:
    """Read `HTTP/1.1 200 OK` and headers: the number, whether the connection lasts, the headers."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if version not in {"HTTP/1.1", "HTTP/1.0"} or not (rest[:3].isascii() and rest[:3].isdigit()) or rest[3:4].strip():
        _refuse("status line")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name, value = name.lower(), value.strip()
        if not colon or not name or name != name.strip():
            _refuse("header")
        if name == "content-length" and headers.get(name, value) != value:
            _refuse("length")  # a quarrel over where the answer ends
        many = name in headers and name not in _SINGLE
        headers[name] = f"{headers[name]}, {value}" if many else value  # RFC 9110, 5.3
    lasts = version == "HTTP/1.1" and "close" not in headers.get("connection", "").lower()
    return int(rest[:3]), lasts, headers


def _number(text: bytes, base: int) -> int:
    """Read a length as strictly as it is meant: `int` takes signs, blanks and underscores, too."""
    if not 0 < len(text) <= _MOST_DIGITS or text.strip(_DIGITS[:base] + _DIGITS[:base].lower()):
        _refuse("length")
    return int(text, base)


def _refuse(what: str) -> NoReturn:
    raise MalformedError(what)
