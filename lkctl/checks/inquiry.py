"""Asking the server in a run of checks: on shared connections, in time, with a cap on what it may answer.

What is judged may take most of a check's time; the rest is for the experiments that tell causes apart.
"""

from collections.abc import Callable
from typing import TypeVar

from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server import link
from lkctl.server.answers import twirp_error
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Connections, Request
from lkctl.settings.url import ServerUrl

T = TypeVar("T")

FINGERPRINT = "/twirp/livekit.RoomService/ListRooms"
VALIDATE = "/rtc/validate"
TIMEOUT = 7.0  # seconds, for the engine
_LIMIT = 6.0  # seconds
_JUDGED = 0.7  # of the limit
_MOST_BYTES = 256 * 1024
_NO_TOKEN = b"no permissions to access the room"  # what LiveKit says to /rtc and its like without a token (measured)
_GO_404 = b"404 page not found"


def waiting(world: World) -> Deadline:
    """Give the time for what is judged."""
    return Deadline(min(world.patience, _LIMIT) * _JUDGED)


def trying(world: World) -> Deadline:
    """Give the time for experiments, once what is judged has failed."""
    return Deadline(min(world.patience, _LIMIT) * (1 - _JUDGED))


def addresses(world: World, url: ServerUrl) -> list[link.Address]:
    """Look the host up, once in a run; raise what `resolve` raises."""
    return world.memory.once("net.addresses", lambda: link.resolve(url.host, url.port, waiting(world)))


def ask(world: World, request: Request) -> Answer:
    """Send a request that changes nothing to the server that is judged; raise LkctlError (net-, tls-, http-)."""
    url = world.server_url()
    connections = world.memory.once("net.connections", lambda: Connections(url, most_bytes=_MOST_BYTES))
    return connections.exchange(request._replace(repeatable=True), waiting(world))


def fingerprint(world: World) -> Answer:
    """Ask for the path that tells LiveKit from everything else, once in a run; raise as `ask`."""
    return world.memory.once("net.fingerprint", lambda: ask(world, Request("GET", FINGERPRINT)))


def ask_elsewhere(url: ServerUrl, request: Request, deadline: Deadline) -> Answer | None:
    """Ask another server, or the same one another way, as an experiment; None where no answer came of it."""
    return attempt(lambda: Connections(url, most_bytes=_MOST_BYTES).exchange(request, deadline))


def attempt(experiment: Callable[[], T]) -> T | None:
    """Give what came of an experiment; None where it failed, which is an answer, too."""
    try:
        return experiment()
    except LkctlError:
        return None


def is_livekits(answer: Answer | None) -> bool:
    """Whether an answer to FINGERPRINT is LiveKit's: 404 with the JSON code `bad_route` (measured)."""
    error = twirp_error(answer) if answer is not None else None
    return error is not None and error[0] == "bad_route" and error[2] == 404  # noqa: PLR2004


def asks_for_token(answer: Answer | None) -> bool:
    """Whether an answer to /rtc or its like, asked without a token, is LiveKit's own 401 (measured)."""
    return answer is not None and answer.status == 401 and _NO_TOKEN in answer.body[:1000]  # noqa: PLR2004


def is_livekits_404(answer: Answer | None) -> bool:
    """Whether LiveKit says that it has no such path: as any Go program, but with the header of its CORS (measured)."""
    if answer is None or answer.status != 404 or answer.body.strip() != _GO_404:  # noqa: PLR2004
        return False
    return "origin" in answer.headers.get("vary", "").lower()


def unpacked(answer: Answer) -> Answer:
    """Give an answer that a proxy has packed with gzip or deflate, though nobody asked for it, as it was before."""
    import zlib  # for those who need it

    coding = answer.headers.get("content-encoding", "").lower()
    if coding not in {"gzip", "deflate"}:
        return answer
    try:
        body = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(answer.body, _MOST_BYTES)  # of either kind
    except zlib.error:
        return answer
    return answer._replace(body=body)


def say_answer(answer: Answer | None) -> str:
    """Say what came: `404 (text/plain, 19 bytes)`."""
    if answer is None:
        return "no answer"
    size = f"{len(answer.body)} bytes" if answer.body else "empty"
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()[:60]
    server = answer.headers.get("server", "")[:60]
    said = ", ".join(filter(None, ("a web page" if answer.is_html else kind, size, server and f"server {server}")))
    return f"{answer.status} ({said})"
