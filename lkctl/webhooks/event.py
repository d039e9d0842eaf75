"""What a webhook tells: the event, and whom and what it is about.

Source: livekit/protocol webhook/consts.go (names), livekit_webhook.proto. Measured on 1.13.5: numbers of 64 bits come
as text, empty fields not at all; hidden participants are told of like others; every room holds its TURN password.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from lkctl.tokens.document import read_document, shown
from lkctl.tokens.words import as_moment

# What each event says of {room}, {participant}, {track} and {job} (an egress or ingress)
EVENTS: dict[str, str] = {
    "room_started": "room {room} was opened",
    "room_finished": "room {room} was closed",
    "participant_joined": "{participant} joined room {room}",
    "participant_left": "{participant} left room {room}",
    "participant_connection_aborted": "{participant} was on the way into room {room}, and never got there",
    "track_published": "{participant} publishes {track} in room {room}",
    "track_unpublished": "{participant} publishes {track} in room {room} no more",
    "egress_started": "egress {job} of room {room} started",
    "egress_updated": "egress {job} of room {room} changed",
    "egress_ended": "egress {job} of room {room} ended",
    "ingress_started": "ingress {job} into room {room} started",
    "ingress_ended": "ingress {job} into room {room} ended",
}
_JOBS = ("egressInfo", "ingressInfo")
_OBJECTS = ("room", "participant", "track", *_JOBS)
_SECRETS = ("password", "secret", "token", "streamkey", "accesskey", "accountkey", "credentials")  # ends of keys
MOST_VALUES = (
    50_000  # in a body; LiveKit's have a few hundred. A hostile one of 4 MiB holds millions, and takes seconds
)
_LONGEST_NUMBER = 20  # digits of 64 bits, with the sign


class WebhookEvent(NamedTuple):
    """One event. Texts are "" where it names none; `created_at` is in seconds since 1970, by LiveKit's clock.

    `job` is the ID of an egress or ingress. `dropped` counts the deliveries before this one that LiveKit gave up.
    `payload` is the whole body without TURN passwords, stream keys and other secrets.
    """

    name: str
    id: str
    created_at: int | None
    room: str
    participant: str
    track: str
    job: str
    dropped: int
    payload: Mapping[str, Any]

    @property
    def known(self) -> bool:
        """Whether it is one of the events that LiveKit is known to send."""
        return self.name in EVENTS

    @property
    def title(self) -> str:
        """Name it for a message: a name that nobody knows is quoted, and cut to a readable length."""
        return self.name if self.known else shown(self.name) if self.name else "(unnamed)"

    @property
    def meaning(self) -> str:
        """Say in words what happened; "" for an unknown event."""
        told = {"room": self.room, "participant": self.participant, "track": self.track, "job": self.job}
        return EVENTS.get(self.name, "").format(**{name: text or "(unnamed)" for name, text in told.items()})

    @property
    def moment(self) -> datetime | None:
        """When it happened; None where it does not say so."""
        return as_moment(self.created_at)

    def json(self, now: float) -> dict[str, Any]:
        """Give it as `-o json` shows it."""
        return {
            "name": self.name,
            "known": self.known,
            "id": self.id,
            "created_at": self.moment,
            "age_s": None if self.created_at is None else int(now - self.created_at),
            "room": self.room,
            "participant": self.participant,
            "track": self.track,
            "job": self.job,
            "payload": self.payload,
        }


def read_event(body: bytes) -> WebhookEvent:
    """Read the body of a webhook; raise ValueError, saying why, for what LiveKit's receivers cannot read.

    So is more than MOST_VALUES values, which they would read: nobody can have this judge stand still.
    """
    check_values(body)
    document = read_document(body)
    fields = document.value
    if not isinstance(fields, dict):
        raise ValueError("it is JSON, but no object")  # noqa: TRY004  (the reader's one way to say no)
    if any(problem.breaks for problem in document.problems) or not _is_text(body):
        raise ValueError(document.problems[0].message)
    parts = {name: _object(fields, name) for name in _OBJECTS}
    job = next((parts[name] for name in _JOBS if parts[name]), {})
    return WebhookEvent(
        name=_text(fields, "event"),
        id=_text(fields, "id"),
        created_at=_integer(fields, "createdAt"),
        room=_text(parts["room"], "name") or _text(job, "roomName"),
        participant=_text(parts["participant"], "identity") or _text(job, "participantIdentity"),
        track=_text(parts["track"], "name") or _text(parts["track"], "sid"),
        job=_text(job, "egressId") or _text(job, "ingressId"),
        dropped=_integer(fields, "numDropped") or 0,
        payload=without_secrets(fields),
    )


def check_values(body: bytes) -> None:
    """Raise ValueError where JSON holds more than MOST_VALUES values, without reading it; texts may hold anything."""
    if _count(body) <= MOST_VALUES:
        return
    most_quotes = 4 * MOST_VALUES  # two texts for a value: its key, and itself
    parts = body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"', most_quotes)
    if len(parts) > most_quotes or _count(b"".join(parts[::2])) > MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES} values")


def _count(bare: bytes) -> int:
    """Count the values between brackets, braces and commas."""
    return sum(map(bare.count, (b"[", b"{", b",")))


def without_secrets(value: Any) -> Any:
    """Leave out what a webhook should not be passed on with: TURN password, stream key, credentials of storage."""
    if isinstance(value, dict):
        return {name: without_secrets(inner) for name, inner in value.items() if not _is_secret(name)}
    return [without_secrets(inner) for inner in value] if isinstance(value, list) else value


def _is_secret(name: str) -> bool:
    return name.replace("_", "").lower().endswith(_SECRETS)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _value(fields: Mapping[str, Any], name: str) -> Any:
    """Give a field by its JSON name or its protobuf one: both may be written."""
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    return fields.get(name, fields.get(snake))


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = _value(fields, name)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"its {name} is no object")
    return value or {}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = _value(fields, name)
    if value is not None and type(value) is not str:
        raise ValueError(f"its {name} is no text")
    return value or ""


def _integer(fields: Mapping[str, Any], name: str) -> int | None:
    value = _value(fields, name)
    if value is None:
        return None
    digits = str(value) if type(value) in {int, str} else ""
    if not digits.lstrip("-").isdecimal() or not digits.isascii() or len(digits) > _LONGEST_NUMBER:
        raise ValueError(f"its {name} is no whole number")
    return int(digits)
