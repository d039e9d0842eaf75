"""Which web pages and extensions may connect: the Origin header, which browsers write and pages cannot change."""

import re
from collections.abc import Sequence

from lkctl.errors import LkctlError

ANY, NONE = "*", "none"
_LONGEST_SHOWN = 100
_SCHEMES = r"https?|chrome-extension|moz-extension|safari-web-extension|capacitor|ionic|tauri|app"
# As browsers write it: lower case, no path, no default port
_ORIGIN = re.compile(rf"(?:{_SCHEMES})://[a-z0-9.\[\]:_-]+")
_DEFAULT_PORT = re.compile(r"(?:http://.*:80|https://.*:443)")
_HINT = "Write it as the browser sends it: chrome-extension://ID (chrome://extensions shows the ID), http://host:port"


def read_origins(given: Sequence[str], *, secret: bool) -> frozenset[str]:
    """Read `--allow-origin`: origins, `none` (programs, which send no Origin) or `*` (anybody who has the secret).

    Raises `usage` for what no browser would send, and for `*` or no origin at all without a secret: every page that the
    user visits could connect then.
    """
    origins = frozenset(_read_origin(text) for text in given)
    if not origins:
        raise LkctlError("usage", "no origin is allowed, so nobody could connect", hint="Give --allow-origin. " + _HINT)
    if ANY in origins and not secret:
        told = "--allow-origin '*' without --secret lets every page connect that the user visits"
        raise LkctlError("usage", told, hint="Give --secret too, or name the origins. " + _HINT)
    return origins


def is_allowed(origin: str | None, allowed: frozenset[str]) -> bool:
    """Judge an Origin header; None: there is none."""
    if ANY in allowed:
        return True
    return (NONE if origin is None else origin) in allowed and origin != NONE


def say_origin(origin: str | None) -> str:
    """Name an origin as --allow-origin does; it comes from outside, and may be of any length."""
    if origin is None:
        return NONE
    return origin if len(origin) <= _LONGEST_SHOWN else f"{origin[:_LONGEST_SHOWN]}…"


def _read_origin(text: str) -> str:
    if text in {ANY, NONE}:
        return text
    if text == "null":
        told = "--allow-origin null would allow every sandboxed page and every local file"
        raise LkctlError("usage", told, hint="Serve the page by http, or give '*' with --secret")
    origin = text.lower().rstrip("/")
    if not _ORIGIN.fullmatch(origin) or _DEFAULT_PORT.fullmatch(origin):
        raise LkctlError("usage", f"--allow-origin {text!r} is no origin that a browser sends", hint=_HINT)
    return origin
