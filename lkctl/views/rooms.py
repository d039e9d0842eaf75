"""How rooms look to people."""

from lkctl.models import Room
from lkctl.output.jsontext import rfc3339
from lkctl.output.view import Column, Listing

ROOM_COLUMNS: tuple[Column[Room], ...] = (
    Column("NAME", lambda room: room.name),
    Column("SID", lambda room: room.sid),
    Column("PARTICIPANTS", lambda room: f"{room.num_participants}/{room.max_participants or '∞'}"),
    Column("CREATED", lambda room: rfc3339(room.created_at) or ""),
    Column("METADATA", lambda room: room.metadata),
)


def rooms_view(rooms: list[Room]) -> Listing[Room]:
    """Show rooms."""
    return Listing(rooms, ROOM_COLUMNS, lambda room: room.name, "There are no rooms")


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
