"""UDP servers that misbehave in ways a real one cannot be made to, on loopback."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[[bytes], list[bytes]]


@contextmanager
def answering(answer: Answer) -> Iterator[int]:
    """Answer each datagram with these; give the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        link.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    content, who = link.recvfrom(65536)
                except OSError:
                    continue
                for one in answer(content):
                    link.sendto(one, who)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(link.getsockname()[1])
        finally:
            stop.set()
            thread.join(5)


def silent(_: bytes) -> list[bytes]:
    """Say nothing."""
    return []


def closed_udp_port() -> int:
    """Give a UDP port on which nothing listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        return int(link.getsockname()[1])
