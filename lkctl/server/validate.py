"""`GET /rtc/validate`: what a server says to a token. Nobody joins by it, and no room is made.

Newer clients ask at /rtc/v1/validate, which is the same question with what they want to join as (measured on 1.13.5).
It does not look at all that a join does: whether the room is full, how large metadata and attributes are, roomPreset
(measured on 1.13.5: 200, and then the join fails); nor does it need the server's Redis.
"""

from collections.abc import Callable
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.answers import OK, UNAUTHORIZED, clock_skew, proxy_error, twirp_error
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer, Request, exchange
from lkctl.server.refusal import Refused, read_refusal
from lkctl.settings.url import ServerUrl

ACCEPTED = "accepted"
_PATH = "/rtc/validate"
# With the smallest request that counts as one: livekit.WrappedJoinRequest{JoinRequest{client_info{protocol: 15}}}
_V1_PATH = "/rtc/v1/validate?join_request=EgQKAhgP"
_NO_PATH = "404 page not found"  # Go's own words
_LIST_ROOMS = "/twirp/livekit.RoomService/ListRooms"
_NO_ROOM = b'{"names":["-"]}'
_SERVER_ERROR = 500
_BAD, _NOT_FOUND, _HEADER_TOO_LARGE = 400, 404, 431
# The statuses that go with a refusal, where it is not 401; with another one the words are somebody else's
_STATUSES: dict[Refused, tuple[int, ...]] = {
    Refused.identity: (_BAD,),
    Refused.identity_too_long: (_BAD,),
    Refused.room: (_BAD,),
    Refused.room_too_long: (_BAD,),
    Refused.room_missing: (_NOT_FOUND,),
    Refused.node_full: (503,),
    Refused.too_large: (_HEADER_TOO_LARGE, _BAD),  # nginx says 400
}


class Verdict(NamedTuple):
    """What the server said: `code` is `accepted` or one of Refused, `reason` its own words without what they echo.

    `skew`: seconds by which its clock is ahead of ours; None where it did not tell.
    """

    url: str
    status: int
    code: str
    reason: str
    skew: float | None

    @property
    def accepted(self) -> bool:
        """Whether it takes the token."""
        return self.code == ACCEPTED


def is_sendable(token: str) -> bool:
    """Whether a token can stand in a header at all."""
    return token.isascii() and token.isprintable()


def validate(url: ServerUrl, token: str, deadline: Deadline, trace: Callable[[str], None] | None = None) -> Verdict:
    """Ask the server; raise LkctlError (net-, tls-, http-, not-livekit, server-) where LiveKit did not judge."""
    return _judge(url, token, exchange(url, Request("GET", _PATH, _bearer(token)), deadline, trace))


def validate_v1(url: ServerUrl, token: str, deadline: Deadline) -> Verdict | None:
    """Ask the server as newer clients do; None where it does not know that path. Raises as `validate` does."""
    answer = exchange(url, Request("GET", _V1_PATH, _bearer(token)), deadline)
    if answer.status == _NOT_FOUND and answer.text.strip() == _NO_PATH:
        return None
    return _judge(url, token, answer)


def ask_api(url: ServerUrl, token: str, deadline: Deadline) -> Verdict:
    """Ask the server's API, which judges tokens that are not for joining; raise as `validate` does.

    It takes a token, if it denies a call for want of a grant only: what comes before is judged first (measured).
    """
    headers = {**_bearer(token), "Content-Type": "application/json"}
    answer = exchange(url, Request("POST", _LIST_ROOMS, headers, _NO_ROOM), deadline)
    error = twirp_error(answer)
    if (answer.status == OK and not answer.is_html) or (error is not None and error[0] == "unauthenticated"):
        return Verdict(url.http, answer.status, ACCEPTED, "success", clock_skew(answer))
    return _judge(url, token, answer)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _judge(url: ServerUrl, token: str, answer: Answer) -> Verdict:
    said = answer.text.replace(token, "<JWT>").strip()
    if answer.status == OK and said == "success":
        return Verdict(url.http, OK, ACCEPTED, said, clock_skew(answer))
    refusal = read_refusal(said if answer.status != _HEADER_TOO_LARGE else "431 Request Header Fields Too Large")
    if _is_livekits(answer, refusal.why):
        return Verdict(url.http, answer.status, refusal.why.value, refusal.said, clock_skew(answer))
    if answer.status == _SERVER_ERROR and said and not answer.is_html:
        told = f"{url.http} says: {scrub(refusal.said)} ({answer.status})"
        raise LkctlError("server-error", told, hint="Look into the server's log; is its Redis there?")
    raise proxy_error(answer, url)


def _is_livekits(answer: Answer, why: Refused) -> bool:
    """Tell a refusal of LiveKit's from a page; only where something is too large, a proxy's word counts as well."""
    fits = answer.status in _STATUSES.get(why, (UNAUTHORIZED,))
    return fits and (why is Refused.too_large or not (answer.is_html or "www-authenticate" in answer.headers))
