"""HTTP/1.1 with a deadline for the whole exchange, phases that are named when they fail, and capped bodies.

Redirects are reported, never followed; proxies from the environment are not used, as livekit-api and the agents do
not use them either.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from lkctl.errors import LkctlError
from lkctl.server.deadline import Deadline
from lkctl.settings.url import ServerUrl

MOST_BYTES = 64 * 1024 * 1024  # 5,000 rooms are 4 MB of JSON; an endless body ends here
_CHUNK = 65536
_HINT_PORT = "Is the server running, and is this its port? LiveKit's own is 7880"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `sent_at` and `answered_at` are this machine's clock (seconds since the epoch)."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in lower case
    body: bytes = field(repr=False)
    sent_at: float
    answered_at: float
    truncated: bool = False

    @property
    def text(self) -> str:
        """The body as text, whatever bytes it holds."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Whether it is a web page."""
        start = self.body[:256].lstrip().lower()
        return "html" in self.headers.get("content-type", "") or start.startswith((b"<!doctype", b"<html"))


def resolve(host: str, port: int, deadline: Deadline) -> list[tuple[socket.AddressFamily, str]]:
    """Look a host name up; raise `net-dns` or `net-timeout`."""
    try:
        found = deadline.bound(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except TimeoutError:
        raise _late(f"looking up {host}", deadline) from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no valid host name"
        hint = "Check the host in the URL for a typo; a container sees other names than its host"
        raise LkctlError("net-dns", f"the host name {host} does not resolve: {why}", hint=hint) from None
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def connect(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Open a TCP connection to the first address that takes one; raise `net-refused`, `net-timeout` or `net-failed`."""
    failure: OSError | None = None
    addresses = resolve(host, port, deadline)
    for tried, (family, address) in enumerate(addresses):
        link = socket.socket(family, socket.SOCK_STREAM)
        link.settimeout(deadline.left / (len(addresses) - tried))  # a dead address leaves time for the next
        try:
            link.connect((address, port))
        except OSError as error:
            link.close()
            failure = error
        else:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return link
    raise _unconnected(host, port, failure, deadline)


def secure(link: socket.socket, host: str, deadline: Deadline) -> ssl.SSLSocket:
    """Speak TLS on a connection; raise `tls-plain-port`, `tls-certificate` or `tls-failed`."""
    link.settimeout(deadline.left)
    try:
        return ssl.create_default_context().wrap_socket(link, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        link.close()
        raise LkctlError(
            "tls-certificate",
            f"the certificate of {host} is not accepted: {error.verify_message.rstrip('.')}",
            hint="For a private CA set SSL_CERT_FILE to its certificate; else renew the certificate for this very name",
        ) from None
    except TimeoutError:
        link.close()
        raise _late(f"the TLS handshake with {host}", deadline) from None
    except OSError as error:
        link.close()
        raise _handshake_failure(host, error) from None


@dataclass(frozen=True, slots=True)
class Request:
    """One request, to a path below the server's URL."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


def exchange(url: ServerUrl, request: Request, deadline: Deadline) -> Answer:
    """Send one request and give the answer; raise LkctlError of the codes net-, tls-, http-."""
    links: list[socket.socket] = []
    try:
        return deadline.bound(lambda: _exchange(url, request, deadline, links))
    except TimeoutError:
        raise _late(f"the answer of {url.http}", deadline) from None
    finally:
        for link in links:  # ends a thread that was left behind, too
            _shut(link)


def traced(url: ServerUrl, request: Request, deadline: Deadline, trace: Callable[[str], None] | None) -> Answer:
    """Do the same, and tell `trace` what was asked, what came of it and how long it took."""
    started = time.monotonic()
    outcome = "no answer"
    try:
        answer = exchange(url, request, deadline)
        outcome = str(answer.status)
    finally:
        if trace is not None:
            spent = (time.monotonic() - started) * 1000
            trace(f"debug: {request.method} {url.http}{request.path} -> {outcome} in {spent:.0f} ms")
    return answer


def _exchange(url: ServerUrl, request: Request, deadline: Deadline, links: list[socket.socket]) -> Answer:
    """Open a connection, use it, close it; `links` hands the open ones to whoever gives up waiting."""
    link = connect(url.host, url.port, deadline)
    links.append(link)
    try:
        if url.secure:
            link = secure(link, url.host, deadline)
            links.append(link)
        return _converse(link, url, request, deadline)
    except TimeoutError:
        raise _late(f"the answer of {url.http}", deadline) from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise _broken(url, error) from None
    finally:
        _shut(link)


def _converse(link: socket.socket, url: ServerUrl, request: Request, deadline: Deadline) -> Answer:
    if deadline.over:  # it was given up already: nothing is sent any more
        raise TimeoutError
    connection = http.client.HTTPConnection(url.host, url.port)
    connection.sock = link
    link.settimeout(deadline.left)
    headers = {"Host": _host(url), "User-Agent": "lkctl", "Connection": "close", **request.headers}
    sent_at = time.time()
    with suppress(BrokenPipeError, ConnectionResetError):  # who has read enough answers, and hangs up on the rest
        connection.request(request.method, url.path + request.path, body=request.body, headers=headers)
    with connection.getresponse() as response:
        answered_at = time.time()
        content = _read(response, deadline)
    names = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, names, content[:MOST_BYTES], sent_at, answered_at, len(content) > MOST_BYTES)


def _host(url: ServerUrl) -> str:
    """Name the host as browsers do: without the scheme's own port, in ASCII."""
    return url.netloc if url.netloc.isascii() else url.netloc.encode("idna").decode()


def _read(response: http.client.HTTPResponse, deadline: Deadline) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= MOST_BYTES and not deadline.over:
        part = response.read(_CHUNK)
        if not part:
            break
        parts.append(part)
        size += len(part)
    if deadline.over:
        raise TimeoutError
    if response.length and size <= MOST_BYTES:  # what Content-Length promised did not come
        raise http.client.IncompleteRead(b"")
    return b"".join(parts)


def _broken(url: ServerUrl, error: Exception) -> LkctlError:
    if isinstance(error, ConnectionResetError | http.client.RemoteDisconnected | BrokenPipeError) and not url.secure:
        hint = f"If TLS is spoken there, write {url.scheme}s; {_HINT_PORT}"
        return LkctlError("net-failed", f"{url.http} closed the connection without an answer", hint=hint)
    if isinstance(error, http.client.IncompleteRead):
        return LkctlError(
            "http-malformed", f"the answer of {url.http} is cut short", hint="Look at the proxy in front of it"
        )
    if isinstance(error, http.client.BadStatusLine) and "\x15\x03" in str(error):
        return LkctlError("tls-needed", f"{url.http} speaks TLS", hint=f"Write {url.http.replace('http', 'https', 1)}")
    if isinstance(error, OSError):
        return LkctlError("net-failed", f"the connection to {url.http} broke off: {_words(error)}", hint=_HINT_PORT)
    return LkctlError(
        "http-malformed", f"the answer of {url.http} is not HTTP ({type(error).__name__})", hint=_HINT_PORT
    )


def _unconnected(host: str, port: int, failure: OSError | None, deadline: Deadline) -> LkctlError:
    place = f"{host}:{port}" if ":" not in host else f"[{host}]:{port}"
    if isinstance(failure, TimeoutError):
        return _late(f"a connection to {place}", deadline, "A firewall may swallow the packets; " + _HINT_PORT)
    if isinstance(failure, ConnectionRefusedError):
        return LkctlError("net-refused", f"{place} refused the connection: nothing listens there", hint=_HINT_PORT)
    return LkctlError(
        "net-failed", f"{place} cannot be reached: {_words(failure)}", hint="Check the network and the host"
    )


def _handshake_failure(host: str, error: OSError) -> LkctlError:
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
        "tls-failed", f"the TLS handshake with {host} failed: {reason or _words(error)}", hint="Check the TLS proxy"
    )


def _late(
    awaited: str, deadline: Deadline, hint: str = "Give more time with --timeout, or look at the server and the network"
) -> LkctlError:
    return LkctlError("net-timeout", f"{awaited} did not come within {deadline.seconds:g} s", hint=hint)


def _words(error: OSError | None) -> str:
    return (error.strerror or type(error).__name__) if error is not None else "no address"


def _shut(link: socket.socket) -> None:
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()
