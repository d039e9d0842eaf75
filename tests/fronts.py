"""Reverse proxies before a real server, with exactly one fault each, and without one."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from tests.fakes import Talk

Change = Callable[[bytes], bytes]  # of a head: request line or status line, and headers
Instead = Callable[[bytes], bytes | None]  # an answer of the proxy's own to such a request


def front(port: int, *, request: Change = bytes, answer: Change = bytes, instead: Instead = lambda _: None) -> Talk:
    """Pass a request on to a port, and its answer back, both changed on the way; upgrades are passed on as well."""

    def talk(link: socket.socket) -> None:
        head, rest = _head(link)
        if not head:
            return
        own = instead(head)
        if own is not None:
            link.sendall(own)
            return
        while len(rest) < (_length(head) or 0):
            part = link.recv(65536)
            if not part:
                return
            rest += part
        with socket.create_connection(("127.0.0.1", port), 10) as behind:
            behind.sendall(_closing(request(head)) + rest)
            came, body = _head(behind)
            if came:
                link.sendall(answer(came) + body)
            if came.startswith(b"HTTP/1.1 101"):
                threading.Thread(target=_pump, args=(link, behind), daemon=True).start()
            elif _length(came) == len(body):  # the connection behind may stay open
                return
            _pump(behind, link)

    return talk


def page(status: str, body: bytes = b"", *headers: str) -> bytes:
    """Write an answer of the proxy's own."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def path_of(head: bytes) -> str:
    """Give the path of a request."""
    return head.split(b" ", 2)[1].decode()


def with_path(change: Callable[[str], str]) -> Change:
    """Ask for another path."""

    def changed(head: bytes) -> bytes:
        method, path, rest = head.split(b" ", 2)
        return b" ".join([method, change(path.decode()).encode() or b"/", rest])

    return changed


def without_header(name: str) -> Change:
    """Take a header away."""
    return lambda head: re.sub(rb"(?im)^" + name.encode() + rb":.*\r\n", b"", head)


def with_header(line: str) -> Change:
    """Add a header."""
    return lambda head: head[:-2] + line.encode() + b"\r\n\r\n"


def _closing(head: bytes) -> bytes:
    """One request a connection, so that each is seen; an upgrade says of itself what becomes of the connection."""
    if re.search(rb"(?im)^connection:.*upgrade", head):
        return head
    return with_header("Connection: close")(without_header("Connection")(head))


def _length(head: bytes) -> int | None:
    found = re.search(rb"(?im)^content-length: *(\d+)", head)
    return int(found[1]) if found else None


def _head(link: socket.socket) -> tuple[bytes, bytes]:
    came = b""
    while b"\r\n\r\n" not in came:
        part = link.recv(65536)
        if not part:
            return came, b""
        came += part
        if came[:1] == b"\x16":  # a TLS hello
            link.sendall(page("400 Bad Request"))
            return b"", b""
    head, mark, rest = came.partition(b"\r\n\r\n")
    return head + mark, rest


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
