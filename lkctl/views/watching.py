"""How the events of a room look: lines for people, documents for programs, each as it happens."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from lkctl.dispatch import Judged, meaning
from lkctl.models import Participant, Permission, Track
from lkctl.output.columns import fit
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import as_json, rfc3339, to_json
from lkctl.output.render import effective
from lkctl.output.stream import streaming
from lkctl.scenarios.changes import Event
from lkctl.scenarios.look import Look
from lkctl.scenarios.sightings import say_people
from lkctl.secret import printable
from lkctl.views.dispatches import dispatch_json

_MARKS = {
    "_started": ("+", "green"), "_joined": ("+", "green"), "_published": ("+", "green"), "_created": ("+", "green"),
    "_unmuted": ("+", "green"), "_back": ("+", "green"),
    "_finished": ("-", "red"), "_left": ("-", "red"), "_unpublished": ("-", "red"), "_deleted": ("-", "red"),
    "_muted": ("-", "yellow"), "_changed": ("~", "yellow"), "_lost": ("!", "red"),
}  # fmt: skip
_WIDEST = 200
_NAME_WIDTH = len("participant_attributes_changed")


def showing_events(
    format_: Format, console: Console, *, rooms: bool
) -> "AbstractContextManager[Callable[[Event], None]]":
    """Give the function that shows an event as it happens: JSON lines in a pipe; `rooms`: people read of which room."""
    wanted = Format.jsonl if format_ is Format.auto and not console.out_tty else effective(format_, console)
    spellings: dict[Format, Callable[[Event, Console], str]] = {
        Format.table: lambda event, at: _as_line(event, at, rooms=rooms),
        Format.tsv: _as_values,
        Format.name: lambda event, _: f"{event.event}\n",
        Format.json: lambda event, _: to_json(_document(event)),
        Format.jsonl: lambda event, _: to_json(_document(event), compact=True) + "\n",
    }
    return streaming(wanted, console, spellings)


def _document(event: Event) -> dict[str, Any]:
    return {**event._asdict(), "old": _plain(event.old), "new": _plain(event.new)}


def _plain(value: Any) -> Any:
    if isinstance(value, Look):
        unknown = value.room is not None and value.dispatches is None
        dispatches = None if unknown else [_plain(one) for one in value.dispatches or ()]
        return {"room": value.room, "participants": value.participants, "dispatches": dispatches}
    return dispatch_json(value) if isinstance(value, Judged) else value


def _as_line(event: Event, console: Console, *, rooms: bool) -> str:
    time = f"{event.at.astimezone():%H:%M:%S}"
    found = (look for end, look in _MARKS.items() if event.event.endswith(end))
    mark, style = next(found, ("=", "cyan"))
    words = [event.room if rooms else "", event.participant, *_told(event)]
    said = "  ".join(printable(fit(word, _WIDEST)) for word in words if word)
    return f"{time}  {console.paint(mark, style)}  {event.event.ljust(_NAME_WIDTH)}  {said}".rstrip() + "\n"


def _as_values(event: Event, _console: Console) -> str:
    told = " ".join(word for word in _told(event) if word)
    values = (rfc3339(event.at) or "", event.event, event.room, event.participant, event.kind, event.sid, told)
    return "\t".join(map(printable, values)) + "\n"


def _told(event: Event) -> tuple[str, ...]:
    """Say what happened, beside to whom."""
    thing = event.new if event.new is not None else event.old
    if isinstance(thing, Look):
        return (_say_look(thing),)
    if isinstance(thing, Track):
        return thing.source, thing.name, f"{thing.type.lower()}{', muted' if thing.muted else ''}", thing.sid
    if isinstance(thing, Participant):
        return thing.kind, "hidden" if thing.permission.hidden else "", thing.state
    if isinstance(thing, Judged):
        change = f"{event.old.verdict} → {thing.verdict}: {meaning(thing)}" if event.old and event.new else ""
        return _agent(thing), change, thing.dispatch.id
    if event.event.startswith("server_"):
        return (str(thing["message"] if "message" in thing else f"after {thing['lost_s']:.1f} s"),)
    return (_say_change(event.old, event.new) if event.event.endswith("_changed") else event.sid,)


def _say_look(look: Look) -> str:
    if look.room is None:
        return "the room does not exist"
    tracks = sum(len(one.tracks) for one in look.participants)
    dispatches = [f"the dispatch of {_agent(one)} is {one.verdict}" for one in look.dispatches or ()]
    return "; ".join((say_people(look.participants), f"tracks: {tracks}", *dispatches))


def _agent(judged: Judged) -> str:
    return judged.dispatch.agent_name or f"({judged.whom})"


def _say_change(old: Any, new: Any) -> str:
    if isinstance(old, Permission) and isinstance(new, Permission):
        old, new = as_json(old), as_json(new)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        return ", ".join(f"{key}: {_value(old.get(key))} → {_value(new.get(key))}" for key in keys)
    return f"{_value(old)} → {_value(new)}"


def _value(value: Any) -> str:
    return "(none)" if value is None or value in ("", [], ()) else str(value)
