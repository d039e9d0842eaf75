"""Joining a room for real, as a browser, an app or an agent would (extra `rtc`)."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import IO, Any

from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.settings.url import ServerUrl

_LEAVE = 3.0  # seconds until a guest that does not leave is ended
_SNAPSHOT = b'{"snapshot"'
_ROOM_ENDED = {"ROOM_DELETED": "deleted", "ROOM_CLOSED": "closed"}


def available() -> bool:
    """Whether the extra `rtc` is installed."""
    try:
        return find_spec("livekit") is not None and find_spec("livekit.rtc") is not None
    except ValueError:  # it stands in sys.modules as what must not be imported
        return False


def insist_available(asking: str) -> None:
    """Raise `extra-missing` without the extra; `asking` is what needs it, such as "--via rtc"."""
    if not available():
        told = f"{asking} needs the package livekit, which is not installed"
        raise LkctlError("extra-missing", told, hint="Install lkctl's extra `rtc`, or: pip install 'livekit<2'")


@contextmanager
def joined(url: ServerUrl, token: str, *, timeout: float) -> Iterator[str]:
    """Be in the token's room for the time of the `with`; give the identity; raise `server-error` or `net-timeout`."""
    guest = Guest(url, token)
    try:
        guest.enter(timeout)
        yield guest.identity
    finally:
        guest.leave()


class Guest:
    """A participant in the token's room, in a process of its own, which ends with ours; `leave` must be called.

    With `watch` it also looks: `next` gives what it sees. `room_sid` is that of the room it came to, then.
    """

    def __init__(self, url: ServerUrl, token: str, *, watch: bool = False) -> None:
        self.identity = ""
        self.room_sid = ""
        self._url = url
        self._task = {"url": url.websocket, "token": token, "watch": watch}
        self._news = threading.Condition()
        self._seen: bytes | None = None
        self._answer: Mapping[str, Any] | None = None
        self._out: str | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._unwanted = False
        # A thread starts the process: in it no ^C comes between the start and our knowing the process
        self._thread = threading.Thread(target=self._live, daemon=True)

    def enter(self, timeout: float) -> None:
        """Go to the room, and wait until it is in; raise `server-error` or `net-timeout` (seconds)."""
        self._thread.start()
        with self._news:
            self._news.wait_for(lambda: self._answer is not None or self._out is not None, timeout)
            answer, over = self._answer, self._out is not None
        url = self._url.websocket
        if answer is None and not over:
            told = f"joining on {url} took more than {timeout:.3g} s"
            raise LkctlError("net-timeout", told, hint="Run: lkctl diagnose")
        if answer is None or "error" in answer:
            said = f": {scrub(answer['error'])}" if answer else " without a word"
            raise LkctlError("server-error", f"joining on {url} failed{said}", hint="Run: lkctl diagnose")
        self.identity, self.room_sid = str(answer["joined"]), str(answer.get("room_sid", ""))

    def next(self, timeout: float) -> Any | None:
        """Wait for what it sees that is new: {"room", "participants", "local_identity"}; None where nothing changes.

        Raises once it is in the room no more: `room-missing`, `participant-missing` (it was put out) or `net-failed`.
        """
        with self._news:
            self._news.wait_for(lambda: self._seen is not None or self._out is not None, timeout)
            seen, self._seen = self._seen, None
            if seen is None and self._out is not None:
                raise self._put_out(self._out)
        return None if seen is None else json.loads(seen)["snapshot"]

    def set_attributes(self, attributes: Mapping[str, str]) -> None:
        """Have it set attributes of its own. The SDK does not say whether the server took them (measured): read back.

        Where it has been put out meanwhile, `next` says so.
        """
        self._order({"attributes": dict(attributes)})

    def leave(self) -> bool:
        """End it, and tell whether it left by itself, so that the server knows; it may be called again."""
        with self._news:
            self._unwanted, child = True, self._child
        if child is None:  # it never was there, and will not come
            return True
        try:
            with suppress(OSError):
                if child.stdin is not None:
                    child.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                return child.wait(_LEAVE) == 0
        finally:
            child.kill()
            child.wait(_LEAVE)
            self._thread.join(_LEAVE)
        return False

    def _order(self, order: Mapping[str, Any]) -> None:
        with suppress(OSError):  # it has ended: who listens to it learns of that
            if self._child is not None and self._child.stdin is not None:
                self._child.stdin.write(json.dumps(order).encode() + b"\n")
                self._child.stdin.flush()

    def _live(self) -> None:
        """Start the process, unless it is not wanted any more, and hear it out."""
        with self._news:
            if self._unwanted:
                return
            try:
                self._child = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "lkctl.server.guest",
                    ],  # -P: no module of the folder one is in
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,  # the SDK prints the token there
                    start_new_session=True,  # ^C is for us; we tell the child
                )
            except OSError as error:
                self._answer = {"error": f"no process can be started: {error}"}
                self._news.notify_all()
                return
            self._order(self._task)
        if self._child.stdout is not None:
            self._listen(self._child.stdout)

    def _listen(self, stdout: IO[bytes]) -> None:
        """Hear the child out. Of what it sees only the last is kept, and read when it is asked for."""
        with stdout:
            for line in stdout:
                with self._news:
                    if line.startswith(_SNAPSHOT):
                        self._seen = line
                    else:
                        message = json.loads(line)
                        self._out = message.get("left", self._out)
                        self._answer = self._answer or message
                    self._news.notify_all()
        with self._news:
            self._out = self._out or "ended"
            self._news.notify_all()

    def _put_out(self, reason: str) -> LkctlError:
        if reason in _ROOM_ENDED:
            told = f"the room was {_ROOM_ENDED[reason]} meanwhile, with {self.identity} in it"
            return LkctlError("room-missing", told, hint="Run: lkctl room list")
        if reason == "PARTICIPANT_REMOVED":
            told = f"somebody removed {self.identity} from the room"
            return LkctlError("participant-missing", told, hint="Run it again")
        told = f"the connection of {self.identity} to {self._url.websocket} was lost ({reason})"
        return LkctlError("net-failed", told, hint="Is the server still there? Run: lkctl diagnose")
