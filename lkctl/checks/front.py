"""Does LiveKit answer, or something in front of it? And does it say that it is ready?"""

from lkctl.checks.inquiry import FINGERPRINT, TIMEOUT, ask, fingerprint, is_livekits, say_answer, unpacked
from lkctl.checks.result import Check, Problem, Severity
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.http import Request

_NOT_READY = 406


def _livekit(world: World) -> str:
    """`GET` on a Twirp path answers 404 with the JSON code `bad_route`, as only LiveKit does (measured).

    What answers instead, and where LiveKit is, is found by second requests.
    """
    url = world.server_url()
    try:
        answer = fingerprint(world)
    except LkctlError as error:
        from lkctl.checks.frontcause import unanswered

        raise unanswered(world, url, error) from None
    if is_livekits(answer):
        return f"{url.http}{FINGERPRINT} answers as LiveKit does"
    if is_livekits(unpacked(answer)):
        said = f"answers come packed with {answer.headers['content-encoding']}, though the request did not ask for it"
        raise Problem(said, hint="Let the proxy honour Accept-Encoding", severity=Severity.warn)
    from lkctl.checks.frontcause import answered_by_another

    raise answered_by_another(world, url, answer)


def _health(world: World) -> str:
    """`GET /` answers 200 `OK`; 406 means that the node runs, but is not ready (measured)."""
    url = world.server_url()
    answer = ask(world, Request("GET", "/"))
    if answer.status == 200 and answer.body.strip() == b"OK":  # noqa: PLR2004
        return "GET / answers OK; this proves neither the API nor media"
    if answer.status == _NOT_READY:
        from lkctl.checks.frontcause import not_ready

        raise not_ready(world, url, answer)
    said = f"GET / answers {say_answer(answer)} instead of OK, though the API is LiveKit's"
    hint = "Load balancers ask this path; let the proxy pass it on if yours does"
    # A proxy may well show a site of its own there: LiveKit's clients never ask for it
    severity = Severity.info if answer.status < 500 else Severity.warn  # noqa: PLR2004
    raise Problem(said, hint=hint, severity=severity)


FRONT_CHECKS: tuple[Check[World], ...] = (
    Check("http.livekit", "LiveKit answers there", _livekit, needs=("net.tls",), timeout=TIMEOUT),
    Check("http.health", "Server says that it is ready", _health, needs=("http.livekit",), timeout=TIMEOUT),
)
