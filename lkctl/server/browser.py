"""What a browser does with a URL of the user's own app: fetch it, follow redirects, ask for leave (CORS).

Source: the Fetch Standard, "HTTP-redirect fetch" and "CORS protocol". Nothing is kept between fetches: no cookies.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urljoin

from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Connections, Request
from lkctl.settings.url import ServerUrl, parse_url, without_login

_MOST_BYTES = 1024 * 1024
_MOST_HOPS = 5
_KEEPING, _TURNING = {307, 308}, {301, 302, 303}
_URL = r"(?P<base>https?://[^/?#\s]+)(?P<target>[^#\s]*)(?:#.*)?"


class Place(NamedTuple):
    """An http or https URL: where it is, and what is asked for there. What follows the `?` is not shown."""

    url: ServerUrl
    target: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, as browsers tell where a page is from."""
        return self.url.http

    @property
    def has_query(self) -> bool:
        """Whether it brings parameters of its own."""
        return "?" in self.target

    def with_query(self, query: str) -> "Place":
        """Give it with more parameters."""
        return self._replace(target=f"{self.target}{'&' if self.has_query else '?'}{query}")

    def __str__(self) -> str:
        return self.origin + self.target.partition("?")[0]


class Fetched(NamedTuple):
    """What a fetch gave; `hops`: each redirect on the way, as status and place; `method`: that of the last request."""

    answer: Answer
    place: Place
    method: str
    hops: tuple[tuple[int, Place], ...] = ()


def parse_place(text: str) -> Place:
    """Take a URL apart; raise `url-invalid`."""
    found = re.fullmatch(_URL, text.strip(), re.IGNORECASE)
    if found is None or not found["target"].isascii() or not found["target"].isprintable():
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]*(?=://)", text.strip())
        why = f"has the scheme {scheme[0]}" if scheme and scheme[0].lower() not in {"http", "https"} else "is none"
        hint = "Write it as the app fetches it, like http://localhost:3000/api/token"
        raise LkctlError("url-invalid", f"the URL of the token endpoint {why}", hint=hint)
    target = found["target"]
    return Place(parse_url(found["base"]), target if target.startswith("/") else f"/{target}")


def fetch(
    place: Place, deadline: Deadline, *, method: str = "GET", headers: Mapping[str, str], body: bytes | None = None
) -> Fetched:
    """Fetch as a browser does; raise LkctlError (net-, tls-, http-), `http-redirect` for a redirect to nowhere.

    A 301 or 302 turns POST into GET and drops the body, 307 and 308 keep both.
    """
    hops: tuple[tuple[int, Place], ...] = ()
    while True:
        answer = ask(place, Request(method, place.target, headers, body), deadline)
        if answer.status not in _KEEPING | _TURNING:
            return Fetched(answer, place, method, hops)
        if len(hops) == _MOST_HOPS:
            raise LkctlError("http-redirect", f"{place} redirects for ever", hint="Look at the routes of the app")
        place = _target(place, answer)
        hops = (*hops, (answer.status, place))
        if answer.status in _TURNING and method != "GET":
            method, body = "GET", None
            headers = {name: value for name, value in headers.items() if name != "Content-Type"}


def ask(place: Place, request: Request, deadline: Deadline) -> Answer:
    """Do one exchange, without following anything."""
    return Connections(place.url, most_bytes=_MOST_BYTES).exchange(request, deadline)


def _target(place: Place, answer: Answer) -> Place:
    location = answer.headers.get("location", "")
    try:
        return parse_place(urljoin(place.origin + place.target, location)) if location else _nowhere(place, "")
    except (LkctlError, ValueError):
        return _nowhere(place, location)


def _nowhere(place: Place, location: str) -> Place:
    told = f"{place} redirects to {scrub(without_login(location))[:100] or 'nowhere'}"
    raise LkctlError("http-redirect", told, hint="Look at the routes of the app")
