"""The server's URL, taken apart and judged."""

import re
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.secret import mask
from lkctl.settings.shape import looks_like_key, looks_like_secret

_SCHEMES = {"http": False, "ws": False, "https": True, "wss": True}
_PORTS = range(1, 65536)
_LONGEST_PORT = 5
# Compiled by `re` at first use, and kept there
_URL = r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)"
_HOST = re.compile(r"[\w.-]+")  # letters of any script: internationalised names
_BRACKETED = r"\[(?P<host>[0-9A-Fa-f:.%A-Za-z0-9]+)\](?::(?P<port>.*))?"
_LOOPBACK = re.compile(r"127(?:\.[0-9]{1,3}){1,3}|::1|(?:0:){7}1|::ffff:127\.[0-9.]+")
_LOGIN = re.compile(r"(?<=//).*@", re.DOTALL)  # to the last @: a password may hold slashes
_BROKEN_SCHEME = re.compile(r"(wss?|https?)[:/\\]+(?=[^:/\\])", re.IGNORECASE)


class ServerUrl(NamedTuple):
    """Where the server is. `path` is the prefix under which a proxy shows LiveKit: "" or "/like/this"."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken there."""
        return _SCHEMES[self.scheme]

    @property
    def http(self) -> str:
        """The URL for HTTP calls."""
        return self._with("https" if self.secure else "http")

    @property
    def websocket(self) -> str:
        """The URL that clients and agents are given."""
        return self._with("wss" if self.secure else "ws")

    @property
    def netloc(self) -> str:
        """Host and port, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether the URL names this machine by a loopback address."""
        return is_loopback(self.host)

    @property
    def cloud(self) -> bool:
        """Whether the host is one of LiveKit Cloud."""
        return self.host.endswith(".livekit.cloud")

    def _with(self, scheme: str) -> str:
        return f"{scheme}://{self.netloc}{self.path}"

    def __str__(self) -> str:
        return self._with(self.scheme)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    return host == "localhost" or host.endswith(".localhost") or _LOOPBACK.fullmatch(host) is not None


def without_login(text: str) -> str:
    """Make what may be a URL fit to be shown: without a login, and masked where it is a secret in the wrong place."""
    if looks_like_secret(text.strip()) and not {".", ":", "/"} & set(text):
        return mask(text)
    return _LOGIN.sub("…@", text)


def parse_url(text: str) -> ServerUrl:
    """Take a URL apart; raise `url-invalid` with the corrected URL as the hint where one can be guessed."""
    bare = text.strip()
    match = re.fullmatch(_URL, bare, re.DOTALL)
    if match is None:
        raise _no_scheme(bare)
    scheme = match["scheme"].lower()
    if scheme not in _SCHEMES:
        raise _invalid(text, f"has the scheme {scheme}", "Use ws, wss, http or https")
    authority, path = _split_rest(text, match["rest"])
    host, port = _split_authority(text, authority)
    if not path.isascii() or not path.isprintable() or " " in path:
        raise _invalid(
            text, "has characters in its path that no URL can have", "Take the path away, or percent-encode it"
        )
    return ServerUrl(scheme, host, port or (443 if _SCHEMES[scheme] else 80), path.rstrip("/"))


def _split_rest(text: str, rest: str) -> tuple[str, str]:
    for mark, what in (("?", "a query"), ("#", "a fragment")):
        if mark in rest:
            raise _invalid(text, f"holds {what}", "Give scheme, host and port only, such as wss://livekit.example.com")
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        raise _invalid("…", "holds a user name or password", "Key and secret are settings of their own; take them out")
    return authority, slash + path


def _split_authority(text: str, authority: str) -> tuple[str, int | None]:
    bracketed = re.fullmatch(_BRACKETED, authority)
    if bracketed is not None:
        return bracketed["host"], _port(text, bracketed["port"])
    host, colon, port = authority.partition(":")
    if not host:
        raise _invalid(text, "has no host", "Write it like wss://livekit.example.com")
    if not re.fullmatch(_HOST, host):
        raise _invalid(text, "has a host with characters no host can have", "Look for quotes, blanks and placeholders")
    return host.lower(), _port(text, port if colon else None)


def _port(text: str, port: str | None) -> int | None:
    if port is None:
        return None
    if not port.isascii() or not port.isdigit() or len(port) > _LONGEST_PORT or int(port) not in _PORTS:
        raise _invalid(
            text, f"has the port {port or '(empty)'}", "A port is a number from 1 to 65535; LiveKit's is 7880"
        )
    return int(port)


def _no_scheme(bare: str) -> LkctlError:
    if not bare:
        return _invalid(bare, "is empty", "Write it like wss://livekit.example.com")
    if bare[0] in "\"'`\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb":
        return _invalid(bare, "is in quotes", "Take the quotes away")
    if "." not in bare and ":" not in bare and (looks_like_key(bare) or looks_like_secret(bare)):
        what = "an API key" if looks_like_key(bare) else "an API secret"
        hint = "Put each value under its own name"
        return LkctlError("url-invalid", f"the URL is no URL, but looks like {what}", hint=hint)
    broken = _BROKEN_SCHEME.match(bare)
    rest = bare[broken.end() :] if broken else bare
    host = rest.partition("/")[0].partition(":")[0]
    if not re.fullmatch(_HOST, host):
        return _invalid(
            bare, "has no scheme", "Look for quotes, blanks and placeholders; a URL is like wss://name.domain"
        )
    scheme = "ws" if is_loopback(host) or re.fullmatch(r"[0-9.]+", host) else "wss"
    return _invalid(bare, "has no scheme", f"Write {broken[1].lower() if broken else scheme}://{rest}")


def _invalid(text: str, why: str, hint: str) -> LkctlError:
    return LkctlError("url-invalid", f"the URL {without_login(text)!r} {why}", hint=hint)
