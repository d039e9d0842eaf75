"""STUN and TURN servers as clients are told of them: `stun:host:port`, `turn:host:port?transport=udp`, `turns:…`."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.server.ice import Candidate, Session
from lkctl.server.link import connect, late, resolve, secure, words
from lkctl.server.signal import IceServer
from lkctl.server.stunlink import ForeignError, StunLink
from lkctl.server.turn import Relay, bind, try_relay

_PORTS = {"stun": 3478, "turn": 3478, "stuns": 5349, "turns": 5349}  # RFC 7064, RFC 7065
_MOST_PORT = 65535
_HTTP = b"HTTP/"
_GET = b"GET / HTTP/1.0\r\n\r\n"


class IceUrl(NamedTuple):
    """The parts of such a URL; `transport` udp or tcp, which has TLS on it where the scheme ends in s."""

    scheme: str
    host: str
    port: int
    transport: str

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken there."""
        return self.scheme.endswith("s")

    @property
    def relays(self) -> bool:
        """Whether it is a TURN server."""
        return self.scheme.startswith("turn")


def read_ice_url(url: str) -> IceUrl | None:
    """Take such a URL apart; None for what is none."""
    scheme, _, rest = url.partition(":")
    rest, _, query = rest.partition("?")
    host, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        host, port = rest, ""
    host = host.strip("[]")
    if scheme not in _PORTS or not host or not port.isascii() or (port and not port.isdigit()):
        return None
    number = int(port[:6]) if port else _PORTS[scheme]
    transport = query.partition("transport=")[2].partition("&")[0] or ("tcp" if scheme.endswith("s") else "udp")
    return IceUrl(scheme, host, number, transport) if 0 < number <= _MOST_PORT and transport in {"udp", "tcp"} else None


def try_ice_server(
    url: IceUrl, server: IceServer, towards: tuple[tuple[Candidate, ...], Session | None], deadline: Deadline
) -> Relay:
    """Use a server as a client does: see oneself, and for TURN take a relay and ask the LiveKit server through it.

    Raises LkctlError: net-, tls-, `not-livekit` where something else than STUN is spoken.
    """
    with opened(url, deadline) as link:
        try:
            if url.relays:
                return try_relay(link, server.username, server.credential.reveal(), towards, deadline)
            bound = bind(link, deadline)
            return Relay() if bound is None else Relay.of(bound)
        except ForeignError as error:
            raise _foreign(url, error) from None
        except ConnectionRefusedError:
            raise _refused(url) from None
        except OSError as error:
            raise _failed(url, error) from None


@contextmanager
def opened(url: IceUrl, deadline: Deadline) -> Iterator[StunLink]:
    """Have a link to such a server for the time of the `with`; raise LkctlError (net-, tls-)."""
    if url.transport == "tcp" or url.secure:
        plain = connect(url.host, url.port, deadline)
        with secure(plain, url.host, deadline) if url.secure else plain as spoken:
            yield StunLink(spoken)
        return
    family, address = resolve(url.host, url.port, deadline)[0]
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        try:
            link.connect((address, url.port))
        except OSError as error:
            raise _failed(url, error) from None
        yield StunLink(link)


def speaks_http(url: IceUrl, deadline: Deadline) -> bool:
    """Whether a web server answers there, with TLS where such is spoken."""
    with suppress(LkctlError, OSError):
        plain = connect(url.host, url.port, deadline)
        with secure(plain, url.host, deadline) if url.secure else plain as spoken:
            spoken.settimeout(deadline.left)
            spoken.sendall(_GET)
            return spoken.recv(len(_HTTP)) == _HTTP
    return False


def _foreign(url: IceUrl, error: ForeignError) -> LkctlError:
    what = "a web server" if error.content.startswith(_HTTP) else "something else than TURN"
    ends = "closes the connection" if not error.content else f"is {what}"
    return LkctlError("not-livekit", f"{url.place} {ends}", hint="Route that port to TURN on level 4, not to a website")


def _refused(url: IceUrl) -> LkctlError:
    return LkctlError("net-refused", f"{url.place} refuses: nothing listens on that UDP port", hint="Is it running?")


def _failed(url: IceUrl, error: OSError) -> LkctlError:
    if isinstance(error, TimeoutError):
        return late(f"an answer of {url.place}", Deadline(0))
    return LkctlError("net-failed", f"{url.place} cannot be reached: {words(error)}", hint="Look at the network")
