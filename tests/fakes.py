"""Servers that misbehave in ways a real one cannot be made to: raw sockets on loopback, one reply each."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NoReturn, cast

import trustme

Talk = Callable[[socket.socket], None]
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"
HTML = f"<!doctype html><h1>Welcome to nginx!</h1>\x1b[31m {JWT}".encode()


def reply(status: str, body: bytes = b"", *headers: str) -> Talk:
    """Answer any request with this."""

    def talk(link: socket.socket) -> None:
        _read_request(link)
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        link.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    return talk


def answer(body: Any, status: str = "200 OK") -> Talk:
    """Answer any request with this as JSON."""
    return reply(status, json.dumps(body).encode(), "Content-Type: application/json")


def in_turn(*talks: Talk) -> Talk:
    """Answer the first request by the first, the next one by the next; the last one answers all that follow."""
    turns = iter(talks)

    def talk(link: socket.socket) -> None:
        next(turns, talks[-1])(link)

    return talk


def raw(content: bytes) -> Talk:
    """Answer any request with these bytes."""

    def talk(link: socket.socket) -> None:
        _read_request(link)
        link.sendall(content)

    return talk


def conversation(answer: Callable[[bytes], bytes | None]) -> Talk:
    """Answer one request after another on the same connection, each with these bytes; hang up at None."""

    def talk(link: socket.socket) -> None:
        while request := _read_request(link):
            content = answer(request)
            if content is None:
                return
            link.sendall(content)

    return talk


def silent(link: socket.socket) -> None:
    """Take the request and say nothing."""
    with suppress(OSError):
        while link.recv(65536):
            pass


def drip(link: socket.socket) -> None:
    """Answer one byte at a time, for ever."""
    _read_request(link)
    with suppress(OSError):
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            link.sendall(b" ")
            time.sleep(0.05)


def endless(link: socket.socket) -> None:
    """Answer with a body that never ends."""
    _read_request(link)
    with suppress(OSError):
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            link.sendall(b"[" * 1_000_000)


def hang_up(link: socket.socket) -> None:
    """Close without a word."""
    _read_request(link)


def delayed(seconds: float, talk: Talk) -> Talk:
    """Think for a while before answering."""

    def wait_and_talk(link: socket.socket) -> None:
        time.sleep(seconds)
        talk(link)

    return wait_and_talk


@contextmanager
def serving(talk: Talk, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve on loopback for the time of the `with`; give the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    stop = threading.Event()
    threads: list[threading.Thread] = []
    links: list[socket.socket] = []

    def serve() -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                link, _ = listener.accept()
                links.append(link)
                thread = threading.Thread(target=_talk, args=(link, talk, context), daemon=True)
                threads.append(thread)
                thread.start()

    acceptor = threading.Thread(target=serve, daemon=True)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        stop.set()
        acceptor.join(5)
        listener.close()
        for link in links:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        for thread in threads:
            thread.join(5)


def certificate(*names: str) -> tuple[ssl.SSLContext, trustme.CA]:
    """Give a TLS context with a certificate for these names, and the CA that signed it."""
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return context, authority


def closed_port() -> int:
    """Give a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def no_such_name(*_: object, **__: object) -> NoReturn:
    """Stand in for `socket.getaddrinfo` where a name must not resolve: no test asks a resolver."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _talk(link: socket.socket, talk: Talk, context: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        if context is not None:
            link = context.wrap_socket(link, server_side=True)
        with link:
            link.settimeout(30)
            talk(link)


def _read_request(link: socket.socket) -> bytes:
    content = b""
    while b"\r\n\r\n" not in content:
        part = link.recv(65536)
        if not part:
            break
        content += part
        if content[:1] == b"\x16":  # a TLS hello: answered in plain words, as HTTP servers do
            link.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            break
    return content


def trickle(content: bytes) -> Talk:
    """Answer these bytes drop by drop, and then hold the line."""

    def talk(link: socket.socket) -> None:
        _read_request(link)
        with suppress(OSError):
            for number in range(len(content)):
                link.sendall(content[number : number + 1])
                time.sleep(0.05)
            silent(link)

    return talk


def repeating(start: bytes, more: bytes) -> Talk:
    """Begin an answer, and go on with it for ever."""

    def talk(link: socket.socket) -> None:
        _read_request(link)
        with suppress(OSError):
            link.sendall(start)
            while True:
                link.sendall(more)

    return talk


def half_close(link: socket.socket) -> None:
    """Say that nothing more comes, and go on to listen."""
    _read_request(link)
    link.shutdown(socket.SHUT_WR)
    silent(link)


def resetting(content: bytes | None) -> Talk:
    """Reset the connection: at once for None, else after the request and this much of an answer."""

    def talk(link: socket.socket) -> None:
        if content is not None:
            _read_request(link)
            link.sendall(content)
            time.sleep(0.05)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        link.close()

    return talk


def by_path(talks: Mapping[str, bytes | Talk], otherwise: bytes | Talk) -> Talk:
    """Answer by the path of the request: with bytes, or as another fake does."""

    def talk(link: socket.socket) -> None:
        head = link.recv(65536)
        path = head.split(b" ", 2)[1].decode("utf-8", "replace") if head.count(b" ") > 1 else ""
        chosen = talks.get(path, otherwise)
        (raw(chosen) if isinstance(chosen, bytes) else chosen)(cast("socket.socket", _Heard(link, head)))

    return talk


class _Heard:
    """A connection of which something was read already, which comes again."""

    def __init__(self, link: socket.socket, head: bytes) -> None:
        self._link = link
        self._head = head

    def recv(self, size: int) -> bytes:
        head, self._head = self._head, b""
        return head or self._link.recv(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._link, name)
