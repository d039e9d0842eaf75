"""`--token-endpoint`: a token is fetched from the user's app as its pages do, and judged. Nobody joins with it."""

from collections.abc import Callable, Iterator

from lkctl.checks.endpointanswer import no_token, unreachable
from lkctl.checks.endpointfetch import Attempt, fetch_again, visit
from lkctl.checks.endpointpages import judge_pages
from lkctl.checks.endpointserver import judge_server_url
from lkctl.checks.result import Check, Finding, Problem, Severity
from lkctl.checks.tokencase import CLOCKS_AGREE, TokenCase, try_token
from lkctl.checks.tokentrial import judge_all, judge_answer
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.server.browser import parse_place
from lkctl.server.http import Answer
from lkctl.server.refusal import Refused
from lkctl.settings.url import is_loopback
from lkctl.tokens.document import shown
from lkctl.tokens.rules.secrets import secrets_in

_NAME = "token of the endpoint"
_SYMPTOMS = ("endpoint.token", "endpoint.server")
_NTP = "Set the clock of the machine or container that the app runs on, with NTP"
_SHORTEST_SECRET = 8
_HITS = ("x-nextjs-cache", "x-vercel-cache", "cf-cache-status", "x-cache", "x-proxy-cache")


def _url(world: World) -> str:
    """It is an http or https URL, and https where it is not on this machine."""
    place = parse_place(world.scope.token_endpoint)
    if place.url.secure or is_loopback(place.url.host):
        return f"{place}: pages may fetch it"
    told = f"{place.origin} is plain http: a page on https may not fetch it, and one on http gets no microphone"
    hint = "Browsers take only localhost for safe without TLS; serve the app with https"
    raise Problem(told, hint=hint, severity=Severity.warn)


def _answer(world: World) -> str:
    """It gives a JWT, asked as LiveKit's clients ask: POST with JSON as TokenSource.endpoint does, or GET.

    Redirects are followed as by a browser. A token for a room is asked for; what else the app does then is its own.
    """
    try:
        good = visit(world).good
    except LkctlError as error:
        raise (error if error.code == "url-invalid" else unreachable(error)) from None
    if good is None or good.reply is None:
        raise no_token(visit(world))
    try:
        _case(world)
    except LkctlError as error:
        told = f"what {good.fetched.place} gives as {good.reply.token_name} is {error.message}"
        raise Problem(told, hint=error.hint, code=error.code) from None
    passed = f"{good.fetched.place} gives a JWT as {good.reply.token_name} to a {good.way.name}"
    return settle(_redirects(good), passed)


def _pages(world: World) -> str:
    """Pages may fetch it across origins as the app allows (CORS): with preflight, and one allowed origin only."""
    return judge_pages(world, _good(world))


def _server_url(world: World) -> str:
    """The server that it sends clients to is the configured one, and can be reached from where they are."""
    return judge_server_url(world, visit(world).place, _good(world), _case(world).verdict)


def _fresh(world: World) -> str:
    """Two fetches, for two identities, give two tokens for two identities; no cache gives old ones."""
    first, again = _good(world), fetch_again(world, _good(world).way.name)
    if again.reply is None:
        told = f"the second fetch in a row gave no token ({again.fetched.answer.status})"
        raise Problem(told, hint="Somebody who reloads the page gets none")
    case, other = _case(world), try_token(world, again.reply.token, _NAME, ())
    findings = [*_same(first, case, other), *_cached(first.fetched.answer), *_behind(case, other)]
    left = say_duration(case.decoded.expires_in_s or 0)
    who = f"{shown(case.decoded.reading.identity)} and {shown(other.decoded.reading.identity)}"
    return settle(findings, f"two fetches gave two tokens, for {who}; fetch one when joining: it is valid for {left}")


def _exposure(world: World) -> str:
    """What it gives holds no API secret, and nothing else that looks like one."""
    reply = _good(world).reply
    content = _good(world).fetched.answer.text.replace(reply.token if reply else "", "")
    known = any(secret in content for secret in world.known_secrets() if len(secret) >= _SHORTEST_SECRET)
    found = ["the API secret itself"] if known else [f"what looks like {what}" for what in secrets_in(content)]
    hint = "Replace the secret: everybody who can open the page has it. Send the token and the URL only"
    findings = [Finding(f"its answer holds {what}", hint, severity=Severity.security) for what in found]
    return settle(findings, "its answer holds a token, and no secret")


def _token(world: World) -> str:
    """Its token is signed with the configured pair, valid now, and says what it should: all rules of help lint."""
    case = _case(world)
    return judge_all(case, tuple(_apps_clock(case)))


def _server(world: World) -> str:
    """`GET /rtc/validate`: the configured server takes its token. Nobody joins by that, and no room is made."""
    return judge_answer(world, _case(world))


def _redirects(good: Attempt) -> Iterator[Finding]:
    if not good.fetched.hops:
        return
    status, place = good.fetched.hops[-1]
    told = f"it redirects to {place} ({status}), which gives the token"
    if good.fetched.method != good.way.method:
        told += f"; a {good.way.method} becomes a {good.fetched.method} by that, without what was asked for"
    yield Finding(
        told, "Let the app fetch that URL; browsers follow no redirect of a preflight", severity=Severity.warn
    )


def _same(first: Attempt, case: TokenCase, other: TokenCase) -> Iterator[Finding]:
    """Find a token, or an identity, that everybody gets."""
    identity = case.decoded.reading.identity
    if case.token == other.token and first.way.varies:
        left = case.decoded.expires_in_s
        over = f", which expired {say_duration(left)} ago" if left is not None and left < 0 else ""
        told = (
            f"two fetches, for two identities, gave the same token for {shown(identity)}{over}: it is cached or fixed"
        )
        hint = "Make one for each fetch; of a GET route in Next.js: export const dynamic = 'force-dynamic'"
        yield Finding(told, hint, severity=Severity.warn, explains=_SYMPTOMS if case.decoded.expired else ())
    elif identity and identity == other.decoded.reading.identity and first.way.varies:
        told = f"everybody gets the identity {shown(identity)}: who joins second puts the first one out"
        hint = "Give everybody an identity of their own; clients see DUPLICATE_IDENTITY else"
        yield Finding(told, hint, severity=Severity.warn)


def _cached(answer: Answer) -> Iterator[Finding]:
    """Find what lets caches keep a token."""
    hit = next((name for name in _HITS if answer.headers.get(name, "").upper().startswith("HIT")), "")
    control = answer.headers.get("cache-control", "").lower().replace(" ", "").split(",")
    ages = [part.partition("=")[2] for part in control if part.startswith(("max-age=", "s-maxage="))]
    keeps = any(age.strip("0") for age in ages) and not {"no-store", "no-cache"} & set(control)
    if hit or keeps:
        seen = f"{hit}: HIT" if hit else f"cache-control: {','.join(control)[:80]}"
        told = f"caches may give its token to others, or when it has expired ({seen})"
        yield Finding(told, "Send Cache-Control: no-store", severity=Severity.warn)


def _behind(case: TokenCase, other: TokenCase) -> Iterator[Finding]:
    """Tell a clock that is behind: what is minted for two identities that were made up just now, is from no cache."""
    one, two = case.decoded, other.decoded
    minted = one.reading.values.get("iat")
    if isinstance(minted, int) and one.reading.identity != two.reading.identity and one.now - minted > CLOCKS_AGREE:
        told = f"the app's clock is {say_duration(one.now - minted)} behind: its token was minted then (iat)"
        yield Finding(told, _NTP, severity=Severity.warn, explains=_SYMPTOMS if one.expired else ())


def _apps_clock(case: TokenCase) -> Iterator[Finding]:
    """Compare the time of minting with now: it was minted just now, if the clock of the app is right."""
    minted, verdict = case.decoded.reading.values.get("iat"), case.verdict
    if not isinstance(minted, int) or minted - case.decoded.now <= CLOCKS_AGREE:
        return  # one that is behind looks like a token from a cache
    refused = verdict is not None and verdict.code in {Refused.not_yet, Refused.expired}
    told = f"the app's clock is {say_duration(minted - case.decoded.now)} ahead: its token was minted then (iat)"
    severity = Severity.fail if refused else Severity.warn
    yield Finding(told, _NTP, case.name, severity, ("endpoint.server",) if refused else ())


def _case(world: World) -> TokenCase:
    reply = _good(world).reply
    text = reply.token if reply is not None else ""
    return world.memory.once("endpoint token", lambda: try_token(world, text, _NAME, ("endpoint.server",)))


def _good(world: World) -> Attempt:
    """Give the fetch that gave a token; raise as endpoint.answer does where it is not among the checks of the run."""
    good = visit(world).good
    if good is None:
        raise no_token(visit(world))
    return good


_NEEDS = ("endpoint.answer",)


def _check(
    name: str, title: str, probe: Callable[[World], str], needs: tuple[str, ...], severity: Severity = Severity.fail
) -> Check[World]:
    return Check(f"endpoint.{name}", title, probe, needs, severity, 11.0, "token_endpoint")


ENDPOINT_CHECKS: tuple[Check[World], ...] = (
    _check("url", "Endpoint has a URL that pages may fetch", _url, ()),
    _check("answer", "Endpoint gives a token", _answer, ("endpoint.url",)),
    _check("pages", "Pages may fetch from the endpoint", _pages, _NEEDS, Severity.warn),
    _check("fresh", "Endpoint gives everybody a token of their own", _fresh, _NEEDS, Severity.warn),
    _check("exposure", "Endpoint gives no secret away", _exposure, _NEEDS, Severity.security),
    _check("server_url", "Endpoint sends clients to the configured server", _server_url, _NEEDS),
    _check("token", "Endpoint's token is good", _token, _NEEDS),
    _check("server", "Server accepts the endpoint's token", _server, (*_NEEDS, "http.livekit")),
)
