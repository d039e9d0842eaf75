"""Webhooks: whether a delivery is genuine, as LiveKit's own receivers judge it, and if not, why not.

    from lkctl.webhooks import judge_delivery

    delivery = judge_delivery(body, request.headers.get("Authorization"), pair, now=time.time())
    if not delivery.ok:
        log.warning("%s", [check.message for check in delivery.failed])

LiveKit POSTs JSON with a JWT in the Authorization header: bare, without Bearer; its claim sha256 is the base64 of the
body's SHA-256; it is valid for 5 minutes (livekit/protocol webhook/resource_url_notifier.go; measured on 1.13.5).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from lkctl.settings.shape import Pair
from lkctl.webhooks.event import EVENTS, WebhookEvent, read_event
from lkctl.webhooks.signature import Check, check_token

_SEVERAL = "the Authorization header came {} times; the first one counts"


class Delivery(NamedTuple):
    """A delivery, judged at the moment `now` (seconds since 1970).

    `checks` are those of header, key, signature, time, body and event, in this order. `event` is what the body tells,
    genuine or not; None where it cannot be read. `notes` say what is worth knowing, and no failure.
    """

    checks: tuple[Check, ...]
    event: WebhookEvent | None
    notes: tuple[str, ...]
    now: float

    @property
    def ok(self) -> bool:
        """Whether it is genuine: every check holds."""
        return all(check.ok for check in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold, those that cannot be told left out."""
        return tuple(check for check in self.checks if check.ok is False)

    def json(self) -> dict[str, Any]:
        """Give the document of `webhook verify -o json`."""
        return {
            "ok": self.ok,
            "checks": [check.json() for check in self.checks],
            "event": None if self.event is None else self.event.json(self.now),
            "notes": list(self.notes),
        }


def judge_delivery(
    body: bytes,
    authorization: str | Sequence[str] | None,
    pair: Pair,
    *,
    now: float,
    others: Iterable[Pair] = (),
    recorded: bool = False,
) -> Delivery:
    """Judge a delivery by its body, byte for byte as it came, and its Authorization header (all of them, if several).

    Times have the minute of leeway that LiveKit's receivers grant; with `recorded` they are not held against the clock.
    Where the signature does not fit `pair`, its likely misspellings are tried, then `others`, whose names say where
    they come from. Nothing is raised for a bad delivery.
    """
    headers = [authorization] if isinstance(authorization, str) else list(authorization or ())
    token = headers[0].strip(" \t\r\n") if headers else ""
    event, readable = _read(body)
    checks = (*check_token(token, body, pair, now=now, others=others, recorded=recorded), readable)
    return Delivery(checks, event, tuple(_notes(event, len(headers))), now)


def too_large(most: int, now: float) -> Delivery:
    """Give the judgement on a delivery of over `most` bytes, which nobody reads."""
    told = f"the body has more than {most // 1024 // 1024} MiB, and was not read"
    return Delivery((Check("body", False, told, "LiveKit's own are far smaller: who sends this?"),), None, (), now)


def _read(body: bytes) -> tuple[WebhookEvent | None, Check]:
    try:
        event = read_event(body)
    except ValueError as error:
        told = f"the body is no event: {error}" if body else "the body is empty"
        return None, Check("event", False, told, "LiveKit sends a JSON object")
    return event, Check("event", True, f"the body is an event: {event.title}")


def _notes(event: WebhookEvent | None, headers: int) -> Iterator[str]:
    if headers > 1:
        yield _SEVERAL.format(headers)
    if event is not None and not event.known:
        yield f"{event.title} is none of the {len(EVENTS)} events that lkctl knows"
    if event is not None and event.dropped:
        yield f"LiveKit gave up {event.dropped} deliveries before this one"
