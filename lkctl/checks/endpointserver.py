"""Where does the app send its clients? That it is where lkctl looks, and that they can get there."""

from collections.abc import Iterator

from lkctl.checks.endpointfetch import Attempt
from lkctl.checks.result import Finding, Problem, Severity
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.browser import Place
from lkctl.server.deadline import Deadline
from lkctl.server.refusal import Refused
from lkctl.server.validate import Verdict, validate
from lkctl.settings.hosts import is_inner, is_private
from lkctl.settings.layers import URL
from lkctl.settings.url import ServerUrl, parse_url

_PATIENCE = 3.0  # seconds


def judge_server_url(world: World, place: Place, good: Attempt, verdict: Verdict | None) -> str:
    """Judge the URL in the app's answer; `verdict` is that of the configured server on the token."""
    reply = good.reply
    if reply is None or not reply.server_url:
        return "it names no server: its pages must know the URL"
    try:
        url = parse_url(reply.server_url)
    except LkctlError as error:
        raise Problem(
            f"its {reply.url_name} cannot be used: {error.message}", hint=error.hint, code=error.code
        ) from None
    configured = world.likely_url()
    findings = list(unfit(place, url, reply.url_name))
    if configured is not None and not _is_same(url, configured):
        findings.append(_elsewhere(world, url, reply.token, verdict))
    known = "the configured server" if configured is not None else "a server; lkctl has no URL to compare it with"
    return settle(findings, f"its {reply.url_name} is {url}: {known}")


def unfit(place: Place, url: ServerUrl, name: str) -> Iterator[Finding]:
    """Find what browsers cannot reach, or may not."""
    if is_inner(url.host) and not is_private(place.url.host):
        told = f"its {name} is {url}, which is each visitor's own machine: {place.url.host} is public"
        hint = "LIVEKIT_URL is not set where the app runs, or its .env is not loaded: then localhost is the default"
        yield Finding(told, hint, severity=Severity.fail)
    elif place.url.secure and not url.secure and not url.local:
        told = f"its {name} is {url}, which pages on https may not open: a WebSocket without TLS is mixed content"
        yield Finding(told, f"Write wss://{url.netloc}, and have TLS there", severity=Severity.fail)


def _elsewhere(world: World, url: ServerUrl, token: str, verdict: Verdict | None) -> Finding:
    """Say that it is another server than the configured one, and whether that one takes the token."""
    told = f"it sends clients to {url}, but {URL} ({world.origin(URL)}) is {world.value(URL)}"
    if _accepts(url, token):
        told += f"; {url.http} accepts its token"
    foreign = verdict is not None and verdict.code in {Refused.key, Refused.signature}
    explains = ("endpoint.token", "endpoint.server") if foreign else ()
    return Finding(told, "Give the app and lkctl the same URL, key and secret", "", Severity.warn, explains)


def _accepts(url: ServerUrl, token: str) -> bool:
    """Try a token, without joining, as a client of the app would; who cannot be asked takes nothing."""
    try:
        return validate(url, token, Deadline(_PATIENCE)).accepted
    except LkctlError:
        return False


def _is_same(one: ServerUrl, other: ServerUrl) -> bool:
    """Compare; a server has several names on its own machine."""
    if is_inner(one.host) and is_inner(other.host):
        return one.port == other.port
    if is_inner(one.host) or is_inner(other.host):
        return is_private(one.host) and is_private(other.host) and one.port == other.port
    return (one.host, one.port, one.path) == (other.host, other.port, other.path)
