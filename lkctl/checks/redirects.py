"""Redirects: where they lead, and what they do to a call. They are followed by GET, on the same host alone."""

import re
from typing import NamedTuple

from lkctl.checks.inquiry import FINGERPRINT, ask_elsewhere, is_livekits, trying
from lkctl.checks.result import Problem
from lkctl.checks.urlfix import url_fix
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.http import Answer, Request
from lkctl.settings.url import ServerUrl, parse_url, without_login

_REDIRECTS, _KEEP_METHOD = range(300, 400), {307, 308}
_MOST_HOPS = 5
_LONGEST = 200  # characters of a URL that is shown
_LOGIN = re.compile(r"log-?in|sign-?in|oauth|/auth\b|sso|cloudflareaccess", re.IGNORECASE)


class _Hop(NamedTuple):
    """One stop on the way: what was asked for there, and what was answered."""

    url: ServerUrl
    path: str
    answer: Answer | None


def redirected(world: World, url: ServerUrl, answer: Answer) -> Problem:
    """Follow a redirect of FINGERPRINT, and say where it ends."""
    hops = _follow(world, url, answer)
    last = hops[-1]
    trail = scrub(" -> ".join(f"{hop.url.http}{hop.path}"[:_LONGEST] for hop in hops))
    evidence = (f"GET {trail}",)
    target = without_login(scrub(answer.headers.get("location", "nowhere")))[:_LONGEST]
    said = f"{url.http} redirects to {target} ({answer.status})"
    if is_livekits(last.answer) and last.path == FINGERPRINT:
        right = last.url._replace(scheme={"http": "ws", "https": "wss"}.get(last.url.scheme, last.url.scheme))
        keeps = answer.status in _KEEP_METHOD
        effect = "WebSockets do not follow it" if keeps else 'a POST becomes a GET there: `unsupported method "GET"`'
        return Problem(
            f"{url.http} redirects to {last.url.http} ({answer.status}), where LiveKit answers; {effect}",
            hint=f"Write {right}",
            code="http-redirect",
            evidence=(*evidence, f"{last.url.http}{FINGERPRINT} answers as LiveKit does"),
            fix=url_fix(world, right),
        )
    if _is_circle(hops):
        said = f"{url.http} redirects in a circle ({answer.status})"
        hint = "Two proxies disagree: one redirects to https, the other asks it by http (as Cloudflare's Flexible SSL)"
    elif _LOGIN.search(target):
        hint = "It is a login page: let the proxy pass /rtc, /twirp and /agent on without one; LiveKit checks the token"
    else:
        hint = "Put the URL of the server itself into LIVEKIT_URL: calls do not follow redirects"
    return Problem(said, hint=hint, code="http-redirect", evidence=evidence)


def _follow(world: World, url: ServerUrl, answer: Answer) -> list[_Hop]:
    hops, deadline = [_Hop(url, FINGERPRINT, answer)], trying(world)
    while len(hops) <= _MOST_HOPS and (there := _target(hops[-1])) is not None:
        if there[0].host != url.host or any((hop.url, hop.path) == there for hop in hops):
            hops.append(_Hop(*there, None))
            break
        base, path = there
        hops.append(_Hop(base, path, ask_elsewhere(base, Request("GET", path), deadline)))
    return hops


def _target(hop: _Hop) -> tuple[ServerUrl, str] | None:
    """Give where a redirect leads: the URL as one would configure it, and the path below it."""
    if hop.answer is None or hop.answer.status not in _REDIRECTS:
        return None
    from urllib.parse import urljoin

    try:
        whole = urljoin(f"{hop.url.http}{hop.path}", hop.answer.headers.get("location", ""))
        target = parse_url(whole.partition("?")[0].partition("#")[0])
    except (LkctlError, ValueError):
        return None
    path = target.path or "/"
    if path.endswith(FINGERPRINT):
        return target._replace(path=path.removesuffix(FINGERPRINT)), FINGERPRINT
    return target._replace(path=""), path


def _is_circle(hops: list[_Hop]) -> bool:
    last = hops[-1]
    return len(hops) > _MOST_HOPS or any((hop.url, hop.path) == (last.url, last.path) for hop in hops[:-1])
