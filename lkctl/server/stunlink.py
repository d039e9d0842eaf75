"""Asking by STUN over UDP, TCP and TLS: repeats where packets may be lost, the frames of each, nothing but answers."""

import socket
from collections.abc import Callable

from lkctl.server import stun
from lkctl.server.deadline import Deadline
from lkctl.server.stun import Ask, Kind, Message

_FIRST_WAIT, _LONGEST_WAIT = 0.1, 0.8  # seconds between repeats; each twice the one before
_MOST = 2048  # bytes of a message
_FRAME = 2  # bytes that give the size of what follows (RFC 4571)
_HEADER = 20  # bytes, which give the size, too
Pick = Callable[[Message], Message | None]


class ForeignError(Exception):
    """Something else than STUN came; `content` is how it begins, b"" where the connection was closed instead."""

    def __init__(self, content: bytes) -> None:
        super().__init__("no STUN")
        self.content = content


class StunLink:
    """A connected socket on which STUN is spoken; `framed`: with the size before each message, as ICE does over TCP."""

    def __init__(self, link: socket.socket, *, framed: bool = False) -> None:
        self._link = link
        self._stream = link.type is socket.SOCK_STREAM
        self._framed = framed

    def ask(self, question: Ask, deadline: Deadline, pick: Pick | None = None) -> Message | None:
        """Send a message and give its answer, or what `pick` makes of the first that it wants; None: silence.

        Raises ConnectionRefusedError where nothing listens, other OSError, and on a stream ForeignError.
        """
        wanted = pick or (lambda message: message if is_answer(message, question) else None)
        if self._stream:
            return self._ask_stream(question, deadline, wanted)
        return self._ask_again_and_again(question, deadline, wanted)

    def _ask_again_and_again(self, question: Ask, deadline: Deadline, wanted: Pick) -> Message | None:
        wait = _FIRST_WAIT
        while not deadline.over:
            self._link.send(question.content)
            pause = Deadline(min(wait, deadline.left))
            while not pause.over:
                self._link.settimeout(pause.left)
                try:
                    found = wanted(stun.read(self._link.recv(_MOST)))
                except (TimeoutError, ValueError):  # anybody may send us anything
                    continue
                if found is not None:
                    return found
            wait = min(2 * wait, _LONGEST_WAIT)
        return None

    def _ask_stream(self, question: Ask, deadline: Deadline, wanted: Pick) -> Message | None:
        frame = len(question.content).to_bytes(_FRAME, "big") if self._framed else b""
        try:
            self._link.settimeout(deadline.left)
            self._link.sendall(frame + question.content)
            while not deadline.over:
                found = wanted(self._receive(deadline))
                if found is not None:
                    return found
        except TimeoutError:
            pass
        return None

    def _receive(self, deadline: Deadline) -> Message:
        content = b""
        try:
            if self._framed:
                size = int.from_bytes(self._exactly(_FRAME, deadline), "big")
                return stun.read(self._exactly(min(size, _MOST), deadline))
            content = self._exactly(_HEADER, deadline)
            return stun.read(content + self._exactly(min(stun.size_of(content), _MOST) - _HEADER, deadline))
        except ValueError:
            raise ForeignError(content) from None

    def _exactly(self, size: int, deadline: Deadline) -> bytes:
        content = b""
        while len(content) < size:
            self._link.settimeout(deadline.left)
            part = self._link.recv(size - len(content))
            if not part:
                raise ForeignError(content)
            content += part
        return content


def is_answer(message: Message, question: Ask) -> bool:
    """Whether a message answers a question."""
    return message.transaction == question.transaction and message.kind in {Kind.success, Kind.error}
