"""What is said on the WebSocket of `lkctl agent serve`: JSON objects in text frames, read and written here.

The client begins, within 10 s of connecting, and says this once:

    {"type": "connection_info", "userId": "user_1704067200000_abc123", "userAgent": "Mozilla/5.0 …",
     "timestamp": 1704067200000, "extensionId": "abcdefghijklmnopabcdefghijklmnop", "secret": "…"}

`userId` must be there; `secret` where the service was started with one; the others may be left out or null, and so may
keys be there that are not named here. The service answers, at once or (where it starts an agent) after some 3 s:

    {"type": "room_assigned", "url": "ws://127.0.0.1:7880", "room": "mcp-chrome-user-user_1704067200000_abc123",
     "token": "eyJ…", "identity": "user_1704067200000_abc123", "userId": "user_1704067200000_abc123",
     "agentName": "lkctl-1a2b3c4d", "expiresAt": 1704067500000}

`agentName` is null where no agent is started; `expiresAt` (ms since 1970) is by when the token must have been used.
Then, once the agent is in the room:

    {"type": "agent_joined", "identity": "agent-AJ_…"}

From then on the socket is the session: when it closes, for whatever reason, agent and room end. The client may say
{"type": "ping"} at any time (an extension's service worker sleeps unless it does so every 20 s) and gets
{"type": "pong"}. What goes wrong is told as

    {"type": "error", "code": "user-id-invalid", "message": "…", "closing": true}

with one of the codes below. Where `closing` is true, the socket is closed after it, with the close code given there;
the session, if there was one, is over. A client may connect again after a while; after `replaced` it must not by
itself: another one of the same user has taken over, and the two would throw each other out for ever.
"""

import hmac
import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

from lkctl import convention
from lkctl.errors import LkctlError
from lkctl.secret import Secret
from lkctl.tokens.document import read_strictly

MOST_BYTES = 16 * 1024  # of a message; connection_info has some 300
_LONGEST_TEXT = 1024  # characters of a user agent or an extension's ID
_TEXTS = ("userAgent", "extensionId")

# Code of an error: the WebSocket's close code, and what happened. 4000 to 4999 are the application's own (RFC 6455)
FAULTS: Mapping[str, tuple[int, str]] = {
    "not-text": (1003, "the message is binary"),
    "not-json": (4400, "the message is not JSON, or not JSON that all readers take for the same"),
    "not-object": (4400, "the message is JSON, but no object"),
    "type-unknown": (4400, "the message is of no type that is known here, or of none that is due now"),
    "field-wrong": (4400, "a field of the message is of the wrong type or too long"),
    "user-id-invalid": (4400, "the user ID is missing, or none that an agent would take"),
    "already-assigned": (4400, "a second connection_info came on the same socket"),
    "message-too-large": (1009, f"the message has more than {MOST_BYTES} bytes"),
    "too-many-messages": (4429, "the messages come too fast"),
    "too-many-sessions": (4429, "the service has as many sessions as it takes, or they come too fast"),
    "too-late": (4408, "no connection_info came in time"),
    "secret-missing": (4401, "the service wants a secret, and the message has none"),
    "secret-wrong": (4401, "the secret is not the service's"),
    "replaced": (4409, "the same user has connected again, and that connection has taken over"),
    "room-exists": (4409, "the user's room is there already, and is not this service's"),
    "room-ended": (4410, "the room has ended: nobody was in it for too long, or somebody deleted it"),
    "agent-failed": (4502, "the agent could not be started, or did not come into the room"),
    "agent-ended": (4502, "the agent has ended, or has left the room"),
    "livekit-failed": (4503, "the LiveKit server did not do what was asked of it"),
    "livekit-lost": (4503, "the LiveKit server is gone"),
    "server-closing": (1001, "the service is shutting down"),
    "internal": (1011, "a defect of the service"),
}


class Fault(Exception):
    """Why a message is refused, or a session is over: one of FAULTS, with words for the client.

    `detail` is for the operator alone.
    """

    def __init__(self, code: str, message: str = "", *, detail: str = "") -> None:
        self.close, meaning = FAULTS[code]
        self.code = code
        self.message = message or meaning
        self.detail = detail
        super().__init__(self.message)

    @property
    def forgivable(self) -> bool:
        """Whether a session outlives it: a slip in a late message shall not cut a call off."""
        return self.close == FAULTS["not-json"][0]


class ConnectionInfo(NamedTuple):
    """The client's first message, judged. `user_id` is one that agents take and rooms can be named after."""

    user_id: str
    user_agent: str = ""
    extension_id: str = ""


class Ping(NamedTuple):
    """A sign of life."""


def read_message(text: str, secret: Secret | None) -> ConnectionInfo | Ping:
    """Read a message of the client's; raise Fault.

    The secret is judged first: who does not have it learns nothing of the rest.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise Fault("message-too-large")
    message = _read_object(text)
    kind = message.get("type")
    if kind == "ping":
        return Ping()
    _insist_secret(message.get("secret"), secret)
    if kind != "connection_info":
        raise Fault("type-unknown", "the type of the message must be connection_info or ping")
    return _read_info(message)


def assigned(**fields: Any) -> str:
    """Write the answer to connection_info."""
    return _write("room_assigned", **fields)


def agent_joined(identity: str) -> str:
    """Write that the agent is in the room."""
    return _write("agent_joined", identity=identity)


def pong() -> str:
    """Write the answer to a ping."""
    return _write("pong")


def error(fault: Fault, *, closing: bool) -> str:
    """Write what went wrong."""
    return _write("error", code=fault.code, message=fault.message, closing=closing)


def _write(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})  # ASCII: nothing in it can be broken Unicode


def _read_object(text: str) -> Mapping[str, Any]:
    try:
        message = read_strictly(text, "the message")
    except LkctlError as wrong:
        raise Fault("not-json", wrong.message) from None
    if not isinstance(message, dict):
        raise Fault("not-object")
    return message


def _insist_secret(given: object, secret: Secret | None) -> None:
    """Compare in constant time: how long it takes must not tell how much of it is right."""
    if secret is None:
        return
    if given is None:
        raise Fault("secret-missing")
    if not isinstance(given, str):
        raise Fault("secret-wrong")
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.reveal().encode()):
        raise Fault("secret-wrong")


def _read_info(message: Mapping[str, Any]) -> ConnectionInfo:
    for field in _TEXTS:
        value = message.get(field)
        if value is not None and not (isinstance(value, str) and len(value) <= _LONGEST_TEXT):
            raise Fault("field-wrong", f"{field} must be text of at most {_LONGEST_TEXT} characters")
    if not _is_time(message.get("timestamp")):
        raise Fault("field-wrong", "timestamp must be a number, or a time as text")
    user_agent, extension_id = (message.get(field) or "" for field in _TEXTS)
    return ConnectionInfo(_read_user_id(message.get("userId")), user_agent, extension_id)


def _is_time(value: object) -> bool:
    """Whether it may be a time, as Date.now() and toISOString() give it; it is not relied on."""
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value))


def _read_user_id(value: object) -> str:
    """Take a user ID only as it is: who changes it makes two of one, the client's and the agent's."""
    if not isinstance(value, str):
        raise Fault("user-id-invalid", "userId must be text")
    try:
        user_id = convention.usable_user_id(value)
        convention.check_name(convention.room_of(user_id), "name of the user's room")
    except LkctlError as wrong:
        raise Fault("user-id-invalid", wrong.message) from None
    if user_id != value:
        raise Fault("user-id-invalid", "userId has blanks at its ends")
    return user_id
