"""Why LiveKit does not answer, and what does instead: told by second requests.

Without and with a path prefix, past the proxy, on the other port, with TLS.
"""

from collections.abc import Callable
from typing import Any

from lkctl.checks.elsewhere import Elsewhere, direct_ways, look_elsewhere
from lkctl.checks.inquiry import (
    FINGERPRINT,
    VALIDATE,
    ask_elsewhere,
    asks_for_token,
    attempt,
    is_livekits_404,
    say_answer,
    trying,
)
from lkctl.checks.redirects import redirected
from lkctl.checks.result import Problem
from lkctl.checks.urlfix import with_origin
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.answers import proxy_error
from lkctl.server.certificate import present
from lkctl.server.deadline import side_by_side
from lkctl.server.http import Answer, Request, UnansweredError
from lkctl.settings.layers import Target
from lkctl.settings.url import ServerUrl

_REDIRECTS, _LOGINS = range(300, 400), {401, 403, 407}
_GATEWAYS = {502, 503, 504, *range(520, 528), 530}  # from 520 on they are Cloudflare's
_PREFIXES = ("/livekit", "/livekit/sfu", "/sfu", "/lk")  # as reverse proxies are often set up
_TLS_WANTED = (b"http request to an https server", b"plain http request was sent to https port")


def unanswered(world: World, url: ServerUrl, error: LkctlError) -> Problem:
    """No HTTP came: is it TLS, another port, or does the server hang?"""
    deadline = trying(world)
    works: list[Callable[[], Any]] = [lambda: look_elsewhere(world, deadline=deadline)]
    if not url.secure:
        works.append(lambda: attempt(lambda: present(url.host, url.port, deadline)))
    other, *shown = side_by_side(works)
    if any(shown):
        return _found(world, _tls_needed(url), other)
    if isinstance(error, UnansweredError):
        return _hanging(world, url, error, other)
    return _found(world, error, other)


def _hanging(world: World, url: ServerUrl, error: LkctlError, other: Elsewhere) -> Problem:
    """The port takes connections, and nothing comes: that other hosts and ports have no LiveKit is no news then."""
    said = f"{url.host}:{url.port} takes the connection and answers nothing"
    said += ": the server hangs, or something else listens there"
    hint = "Look at the process that listens there, and at its log; restart it if it is livekit-server"
    tls = () if url.secure or other.found else ("TLS on this port: it answers no handshake either",)
    told = LkctlError(error.code, said, hint=hint)
    return _found(world, told, other._replace(missed=()), f"GET {FINGERPRINT}: {error.message}", ruled_out=tls)


def _tls_needed(url: ServerUrl) -> LkctlError:
    secure = url._replace(scheme="wss" if url.scheme == "ws" else "https")
    return LkctlError("tls-needed", f"{url.host}:{url.port} speaks TLS", hint=f"Write {secure}")


def _found(
    world: World, error: LkctlError, other: Elsewhere, *evidence: str, ruled_out: tuple[str, ...] = ()
) -> Problem:
    """Make the problem, with where LiveKit was found instead, or looked for in vain."""
    said = with_origin(world, error.message)
    said += "" if other.first is None else f"; LiveKit answers at {other.first}"
    return Problem(
        said,
        hint=other.hint or error.hint,
        code=error.code,
        evidence=(*evidence, *other.evidence),
        ruled_out=(*ruled_out, *(() if other.found else other.ruled_out)),
        fix=other.fix,
    )


def answered_by_another(world: World, url: ServerUrl, answer: Answer) -> Problem:
    """Judge an answer that is not LiveKit's."""
    seen = f"GET {url.http}{FINGERPRINT}: {say_answer(answer)}"
    if any(sign in answer.body[:2000].lower() for sign in _TLS_WANTED):
        return _found(world, _tls_needed(url), look_elsewhere(world), seen)
    if answer.status in _REDIRECTS:
        return redirected(world, url, answer)
    if answer.status in _GATEWAYS:
        return _backend_dead(world, url, answer, seen)
    error = proxy_error(answer, url)
    if answer.status in _LOGINS:
        said = f"a proxy at {url.http} wants a login, or shuts lkctl out ({answer.status}): LiveKit does not say so"
        hint = "Let the proxy pass /rtc, /twirp and /agent without a login of its own: LiveKit checks the token"
        return Problem(said, hint=hint, code=error.code, evidence=(seen,))
    return _other_path(world, url, answer, error, seen)


def _backend_dead(world: World, url: ServerUrl, answer: Answer, seen: str) -> Problem:
    """A proxy that reaches nobody: is LiveKit down, or is it where the proxy does not look?"""
    deadline = trying(world)
    works: list[Callable[[], Any]] = [
        lambda: look_elsewhere(world, *direct_ways(world, url), deadline=deadline),
        lambda: ask_elsewhere(url, Request("GET", VALIDATE), deadline),
    ]
    other, joining = side_by_side(works)
    if asks_for_token(joining):
        said = f"the proxy at {url.http} passes /rtc on to LiveKit, but for /twirp it answers {answer.status}"
        return Problem(said, hint="Let it pass /twirp to the same port", code="http-gateway", evidence=(seen,))
    said = f"a proxy at {url.http} answers {answer.status}: "
    if other.first is None:
        said += "LiveKit behind it does not answer"
        hint = "Start livekit-server, or point the proxy to its port; its log may say why it ended"
        return Problem(said, hint=hint, code="http-gateway", evidence=(seen,), ruled_out=other.ruled_out)
    said += f"it does not reach LiveKit, which answers at {other.first}"
    hint = f"Point the proxy to {other.first.netloc}; in a container 127.0.0.1 is the container itself"
    return Problem(said, hint=hint, code="http-gateway", evidence=(seen, *other.evidence))


def _other_path(world: World, url: ServerUrl, answer: Answer, error: LkctlError, seen: str) -> Problem:
    """A page, or a 404: is LiveKit under another path, or elsewhere, or are some of its paths not passed on?"""
    deadline = trying(world)
    variants = [url._replace(path=path) for path in _other_paths(url)]
    works: list[Callable[[], Any]] = [
        lambda: look_elsewhere(world, *variants, deadline=deadline),
        lambda: look_elsewhere(world, deadline=deadline),
        lambda: ask_elsewhere(url, Request("GET", VALIDATE), deadline),
    ]
    prefixed, near, joining = side_by_side(works)
    tried = prefixed.ruled_out
    if prefixed.first is not None:
        lost = url.path and not prefixed.first.path
        said = f"LiveKit is not under {url.path}" if lost else f"LiveKit is under {prefixed.first.path}"
        said = f"{said}: {url.http}{FINGERPRINT} answers {say_answer(answer)}"
        return _found(world, LkctlError(error.code, said), prefixed, seen)
    if is_livekits_404(answer):
        return _path_changed(url, error, seen, tried, kept=bool(url.path) and not asks_for_token(joining))
    if asks_for_token(joining):
        said = f"the proxy at {url.http} passes /rtc on to LiveKit, but not /twirp: joining works, the API does not"
        hint = "Let the proxy pass /twirp on as well, and /agent for workers"
        return Problem(said, hint=hint, code=error.code, evidence=(seen, *near.evidence), ruled_out=tried)
    return _found(world, error, near, seen, ruled_out=tried)


def _path_changed(url: ServerUrl, error: LkctlError, seen: str, tried: tuple[str, ...], *, kept: bool) -> Problem:
    """LiveKit itself does not know the path: somebody changed it, or kept a prefix that only the proxy knows."""
    if kept:
        said = f"the proxy at {url.http} passes {url.path} on to LiveKit, which knows no such path (404 page not found)"
        hint = f"Let the proxy take it away: nginx `location {url.path}/ {{ proxy_pass http://…:7880/; }}`"
    else:
        said = f"LiveKit at {url.http} gets another path than {FINGERPRINT} (404 page not found): a proxy changes it"
        hint = "Let the proxy pass paths on as they are: nginx `proxy_pass http://…:7880;`, without a slash at its end"
    evidence = (seen, "the answer is worded, and has `Vary: Origin`, as LiveKit's own")
    return Problem(said, hint=hint, code=error.code, evidence=evidence, ruled_out=tried)


def _other_paths(url: ServerUrl) -> tuple[str, ...]:
    parts = url.path.split("/")
    parents = tuple("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return parents if url.path else _PREFIXES


def not_ready(world: World, url: ServerUrl, answer: Answer) -> Problem:
    """A node says so when its Redis is gone, or its statistics are old: the API tells which."""
    said = f"LiveKit runs, but is not ready (406: {' '.join(answer.text[:100].split())})"
    redis = _redis_error(world, url)
    if redis is not None:
        return Problem(
            f"{said}: {redis.message}",
            hint=redis.hint,
            code="server-redis",
            evidence=(redis.message,),
            explains=("server-redis",),
        )
    hint = "A node whose clock stalls or whose processor is full says so; nobody can join then. Look into its log"
    ruled_out = ("its Redis: the API can use it",)
    return Problem(said, hint=hint, code="server-unavailable", ruled_out=ruled_out, explains=("server-unavailable",))


def _redis_error(world: World, url: ServerUrl) -> LkctlError | None:
    from lkctl.server.api import Api
    from lkctl.server.twirp import Twirp

    try:
        Api(Twirp(Target(url, world.settings.credentials()), timeout=trying(world).seconds)).list_rooms(["-"])
    except LkctlError as error:
        return error if error.code == "server-redis" else None
    return None
