"""Why an app gave no token: told apart by what it answered to each way of asking."""

import re
from collections.abc import Iterator, Sequence

from lkctl.checks.endpointfetch import Attempt, Visit, names_in, odd_token, say_body
from lkctl.checks.result import Problem, Unknown
from lkctl.errors import LkctlError
from lkctl.server.answers import TOO_MANY, UNAUTHORIZED

_OK, _BAD, _FORBIDDEN, _NOT_FOUND, _NO_METHOD, _UNFIT = 200, 400, 403, 404, 405, 422
_FAILED, _GATEWAYS = 500, {502, 503, 504}
# The most telling answer of several counts: what came furthest into the app
_TELLING = (_OK, UNAUTHORIZED, _FORBIDDEN, _FAILED, TOO_MANY, _BAD, _UNFIT)
_SETTING = re.compile(r"\bLIVEKIT_[A-Z_]{2,30}\b|\b(?:livekit_|api_?)(?:key|secret|url)\b", re.IGNORECASE)
_LACKING = re.compile(r"not (?:defined|set|found|configured)|undefined|missing|must be|required|no ", re.IGNORECASE)
_MOST_READ = 4000
_RUNNING = "Is the app running, and is this the address that its pages fetch?"
_OWN_PORT = {"net-refused", "net-failed", "net-timeout"}


def unreachable(error: LkctlError) -> Problem:
    """Say of the app what lkctl's errors say of a LiveKit server."""
    hint = _RUNNING if error.code in _OWN_PORT else error.hint
    return Problem(f"no token could be fetched: {error.message}", hint=hint, code=error.code)


def no_token(visit: Visit) -> Problem | Unknown:
    """Give what is to be said of an app that answers, but not with a token."""
    attempt = min(visit.attempts, key=_rank)
    evidence = tuple(_seen(visit))
    status = attempt.fetched.answer.status
    if status in {UNAUTHORIZED, _FORBIDDEN}:
        hint = "lkctl has no cookies and no login: take a token out of the page that has one, and give it with --token"
        return Unknown(f"{visit.place} wants a login ({status})", hint=hint, evidence=evidence)
    told, hint = _told(visit, attempt)
    return Problem(told, hint=hint, evidence=evidence)


def _told(visit: Visit, attempt: Attempt) -> tuple[str, str]:
    answer, place = attempt.fetched.answer, str(attempt.fetched.place)
    if answer.status // 100 == 2:  # noqa: PLR2004
        return _not_in_it(attempt)
    said = say_body(answer.text) if not answer.is_html else ""
    words = f"({answer.status}){f': {said}' if said else ''}"
    if answer.status in _GATEWAYS:
        return f"a proxy before {place} answers {answer.status}: the app behind it does not", _RUNNING
    if answer.status >= _FAILED:
        return _failing(answer.text[:_MOST_READ], place, words)
    if answer.status in {_NOT_FOUND, _NO_METHOD}:
        hint = "Look at the routes of the app: the path, and whether it takes GET or POST"
        return f"{place} has no route that gives tokens {words}", hint
    if answer.status == TOO_MANY:
        return f"{place} refuses so many fetches {words}", "Try again later"
    asked = ", ".join(one.way.name for one in visit.attempts)
    return f"{place} takes none of the usual ways to ask {words}", f"It was asked by {asked}"


def _failing(content: str, place: str, words: str) -> tuple[str, str]:
    """Tell an app without its settings from one that fails for another reason."""
    lacking = list(dict.fromkeys(found.upper() for found in _SETTING.findall(content)))[:3]
    if lacking and _LACKING.search(content):
        hint = "Its .env is not loaded, or has other names: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET"
        return f"the app has no {', '.join(lacking)} {words}", hint
    return f"the app fails at {place} {words}", "Look into its log"


def _not_in_it(attempt: Attempt) -> tuple[str, str]:
    answer, place = attempt.fetched.answer, attempt.fetched.place
    if answer.is_html:
        hint = "The path is not that of the API route: single-page apps answer every path with their page"
        moved = " after a redirect" if attempt.fetched.hops else ""
        return f"{place} answers with a web page{moved}, not with a token", hint
    if answer.truncated:
        return f"{place} answers without end", "This is no token endpoint"
    if odd := odd_token(answer.text):
        hint = "toJwt() of livekit-server-sdk gives a Promise from 2.0 on: await at.toJwt()"
        return f"{place} answers, but {odd}, not a token", hint
    names = ", ".join(names_in(answer.text))
    shape = f"an object of {names}" if names else "no JSON object" if answer.body.strip() else "nothing"
    hint = 'Clients expect {"server_url": …, "participant_token": …}'
    return f"{place} answers {answer.status} with {shape}: no token is in it", hint


def _rank(attempt: Attempt) -> tuple[int, bool]:
    answer = attempt.fetched.answer
    status = _OK if answer.status // 100 == 2 else answer.status  # noqa: PLR2004
    order = _TELLING.index(status) if status in _TELLING else len(_TELLING)
    page = answer.is_html and status == _OK  # what answers every path with a page tells less than any other answer
    return (len(_TELLING) - 1 if page else order), page


def _seen(visit: Visit) -> Iterator[str]:
    for one in visit.attempts:
        kind = one.fetched.answer.headers.get("content-type", "no content type").partition(";")[0][:40]
        yield f"{one.way.name}: {one.fetched.answer.status}, {kind}{_ways_to(one)}"


def _ways_to(attempt: Attempt) -> str:
    hops: Sequence[str] = [f"{status} to {place}" for status, place in attempt.fetched.hops]
    return f", after {', '.join(hops)}" if hops else ""
