"""Joining a room for real, as a browser or an app would (extra `rtc`)."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.deadline import Deadline
from lkctl.settings.url import ServerUrl

_LEAVE = 3.0  # seconds until a guest that does not leave is ended


def available() -> bool:
    """Whether the extra `rtc` is installed."""
    return importlib.util.find_spec("livekit") is not None and importlib.util.find_spec("livekit.rtc") is not None


@contextmanager
def joined(url: ServerUrl, token: str, *, timeout: float) -> Iterator[str]:
    """Be in the token's room for the time of the `with`; give the identity; raise `server-error` or `net-timeout`."""
    child = subprocess.Popen(
        [sys.executable, "-m", "lkctl.server.guest"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the SDK prints the token there
        text=True,
        start_new_session=True,  # ^C is for us; we tell the child
    )
    try:
        yield _enter(child, url, token, timeout)
    finally:
        _leave(child)


def _enter(child: "subprocess.Popen[str]", url: ServerUrl, token: str, timeout: float) -> str:
    if child.stdin is None or child.stdout is None:
        raise TypeError("the guest was started without pipes")
    with suppress(BrokenPipeError):
        child.stdin.write(json.dumps({"url": url.websocket, "token": token}) + "\n")
        child.stdin.flush()
    stdout = child.stdout
    try:
        said = Deadline(timeout).bound(stdout.readline)
        answer = json.loads(said)
    except TimeoutError:
        raise LkctlError(
            "net-timeout", f"joining on {url.websocket} took more than {timeout:g} s", hint="Run: lkctl diagnose"
        ) from None
    except ValueError:
        raise LkctlError(
            "server-error", f"joining on {url.websocket} failed without a word", hint="Run: lkctl diagnose"
        ) from None
    if "error" in answer:
        raise LkctlError(
            "server-error", f"joining on {url.websocket} failed: {scrub(answer['error'])}", hint="Run: lkctl diagnose"
        )
    return str(answer["joined"])


def _leave(child: "subprocess.Popen[str]") -> None:
    with suppress(OSError):
        if child.stdin is not None:
            child.stdin.close()
    try:
        child.wait(_LEAVE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(_LEAVE)
    finally:
        if child.stdout is not None:
            child.stdout.close()
