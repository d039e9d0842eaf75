"""The way to a server: look its name up, open a TCP connection, speak TLS on it; each phase fails by its own name."""

import queue
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline

if TYPE_CHECKING:
    import ssl  # 10 ms, for those who need it

HINT_PORT = "correct the port: LiveKit's own is 7880"  # goes on from a first way out
_OLD = ("speaks no TLS of 1.2 or newer", "Let the TLS proxy speak TLS 1.2 and 1.3")
_NAMELESS = ("has no certificate for this name", "Check the host in the URL, and the names that the TLS proxy serves")
# What OpenSSL calls an end of the handshake, and what it means
_HANDSHAKES = {
    "UNSUPPORTED_PROTOCOL": _OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
    "TLSV1_UNRECOGNIZED_NAME": _NAMELESS,
    "TLSV1_ALERT_UNRECOGNIZED_NAME": _NAMELESS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": ("breaks the TLS handshake off", _NAMELESS[1]),  # so does Cloudflare
    "TLSV1_ALERT_INTERNAL_ERROR": ("breaks the TLS handshake off", _NAMELESS[1]),  # so does Caddy
}
_GRACE = 1.0  # seconds
Address = tuple[socket.AddressFamily, str]


class Attempt(NamedTuple):
    """How a TCP connection to one address went; `failure` is None where it was taken."""

    address: str
    seconds: float
    failure: OSError | None

    @property
    def said(self) -> str:
        """Say how it ended."""
        if self.failure is None:
            return "takes connections"
        if isinstance(self.failure, ConnectionRefusedError):
            return "refuses them"
        return "is silent" if isinstance(self.failure, TimeoutError) else f"{words(self.failure)}"


class UntrustedError(LkctlError):
    """A certificate that is not accepted; `reason` is OpenSSL's number for why (x509_vfy.h)."""

    def __init__(self, host: str, reason: int, said: str) -> None:
        super().__init__(
            "tls-certificate",
            f"the certificate of {host} is not accepted: {said}",
            hint="For a private CA set SSL_CERT_FILE to its certificate; else renew the certificate for this very name",
        )
        self.reason = reason


def resolve(host: str, port: int, deadline: Deadline) -> list[Address]:
    """Look a host name up; raise `net-dns` or `net-timeout`."""
    is_address = ":" in host or host.replace(".", "").isdigit()
    flags = socket.AI_NUMERICHOST if is_address else 0

    def look_up() -> list[Address]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))

    try:
        return look_up() if is_address else deadline.bound(look_up)
    except TimeoutError:
        raise late(f"looking up {host}", deadline) from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no valid host name"
        hint = "Check the host in the URL for a typo; a container sees other names than its host"
        if getattr(error, "errno", None) == socket.EAI_AGAIN:
            hint = "No name server answers here: look at the network, a VPN, /etc/resolv.conf; or the name has a typo"
        raise LkctlError("net-dns", f"the host name {host} does not resolve: {why}", hint=hint) from None


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Open a TCP connection to the first address that takes one; raise `net-refused`, `net-timeout` or `net-failed`."""
    failure: OSError | None = None
    addresses = resolve(host, port, deadline)
    for tried, (family, address) in enumerate(addresses):
        link = socket.socket(family, socket.SOCK_STREAM)
        try:
            link.settimeout(deadline.left if tried == len(addresses) - 1 else _share(deadline, len(addresses) - tried))
            link.connect((address, port))
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            link.close()
            failure = error
        except BaseException:  # ^C
            link.close()
            raise
        else:
            return link
    raise _unconnected(host, port, failure, deadline)


def reach_each(addresses: Sequence[Address], port: int, deadline: Deadline) -> list[Attempt]:
    """Try to connect to every address, all at the same time; once one has answered, the others have a second more."""
    came: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
    for family, address in addresses:
        threading.Thread(target=_reach, args=(family, address, port, deadline, came), daemon=True).start()
    attempts: dict[str, Attempt] = {}
    limit = Deadline(deadline.left)
    with suppress(queue.Empty):
        while len(attempts) < len(addresses):
            attempt = came.get(timeout=limit.left)
            attempts[attempt.address] = attempt
            if attempt.failure is None:
                limit = Deadline(min(limit.left, _GRACE))
    late = limit.seconds
    return [attempts.get(address, Attempt(address, late, TimeoutError())) for _, address in addresses]


def _share(deadline: Deadline, addresses: int) -> float:
    """Give the time for one address of several: a dead one leaves time for the next."""
    return min(deadline.left / addresses, _GRACE)


def _reach(
    family: socket.AddressFamily, address: str, port: int, deadline: Deadline, came: "queue.SimpleQueue[Attempt]"
) -> None:
    started, failure = time.monotonic(), None
    with socket.socket(family, socket.SOCK_STREAM) as link:
        try:
            link.settimeout(deadline.left)
            link.connect((address, port))
        except OSError as error:
            failure = error
    came.put(Attempt(address, time.monotonic() - started, failure))


def unreached(host: str, port: int, attempts: Sequence[Attempt], deadline: Deadline) -> LkctlError:
    """Make the error for a server none of whose addresses takes a connection: of silence, where one is silent."""
    failures = [attempt.failure for attempt in attempts]
    silent = next((failure for failure in failures if isinstance(failure, TimeoutError)), None)
    return _unconnected(host, port, silent or next(iter(failures), None), deadline)


def is_own(family: socket.AddressFamily, address: str) -> bool:
    """Whether an address is one of this machine: only then can something be bound to it."""
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        try:
            link.bind((address, 0))
        except OSError:
            return False
    return True


def secure(
    link: socket.socket, host: str, deadline: Deadline, context: "ssl.SSLContext | None" = None
) -> "ssl.SSLSocket":
    """Speak TLS on a connection; raise `tls-plain-port`, `tls-certificate` or `tls-failed`.

    `context` comes from `trust()`; to make one takes 50 ms with OpenSSL 3.0 (measured).
    """
    import ssl

    try:
        link.settimeout(deadline.left)
        link.getpeername()  # of one that was reset meanwhile, Python would leave the wrapped socket open
        return (context or trust()).wrap_socket(link, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise UntrustedError(host, error.verify_code, error.verify_message.rstrip(".")) from None
    except TimeoutError:
        raise late(f"the TLS handshake with {host}", deadline) from None
    except OSError as error:
        raise _handshake_failure(host, error) from None
    finally:
        link.close()  # wrapped, it is the new socket's own; else nobody has a use for it


def trust() -> "ssl.SSLContext":
    """Give what says which certificates are trusted here: the system's authorities, or those of SSL_CERT_FILE."""
    import ssl

    return ssl.create_default_context()


def shut(link: socket.socket) -> None:
    """Close a connection, also for a thread that waits on it."""
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()


def late(
    awaited: str, deadline: Deadline, hint: str = "Give more time with --timeout, or look at the server and the network"
) -> LkctlError:
    """Make the error for what did not come in time."""
    limit = float(f"{deadline.seconds:.3g}")  # what was left of the whole has many digits
    return LkctlError("net-timeout", f"{awaited} did not come within {limit:g} s", hint=hint)


def words(error: OSError | None) -> str:
    """Say what the system calls an error."""
    return (error.strerror or type(error).__name__) if error is not None else "no address"


def _unconnected(host: str, port: int, failure: OSError | None, deadline: Deadline) -> LkctlError:
    place = f"{host}:{port}" if ":" not in host else f"[{host}]:{port}"
    if isinstance(failure, TimeoutError):
        return late(
            f"a connection to {place}",
            deadline,
            f"Open the port in the firewall, which may swallow the packets, or {HINT_PORT}",
        )
    if isinstance(failure, ConnectionRefusedError):
        hint = f"Start livekit-server there, or {HINT_PORT}"
        return LkctlError("net-refused", f"{place} refused the connection: nothing listens there", hint=hint)
    return LkctlError(
        "net-failed", f"{place} cannot be reached: {words(failure)}", hint="Check the network and the host"
    )


def _handshake_failure(host: str, error: OSError) -> LkctlError:
    import ssl

    reason = getattr(error, "reason", None) or ""
    if reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
        return LkctlError(
            "tls-plain-port",
            f"{host} answers without TLS on this port",
            hint="Write ws:// or http:// for a plain port, or give the port of the TLS proxy",
        )
    if reason in _HANDSHAKES:
        said, hint = _HANDSHAKES[reason]
        return LkctlError("tls-failed", f"{host} {said}", hint=hint)
    if isinstance(error, ConnectionResetError | ssl.SSLEOFError):
        return LkctlError(
            "tls-failed", f"{host} broke the TLS handshake off", hint="Is TLS spoken on this port at all?"
        )
    return LkctlError(
        "tls-failed", f"the TLS handshake with {host} failed: {reason or words(error)}", hint="Check the TLS proxy"
    )
