"""May pages fetch from the app? On its own origin always; on others as it allows, which browsers ask for (CORS)."""

from collections.abc import Iterator
from typing import NamedTuple

from lkctl.checks.endpointfetch import Attempt, headers_for
from lkctl.checks.result import Finding, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.secret import scrub
from lkctl.server.browser import ask
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Request

_ORIGIN = "https://app.example"  # a page that nobody has
_ALLOWED = "access-control-allow-origin"
_HEADERS, _CREDENTIALS = "access-control-allow-headers", "access-control-allow-credentials"
_PATIENCE = 4.0  # seconds


class _Leave(NamedTuple):
    """What an answer allows pages of other origins: the origins it names, as written; whether with cookies."""

    origins: str
    cookies: bool

    @property
    def mine(self) -> bool:
        """Whether the page that nobody has may read it."""
        return self.origins in {"*", _ORIGIN}


def judge_pages(world: World, good: Attempt) -> str:
    """Fetch it as a page of another origin would, after asking for leave."""
    way, place = good.way, good.fetched.place
    method = good.fetched.method
    deadline = Deadline(min(world.patience, _PATIENCE))
    body = way.body if method == way.method else None
    answer = ask(place, Request(method, place.target, headers_for(way, _ORIGIN), body), deadline)
    leave = _leave(answer)
    findings = list(_wrong(leave, str(place)))
    if way.body is not None and leave.mine:
        preflight = {
            "Origin": _ORIGIN,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "content-type",
        }
        findings += _preflight(ask(place, Request("OPTIONS", place.target, preflight), deadline))
    return settle(findings, _passed(leave, place.origin))


def _passed(leave: _Leave, origin: str) -> str:
    if leave.mine:
        return "pages of any origin may fetch from it"
    if leave.origins:
        return f"pages of {origin} may fetch from it, and those of {scrub(leave.origins)[:100]}; of others none"
    return f"pages of {origin} may fetch from it; if yours are from elsewhere, it must send Access-Control-Allow-Origin"


def _leave(answer: Answer) -> _Leave:
    return _Leave(answer.headers.get(_ALLOWED, ""), answer.headers.get(_CREDENTIALS, "").lower() == "true")


def _wrong(leave: _Leave, place: str) -> Iterator[Finding]:
    if "," in leave.origins:
        told = f"{place} sends Access-Control-Allow-Origin {leave.origins.count(',') + 1} times, or names several"
        hint = "Browsers take exactly one: let either the app send it, or the proxy"
        yield Finding(f"{told}: {scrub(leave.origins)[:100]}", hint, severity=Severity.warn)
    elif leave.cookies and leave.origins == _ORIGIN:
        told = f"{place} allows every origin, with cookies: any page in the web can fetch a token as its visitor"
        yield Finding(told, "Allow the origins of your own pages only", severity=Severity.security)


def _preflight(answer: Answer) -> Iterator[Finding]:
    """Judge the answer to the question that browsers ask before a POST of JSON."""
    leave, wanted = _leave(answer), answer.headers.get(_HEADERS, "").lower()
    if answer.status // 100 != 2 or not leave.mine:  # noqa: PLR2004
        told = f"the preflight (OPTIONS) is answered {answer.status}" + ("" if leave.mine else " without leave")
    elif "content-type" not in wanted and "*" not in wanted:
        told = "the preflight allows no header Content-Type (Access-Control-Allow-Headers)"
    else:
        return
    hint = "Answer OPTIONS with 204, Access-Control-Allow-Origin and Access-Control-Allow-Headers: content-type"
    yield Finding(f"{told}: pages of other origins cannot post JSON to it", hint, severity=Severity.warn)
