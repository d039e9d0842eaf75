"""Webhooks as LiveKit sends them, and a listener to send them to."""

import json
import re
import signal
import socket
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any

from tests.harness import Done, command, environment, remembered
from tests.tokens.forge import KEY, forge

MADE = int(time.time())  # when the event came about
TURN_PASSWORD = "A681ue8CuEqV9VH4tzyNpdShCnZGKJd9HyYaVms7e7h"
# As livekit-server 1.13.5 writes it: a blank after commas, none after colons, 64-bit numbers as text
BODY = (
    '{"event":"participant_joined", "room":{"sid":"RM_ftz8eH4BuXtG", "name":"demo", "emptyTimeout":300, '
    f'"turnPassword":"{TURN_PASSWORD}", "enabledCodecs":[{{"mime":"video/VP8"}}, {{"mime":"audio/opus"}}], '
    '"metadata":"{\\"a\\":\\"Zoë\\"}"}, "participant":{"sid":"PA_4KVTBy8wkeQ7", "identity":"alice"}, '
    f'"id":"EV_V4vWm8D6S2QT", "createdAt":"{MADE}"}}'
).encode()
COMPACT = json.dumps(json.loads(BODY), separators=(",", ":"), ensure_ascii=False).encode()


def now() -> int:
    """Give the time, as the oracle sees it."""
    return int(time.time())


def digest(body: bytes) -> str:
    return b64encode(sha256(body).digest()).decode()


def claims(body: bytes = BODY, **changes: Any) -> dict[str, Any]:
    """Give the claims of a webhook's token with changes; `...` takes a claim away."""
    base = {"iss": KEY, "exp": now() + 300, "nbf": now(), "iat": now(), "sha256": digest(body)}
    return {name: value for name, value in {**base, **changes}.items() if value is not ...}


def token(body: bytes = BODY, **changes: Any) -> str:
    return forge(claims(body, **changes))


def exchange(port: int, sent: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes, and read until the other side is done, which may be before it has read them all."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        with suppress(BrokenPipeError, ConnectionResetError):
            link.sendall(sent)
            if half_close:
                link.shutdown(socket.SHUT_WR)
        return read_all(link)


def read_all(link: socket.socket) -> bytes:
    parts = []
    with suppress(ConnectionResetError):
        while part := link.recv(65536):
            parts.append(part)
    return b"".join(parts)


def post(body: bytes = BODY, header: str | None = None, *, path: str = "/", version: str = "1.1") -> bytes:
    head = f"POST {path} HTTP/{version}\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Authorization: {token(exp=now() + 3600) if header is None else header}\r\n\r\n".encode() + body


def status(answer: bytes) -> int:
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else 0


class Running:
    """`lkctl webhook listen` as a process of its own, once it listens."""

    def __init__(self, *arguments: str) -> None:
        self.arguments = ("webhook", "listen", "--port", "0", *arguments)
        self.process = subprocess.Popen(
            command(*self.arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
        )
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        self.out, self.err = self.process.stdout, self.process.stderr
        self.said = self.err.readline()
        self.port = int(re.findall(r"127\.0\.0\.1:(\d+)/", self.said)[0])

    def post(self, *arguments: Any, **options: Any) -> int:
        return status(exchange(self.port, post(*arguments, **options)))

    def end(self, number: signal.Signals | None = None) -> Done:
        """Wait for its end, or ask for it."""
        if number is not None:
            self.process.send_signal(number)
        out, err = self.out.read(), self.err.read()
        return remembered(self.arguments, Done(self.process.wait(20), out, self.said + err))


@contextmanager
def running(*arguments: str) -> Iterator[Running]:
    run = Running(*arguments)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()
        run.out.close()
        run.err.close()
