"""How an exchange can fail once the connection stands: broken off, cut short, or no HTTP/1.1 at all."""

from lkctl.errors import LkctlError
from lkctl.server.link import HINT_PORT, words
from lkctl.server.wire import CutShortError, Http2SpokenError, MalformedError, SilentError, TlsSpokenError
from lkctl.settings.url import ServerUrl

_OTHER = f"Look at what listens there, or {HINT_PORT}"


def broken(url: ServerUrl, error: Exception) -> LkctlError:
    """Make the error for an exchange that came to no answer."""
    if "CERTIFICATE_REQUIRED" in str(error):
        said, hint = f"{url.http} demands a certificate of its clients", "LiveKit's clients have none to show"
        return LkctlError("tls-failed", said, hint=hint)
    if isinstance(error, SilentError):
        hint = _OTHER if url.secure else f"If TLS is spoken there, write {url.scheme}s; else {HINT_PORT}"
        return LkctlError("net-failed", f"{url.http} closed the connection without an answer", hint=hint)
    if isinstance(error, TlsSpokenError):
        return LkctlError("tls-needed", f"{url.http} speaks TLS", hint=f"Write {url.http.replace('http', 'https', 1)}")
    if isinstance(error, OSError):
        said = f"the connection to {url.http} broke off: {words(error)}"
        return LkctlError("net-failed", said, hint=_OTHER)
    return _malformed(url, error)


def _malformed(url: ServerUrl, error: Exception) -> LkctlError:
    if isinstance(error, CutShortError):
        said, hint = f"the answer of {url.http} is cut short", "Look at the proxy in front of it"
    elif isinstance(error, Http2SpokenError):
        said = f"{url.http} speaks HTTP/2 only"
        hint = "LiveKit's clients speak HTTP/1.1, WebSockets above all: let the front offer it, too"
    else:
        why = str(error) if isinstance(error, MalformedError | ValueError) else type(error).__name__
        said, hint = f"the answer of {url.http} is not HTTP ({why})", _OTHER
    return LkctlError("http-malformed", said, hint=hint)
