"""Joining a room by its signal connection alone, without a WebRTC stack (livekit_rtc.proto: SignalRequest …).

The server makes its offer and tells its candidates on `/rtc?protocol=N` from N = 3 on, not on `/rtc/v1` (measured on
1.13.5). It answers ICE checks once it has an answer to its offer, whatever fingerprint that names.
"""

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.secret import Secret, printable, scrub
from lkctl.server.answers import UNAUTHORIZED, proxy_error
from lkctl.server.deadline import Deadline
from lkctl.server.http import Answer
from lkctl.server.ice import Candidate, Session, read_candidate
from lkctl.server.refusal import Refused, read_refusal
from lkctl.server.websocket import ClosedError, RefusedError, WebSocket, opened
from lkctl.settings.url import ServerUrl

_PATH = "/rtc?protocol=15&auto_subscribe=0&sdk=other&version=lkctl"
_OFFERED, _SETTLED = 3.0, 0.2  # seconds for the offer and the first candidate; for one more after the last
_FAREWELL = 0.5  # seconds
_MOST_MESSAGES, _MOST_CANDIDATES = 300, 60
_MOST_TEXT = 100
_NOT_FOUND, _SERVER_ERROR = 404, 500
_CLOSED_BY_MEDIA = "connection closed by media"  # what a join is told that validate let through (measured)
_NO_ROOM_MADE = "Create the room first, or set room.auto_create: true in livekit.yaml"


class IceServer(NamedTuple):
    """A STUN or TURN server that clients are told of."""

    urls: tuple[str, ...]
    username: str
    credential: Secret


class Visit(NamedTuple):
    """What a join shows: what the server says of itself, where its media can be reached, and who we are there.

    `session` is None where the server made no offer; `seconds`: from the first packet to the word that we are in.
    """

    version: str
    edition: str
    region: str
    node: str
    room: str
    identity: str
    seconds: float
    ice_servers: tuple[IceServer, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    session: Session | None = None


@contextmanager
def visiting(url: ServerUrl, token: str, deadline: Deadline) -> Iterator[Visit]:
    """Be in the token's room, on the signal connection alone, for the time of the `with`.

    Raises LkctlError: net-, tls-, http-, `auth-refused`, `room-missing`, `not-livekit`, `server-error`.
    """
    import livekit.protocol.rtc  # noqa: F401  (it takes longer than a join)

    started = time.monotonic()
    try:
        with opened(url, _PATH, {"Authorization": f"Bearer {token}"}, deadline) as link:
            visit = _enter(link, url, started, deadline)
            try:
                yield visit
            finally:
                _leave(link)
    except RefusedError as refused:
        raise _refused(refused.answer, token, url) from None


def _enter(link: WebSocket, url: ServerUrl, started: float, deadline: Deadline) -> Visit:
    try:
        visit = _introduced(_next(link, url, deadline), url)._replace(seconds=time.monotonic() - started)
        return _with_media(link, url, visit, deadline)
    except ClosedError as closed:
        why = f" ({closed.code} {_text(closed.reason)})".rstrip(" )") + ")" if closed.code else ""
        told = f"{url.websocket} takes the join, and then closes the connection{why}"
        raise LkctlError("server-error", told, hint="Look into the server's log, and at the proxy") from None


def _introduced(message: Any, url: ServerUrl) -> Visit:
    from livekit.protocol.models import DisconnectReason, ServerInfo

    if message.WhichOneof("message") == "leave":
        reason = (
            DisconnectReason.Name(message.leave.reason) if message.leave.reason in DisconnectReason.values() else ""
        )
        told = f"{url.websocket} puts who joins out at once{f': {reason}' if reason else ''}"
        raise LkctlError("server-error", told, hint="Look into the server's log")
    if message.WhichOneof("message") != "join":
        raise _not_livekit(url)
    join, info = message.join, message.join.server_info
    edition = ServerInfo.Edition.Name(info.edition) if info.edition in ServerInfo.Edition.values() else ""
    servers = tuple(
        IceServer(tuple(_text(one) for one in server.urls), server.username, Secret(server.credential))
        for server in join.ice_servers[:_MOST_CANDIDATES]
    )
    return Visit(
        _text(info.version or join.server_version), edition, _text(info.region or join.server_region),
        _text(info.node_id), join.room.name, join.participant.identity, 0.0, servers,
    )  # fmt: skip


def _with_media(link: WebSocket, url: ServerUrl, visit: Visit, deadline: Deadline) -> Visit:
    """Collect the offer and the candidates, answer, and give the visit with them."""
    offer, candidates, final = "", [], False
    patience = Deadline(min(_OFFERED, deadline.left))
    for _ in range(_MOST_MESSAGES):
        try:
            message = _next(link, url, Deadline(min(_SETTLED, deadline.left)) if final else patience)
        except LkctlError as error:
            if error.code == "net-timeout":
                break
            raise
        if message.HasField("offer"):
            offer = message.offer.sdp
            candidates += [read_candidate(line) for line in offer.splitlines() if line.startswith("a=candidate:")]
            session = _session(offer)
            _send_answer(link, message.offer, session, deadline)
        elif message.HasField("trickle"):
            candidates.append(read_candidate(_candidate_text(message.trickle.candidateInit)))
            final = final or message.trickle.final
        if len(candidates) > _MOST_CANDIDATES:
            break
    known = tuple(dict.fromkeys(one for one in candidates if one is not None))
    return visit._replace(candidates=known, session=session if offer else None)


def _candidate_text(init: str) -> str:
    with suppress(ValueError, RecursionError):
        read = json.loads(init)
        text = read.get("candidate") if isinstance(read, dict) else None
        if isinstance(text, str):
            return text
    return ""


def _session(offer: str) -> Session:
    lines = offer.splitlines()

    def value(name: str) -> str:
        return next((line.partition(":")[2] for line in lines if line.startswith(f"a={name}:")), "")

    return Session(value("ice-ufrag"), value("ice-pwd"), secrets.token_hex(4), "a=ice-lite" in lines)


def _send_answer(link: WebSocket, offer: Any, session: Session, deadline: Deadline) -> None:
    from livekit.protocol.rtc import SessionDescription, SignalRequest

    answer = SessionDescription(type="answer", sdp=answer_to(offer.sdp, session.own_ufrag), id=offer.id)
    link.send(SignalRequest(answer=answer).SerializeToString(), deadline)


def answer_to(offer: str, ufrag: str) -> str:
    """Write an answer that takes every part of an offer, and no media (RFC 8829, 5.3); its fingerprint fits nobody."""
    lines = offer.splitlines()
    ours = (
        f"a=ice-ufrag:{ufrag}", f"a=ice-pwd:{secrets.token_hex(16)}",
        "a=fingerprint:sha-256 " + ":".join(["00"] * 32), "a=setup:active",
    )  # fmt: skip
    head = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    head += [line for line in lines if line.startswith("a=group:BUNDLE")][:1]
    kept = ("a=mid:", "a=sctp-port:", "a=rtcp-mux", "a=rtpmap:", "a=fmtp:")
    parts = []
    for line in lines:
        if line.startswith("m="):
            parts += [line, "c=IN IP4 0.0.0.0", *ours, *([] if line.startswith("m=application") else ["a=inactive"])]
        elif parts and line.startswith(kept):
            parts.append(line)
    return "\r\n".join([*head, *parts, ""])


def _leave(link: WebSocket) -> None:
    """Say goodbye; the server answers it with its own, and by then it has put us out."""
    from livekit.protocol.models import DisconnectReason
    from livekit.protocol.rtc import LeaveRequest, SignalRequest

    deadline = Deadline(_FAREWELL)
    farewell = LeaveRequest(reason=DisconnectReason.CLIENT_INITIATED)
    with suppress(LkctlError, ClosedError):
        link.send(SignalRequest(leave=farewell).SerializeToString(), deadline)
        for _ in range(_MOST_MESSAGES):
            link.receive(deadline)


def _next(link: WebSocket, url: ServerUrl, deadline: Deadline) -> Any:
    from google.protobuf.message import DecodeError
    from livekit.protocol.rtc import SignalResponse

    content = link.receive(deadline)
    try:
        return SignalResponse.FromString(content if isinstance(content, bytes) else b"\xff")
    except DecodeError:
        raise _not_livekit(url) from None


def _refused(answer: Answer, token: str, url: ServerUrl) -> LkctlError:
    said = answer.text.replace(token, "<JWT>").strip()
    refusal = read_refusal(said)
    if answer.status == UNAUTHORIZED and not answer.is_html:
        told = f"{url.websocket} lets nobody join with this token: {_text(refusal.said)} (401)"
        return LkctlError("auth-refused", told, hint="Judge the token: lkctl token verify --server")
    if answer.status == _NOT_FOUND and refusal.why is Refused.room_missing:
        return LkctlError("room-missing", f"{url.websocket} makes no room at a join (404)", hint=_NO_ROOM_MADE)
    if answer.status == _NOT_FOUND and not said:
        told = f"{url.websocket}/rtc answers 404 and nothing else: the upgrade to a WebSocket was lost on the way"
        return LkctlError("not-livekit", told, hint="Let the proxy pass the headers Upgrade and Connection on")
    if answer.status == _SERVER_ERROR and said == _CLOSED_BY_MEDIA:
        told = f"{url.websocket} breaks the join off: {said} (500)"
        hint = "So it says of a full room, of too large metadata or attributes, of an unknown roomPreset"
        return LkctlError("server-error", told, hint=hint)
    if answer.status >= _SERVER_ERROR and said and not answer.is_html:
        told = f"{url.websocket} breaks the join off: {_text(said)} ({answer.status})"
        return LkctlError("server-error", told, hint="Look into the server's log; is its Redis there?")
    return proxy_error(answer, url)


def _not_livekit(url: ServerUrl) -> LkctlError:
    told = f"{url.websocket}/rtc answers a join as LiveKit does not"
    return LkctlError("not-livekit", told, hint="What stands in between? Compare with the server's own port")


def _text(said: str) -> str:
    return printable(scrub(said))[:_MOST_TEXT]
