"""UDP servers that misbehave in ways a real one cannot be made to, on loopback."""

import fcntl
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

_ADDRESS_OF = 0x8915  # SIOCGIFADDR
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


@contextmanager
def forwarding(address: str, port: int, passes: Callable[[bytes], bool]) -> Iterator[int]:
    """Forward from a port of an address of this machine to another one, what `passes` and all answers; give the port.

    Each caller gets a socket of its own on the other side, as in a router.
    """
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind((address, 0))
    ways: dict[tuple[str, int], socket.socket] = {}
    with selectors.DefaultSelector() as waiting, ExitStack() as stack:
        stack.enter_context(here)
        waiting.register(here, selectors.EVENT_READ)
        stop = threading.Event()

        def forth() -> None:
            content, who = here.recvfrom(65536)
            if who not in ways:
                ways[who] = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                ways[who].connect((address, port))
                waiting.register(ways[who], selectors.EVENT_READ, who)
            if passes(content):
                ways[who].send(content)

        def serve() -> None:
            while not stop.is_set():
                for key, _ in waiting.select(0.05):
                    with suppress(OSError):  # whoever has gone
                        forth() if key.data is None else here.sendto(ways[key.data].recv(65536), key.data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield int(here.getsockname()[1])
        finally:
            stop.set()
            thread.join(5)


def own_address() -> str:
    """Give an IPv4 address of this machine that is not loopback; "" where it has none. Nothing is sent for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link, suppress(OSError):
        link.connect(("192.0.2.1", 9))
        address = str(link.getsockname()[0])
        return "" if address.startswith("127.") else address
    return ""


def interface_of(address: str) -> str:
    """Give the name of the interface that has this IPv4 address (Linux)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # one without an address
                told = fcntl.ioctl(link.fileno(), _ADDRESS_OF, struct.pack("256s", name.encode()))
                if socket.inet_ntoa(told[20:24]) == address:
                    return name
    raise LookupError(address)


def silent(_: bytes) -> list[bytes]:
    """Say nothing."""
    return []


def closed_udp_port() -> int:
    """Give a UDP port on which nothing listens."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))
        return int(link.getsockname()[1])
