"""What an answer of a server is: a reply, LiveKit's error, or something that is not LiveKit at all."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from lkctl.errors import LkctlError
from lkctl.secret import scrub
from lkctl.server.http import Answer
from lkctl.settings.url import ServerUrl, without_login

OK, UNAUTHORIZED, TOO_MANY = 200, 401, 429
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_REDIRECTS = range(300, 400)
_GATEWAY = {502, 503, 504, *range(520, 528), 530}  # from 520 on they are Cloudflare's
_NODE_FULL = "reached configured limit for node"  # of limit.num_tracks and limit.bytes_per_sec; 500 (measured)
_NO_NODES = "could not find any available nodes"  # for a moment after its Redis has returned (measured)
# What a livekit-server passes on when its Redis is away, hangs, or refuses (each measured on 1.13.5)
_REDIS_AWAY = r"(?:^|: )(?:dial tcp\b|i/o timeout$|NOAUTH |OOM |READONLY |MASTERDOWN )"


def read_reply(answer: Answer, url: ServerUrl) -> Mapping[str, Any]:
    """Take an answer for a Twirp reply; raise the LkctlError that says what it is instead."""
    if answer.status == OK:
        reply = None if answer.truncated or answer.is_html else _json(answer)
        if isinstance(reply, dict):
            return reply
        raise _not_livekit(answer, url)
    error = twirp_error(answer)
    if error is None:
        raise proxy_error(answer, url)
    raise _server_error(*error, url)


def _server_error(code: str, said: str, status: int, url: ServerUrl) -> LkctlError:
    said = scrub(said.removeprefix("twirp error unknown: "))
    if code in {"unauthenticated", "permission_denied"}:
        return LkctlError(
            "auth-grant",
            f"{url.http} denies the call: {said} ({status})",
            hint="The key may not do this; use the server's own key",
        )
    if code == "bad_route":
        return LkctlError(
            "not-livekit",
            f"{url.http} does not know the call: {said}",
            hint="A very old server, or a redirect on the way",
        )
    if code in {"unknown", "internal"} and (error := _redis_error(said, url)):
        return error
    if code == "resource_exhausted" or _NODE_FULL in said:
        return LkctlError(
            "server-limit", f"{url.http} refused because of a limit: {said}", hint="Wait, or raise the limit"
        )
    if code == "unavailable" or _NO_NODES in said:
        return LkctlError(
            "server-unavailable",
            f"{url.http} says: {said} ({status})",
            hint="The node that has the room may be down, or the Redis between nodes; try again, or: lkctl diagnose",
        )
    return LkctlError("server-error", f"{url.http} says: {said} ({code}, {status})", hint="Look into the server's log")


def _redis_error(said: str, url: ServerUrl) -> LkctlError | None:
    """Tell a server without Redis from one whose Redis is gone; None where the text speaks of neither."""
    if "redis required" in said:
        return LkctlError(
            "server-redis", f"{url.http} cannot do this: {said}", hint="The service needs a server with Redis"
        )
    if re.search(_REDIS_AWAY, said):
        return LkctlError(
            "server-redis",
            f"{url.http} failed, most likely because it cannot use its Redis: {said}",
            hint="Is Redis running, and does `redis` in the server's configuration lead to it? Then: lkctl diagnose",
        )
    return None


def proxy_error(answer: Answer, url: ServerUrl) -> LkctlError:
    """Judge an answer that did not come from LiveKit's API."""
    status = answer.status
    if status in _REDIRECTS:
        target = without_login(scrub(answer.headers.get("location", "nowhere")))
        return LkctlError(
            "http-redirect",
            f"{url.http} redirects to {target} ({status})",
            hint="Put the URL it leads to into LIVEKIT_URL",
        )
    if status in _GATEWAY:
        return LkctlError(
            "http-gateway",
            f"a proxy at {url.http} answers {status}: LiveKit behind it does not",
            hint="Is livekit-server running, and does the proxy point to its port?",
        )
    if status == TOO_MANY:
        return LkctlError("server-limit", f"{url.http} answers 429: too many requests", hint="Wait, and try again")
    return _not_livekit(answer, url)


def _not_livekit(answer: Answer, url: ServerUrl) -> LkctlError:
    what = "a web page" if answer.is_html else "something that is not LiveKit's API"
    kind = answer.headers.get("content-type", "no content type")
    return LkctlError(
        "not-livekit",
        f"{url.http} answers with {what} ({answer.status}, {kind})",
        hint="Check host, port and path of LIVEKIT_URL; a proxy must pass /twirp and /rtc on to LiveKit",
    )


def twirp_error(answer: Answer) -> tuple[str, str, int] | None:
    """Give code, text and status where the answer is an error of LiveKit's API; else None."""
    reply = _json(answer)
    if isinstance(reply, dict) and isinstance(reply.get("code"), str) and isinstance(reply.get("msg"), str):
        return reply["code"], reply["msg"], answer.status
    return None


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def clock_skew(answer: Answer) -> float | None:
    """Seconds by which the server's clock is ahead of ours, by its Date header; None without a usable one."""
    try:
        theirs = _moment(answer.headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return theirs + 0.5 - (answer.sent_at + answer.answered_at) / 2


def _moment(date: str) -> float:
    """Read a date as servers of today write it (RFC 9110, 5.6.7), or else as any mail program may."""
    match = re.fullmatch(r"\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT", date)
    if match is None or match[2] not in _MONTHS:
        from email.utils import parsedate_to_datetime  # 20 ms

        return parsedate_to_datetime(date).timestamp()
    day, _, year, hour, minute, second = match.groups()
    month = _MONTHS.index(match[2]) + 1
    return datetime(int(year), month, int(day), int(hour), int(minute), int(second), tzinfo=UTC).timestamp()
