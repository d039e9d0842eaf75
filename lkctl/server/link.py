"""The way to a server: look its name up, open a TCP connection, speak TLS on it; each phase fails by its own name."""

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline

if TYPE_CHECKING:
    import ssl  # 10 ms, for those who need it

HINT_PORT = "Is the server running, and is this its port? LiveKit's own is 7880"


def resolve(host: str, port: int, deadline: Deadline) -> list[tuple[socket.AddressFamily, str]]:
    """Look a host name up; raise `net-dns` or `net-timeout`."""
    is_address = ":" in host or host.replace(".", "").isdigit()
    flags = socket.AI_NUMERICHOST if is_address else 0

    def look_up() -> list[tuple[socket.AddressFamily, str]]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))

    try:
        return look_up() if is_address else deadline.bound(look_up)
    except TimeoutError:
        raise late(f"looking up {host}", deadline) from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no valid host name"
        hint = "Check the host in the URL for a typo; a container sees other names than its host"
        raise LkctlError("net-dns", f"the host name {host} does not resolve: {why}", hint=hint) from None


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Open a TCP connection to the first address that takes one; raise `net-refused`, `net-timeout` or `net-failed`."""
    failure: OSError | None = None
    addresses = resolve(host, port, deadline)
    for tried, (family, address) in enumerate(addresses):
        link = socket.socket(family, socket.SOCK_STREAM)
        try:
            link.settimeout(deadline.left / (len(addresses) - tried))  # a dead address leaves time for the next
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


def secure(
    link: socket.socket, host: str, deadline: Deadline, context: "ssl.SSLContext | None" = None
) -> "ssl.SSLSocket":
    """Speak TLS on a connection; raise `tls-plain-port`, `tls-certificate` or `tls-failed`.

    `context` comes from `trust()`; to make one takes 50 ms with OpenSSL 3.0 (measured).
    """
    import ssl

    try:
        link.settimeout(deadline.left)
        return (context or trust()).wrap_socket(link, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise LkctlError(
            "tls-certificate",
            f"the certificate of {host} is not accepted: {error.verify_message.rstrip('.')}",
            hint="For a private CA set SSL_CERT_FILE to its certificate; else renew the certificate for this very name",
        ) from None
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
        return late(f"a connection to {place}", deadline, "A firewall may swallow the packets; " + HINT_PORT)
    if isinstance(failure, ConnectionRefusedError):
        return LkctlError("net-refused", f"{place} refused the connection: nothing listens there", hint=HINT_PORT)
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
    if isinstance(error, ConnectionResetError | ssl.SSLEOFError):
        return LkctlError(
            "tls-failed", f"{host} broke the TLS handshake off", hint="Is TLS spoken on this port at all?"
        )
    return LkctlError(
        "tls-failed", f"the TLS handshake with {host} failed: {reason or words(error)}", hint="Check the TLS proxy"
    )
