"""How rooms look to people."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from lkctl.duration import say_duration
from lkctl.errors import LkctlError
from lkctl.models import Room
from lkctl.output.jsontext import rfc3339
from lkctl.output.view import Column, Listing

if TYPE_CHECKING:
    from lkctl.scenarios.roomlist import Listed

_UNKNOWN = "?"
_PLAIN = ("name", "sid", "participants", "created", "metadata")
_COUNTED = ("name", "sid", "participants", "agents", "created", "metadata")


def _participants(listed: "Listed") -> str:
    count = (
        _UNKNOWN if listed.failed else listed.present.participants if listed.present else listed.room.num_participants
    )
    return f"{count}/{listed.room.max_participants or '∞'}"


ROOM_CELLS: "dict[str, Callable[[Listed, float], str]]" = {
    "name": lambda listed, _: listed.room.name,
    "sid": lambda listed, _: listed.room.sid,
    "participants": lambda listed, _: _participants(listed),
    "agents": lambda listed, _: _UNKNOWN if listed.present is None else str(listed.present.agents),
    "publishers": lambda listed, _: str(listed.room.num_publishers),
    "created": lambda listed, _: rfc3339(listed.room.created_at) or "",
    "age": lambda listed, now: _age(listed.room, now),
    "empty-timeout": lambda listed, _: f"{listed.room.empty_timeout} s",
    "departure-timeout": lambda listed, _: f"{listed.room.departure_timeout} s",
    "recording": lambda listed, _: "yes" if listed.room.active_recording else "no",
    "metadata": lambda listed, _: listed.room.metadata,
}


def read_columns(text: str | None) -> tuple[str, ...]:
    """Read `--columns`; () leaves it to the list. Raise `usage` for a column that there is not."""
    names = tuple(name.strip().lower() for name in text.split(",")) if text is not None else ()
    for name in names:
        if name not in ROOM_CELLS:
            hint = f"Choose from: {', '.join(ROOM_CELLS)}"
            raise LkctlError("usage", f"--columns names {name!r}, which is no column", hint=hint)
    return names


def rooms_view(columns: Sequence[str], now: float, *, asked: bool) -> "Listing[Listed]":
    """Show rooms; `asked`: each was asked who is in it. The items are still to come. `now` in seconds since 1970."""
    return Listing(
        (),
        tuple(_column(name, now) for name in columns or (_COUNTED if asked else _PLAIN)),
        lambda listed: listed.room.name,
        "There are no such rooms" if asked else "There are no rooms",
        _counted_json if asked else lambda listed: listed.room,
    )


def room_fields(room: Room) -> tuple[tuple[str, str], ...]:
    """Give what a sheet about a room says of the room itself."""
    return (
        ("name", room.name),
        ("sid", room.sid),
        ("created", rfc3339(room.created_at) or ""),
        ("metadata", room.metadata or "(none)"),
        ("empty timeout", f"{room.empty_timeout} s"),
        ("departure timeout", f"{room.departure_timeout} s"),
        ("max participants", str(room.max_participants or "no limit")),
    )


def _column(name: str, now: float) -> "Column[Listed]":
    cell = ROOM_CELLS[name]
    return Column(name.replace("-", " ").upper(), lambda listed: cell(listed, now))


def _counted_json(listed: "Listed") -> dict[str, Any]:
    plain = {field.name: getattr(listed.room, field.name) for field in fields(listed.room)}
    present = listed.present
    return {
        **plain,
        "participants": None if present is None else present.participants,
        "agents": None if present is None else present.agents,
        "services": None if present is None else present.services,
    }


def _age(room: Room, now: float) -> str:
    return "" if room.created_at is None else say_duration(now - room.created_at.timestamp())
