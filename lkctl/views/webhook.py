"""What a webhook delivery looks like to people: one as a sheet, those that arrive as lines."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lkctl.output.columns import fit
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339, to_json
from lkctl.output.render import effective
from lkctl.output.stream import streaming
from lkctl.output.view import Column, Listing, Record
from lkctl.secret import printable
from lkctl.views.tokens import when
from lkctl.webhooks.delivery import Delivery
from lkctl.webhooks.event import WebhookEvent
from lkctl.webhooks.signature import Check

if TYPE_CHECKING:  # to verify a delivery takes no server
    from lkctl.server.listener import Arrival

_MARKS = {True: "✓", False: "✗", None: "?"}
_STYLES = {True: "green", False: "red"}
_WORDS = {True: "ok", False: "failed", None: "unknown"}
_WIDEST_VALUE = 300
_EVENT_WIDTH = len("participant_joined")  # few are longer
_INDENT = " " * len("00:00:00  ✓  ")


def delivery_view(delivery: Delivery, format_: Format, console: Console) -> Record:
    """Show a delivery: the verdict, what it tells, each check with its next step."""
    people = effective(format_, console) is Format.table
    hints = tuple(f"hint ({check.id}): {check.hint}" for check in delivery.failed if check.hint)
    return Record(
        delivery.json(),
        tuple(_told(delivery) if people else _plain(delivery)),
        delivery.event.name if delivery.event is not None else "",
        heading=_heading(delivery),
        lists=(("Checks", _checks(delivery, _MARKS if people else _WORDS)),),
        remarks=(*hints, *(f"note: {note}" for note in delivery.notes)),
    )


def showing_arrivals(format_: Format, console: Console) -> "AbstractContextManager[Callable[[Arrival], None]]":
    """Give the function that shows a delivery as it arrives."""
    return streaming(effective(format_, console), console, _SPELLINGS)


def say_reception(received: int, genuine: int) -> str:
    """Sum up what came."""
    noun = "delivery" if received == 1 else "deliveries"
    return f"received {received} {noun}: {genuine} genuine, {received - genuine} not"


def how_to_connect(url: str, key: str) -> str:
    """Say what to write into livekit.yaml so that livekit-server sends its webhooks here."""
    return (
        f"listening on {url} for webhooks; ^C ends it\n"
        "livekit-server sends them with this in livekit.yaml, and after a restart:\n"
        f"  webhook:\n    api_key: {printable(key)}\n    urls: [{printable(url)}]"
    )


def _heading(delivery: Delivery) -> str:
    if delivery.ok:
        return "✓ genuine: LiveKit's receivers take it"
    return f"✗ not genuine ({', '.join(check.id for check in delivery.failed)})"


def _checks(delivery: Delivery, marks: dict[bool | None, str]) -> Listing[Check]:
    return Listing(
        items=delivery.checks,
        columns=(
            Column("", lambda check: marks[check.ok]),
            Column("CHECK", lambda check: check.id),
            Column("RESULT", lambda check: check.message),
        ),
        name=lambda check: check.id,
        empty="no checks",
        prose=True,
    )


def _told(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """Give what is there, as people read it."""
    event = delivery.event
    if event is None:
        return
    told = {"event": event.name, "meaning": event.meaning, **_subject(event), "created": _created(event, delivery.now)}
    yield from ((name, fit(value, _WIDEST_VALUE)) for name, value in told.items() if value)


def _plain(delivery: Delivery) -> Iterator[tuple[str, str]]:
    """Give everything under the names of the JSON document, for scripts."""
    event = delivery.event
    yield "ok", "true" if delivery.ok else "false"
    yield "event", event.name if event is not None else ""
    if event is not None:
        yield from _subject(event).items()
        yield "created_at", rfc3339(event.moment) or ""


def _subject(event: WebhookEvent) -> dict[str, str]:
    return {
        "room": event.room,
        "participant": event.participant,
        "track": event.track,
        "job": event.job,
        "id": event.id,
    }


def _created(event: WebhookEvent, now: float) -> str:
    return "" if event.created_at is None else when(event.moment, event.created_at - now)


def _problem(delivery: Delivery) -> str:
    return next((f"{check.id}: {check.message}" for check in delivery.failed), "")


def _as_line(arrival: "Arrival", console: Console) -> str:
    """Write a delivery for people, the next step below it."""
    delivery, event = arrival.delivery, arrival.delivery.event
    time = f"{datetime.fromtimestamp(arrival.at, UTC).astimezone():%H:%M:%S}"
    mark = console.paint(_MARKS[delivery.ok], _STYLES[delivery.ok])
    name = ((event.name if event is not None else "") or "-").ljust(_EVENT_WIDTH)
    about = (event.room, event.participant, event.track, event.job) if event is not None else ()
    words = [name, *about, _problem(delivery)]
    hints = [f"hint: {check.hint}" for check in delivery.failed[:1] if check.hint]
    below = [f"{_INDENT}{text}" for text in (*hints, *(f"note: {note}" for note in delivery.notes))]
    first = f"{time}  {mark}  {'  '.join(printable(fit(word, _WIDEST_VALUE)) for word in words if word)}".rstrip()
    return "".join(f"{line}\n" for line in (first, *map(printable, below)))


def _as_values(arrival: "Arrival", _console: Console) -> str:
    event = arrival.delivery.event
    about = (event.name, event.room, event.participant) if event is not None else ("", "", "")
    values = (_rfc3339(arrival), _WORDS[arrival.delivery.ok], *about, _problem(arrival.delivery))
    return "\t".join(map(printable, values)) + "\n"


def _as_name(arrival: "Arrival", _console: Console) -> str:
    event = arrival.delivery.event
    return printable(event.name if event is not None else "") + "\n"


def _document(arrival: "Arrival") -> dict[str, Any]:
    return {"received_at": _rfc3339(arrival), "path": arrival.path, **arrival.delivery.json()}


def _rfc3339(arrival: "Arrival") -> str:
    return rfc3339(datetime.fromtimestamp(round(arrival.at, 3), UTC)) or ""


_SPELLINGS: "dict[Format, Callable[[Arrival, Console], str]]" = {
    Format.table: _as_line,
    Format.tsv: _as_values,
    Format.name: _as_name,
    Format.json: lambda arrival, _: to_json(_document(arrival)),
    Format.jsonl: lambda arrival, _: to_json(_document(arrival), compact=True) + "\n",
}
