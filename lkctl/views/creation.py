"""How a created room looks: what it is, and what was not applied."""

from typing import Any

from lkctl.output.view import Record
from lkctl.scenarios.creation import Creation
from lkctl.views.rooms import room_fields


def creation_view(creation: Creation) -> Record:
    """Show a created room, and what of the wishes was not applied."""
    room = creation.room
    document = {"room": room, "created": creation.created, "not_applied": list(creation.not_applied)}
    fate = "created" if creation.created else "existed already; nothing was changed"
    remarks = tuple(
        f"! {name} was not applied: asked for {getattr(creation.request, name)!r}, the room has {getattr(room, name)!r}"
        for name in creation.not_applied
    )
    fields = (*room_fields(room), ("result", fate), ("not applied", ", ".join(creation.not_applied) or "nothing"))
    return Record(document, fields, room.name, f"Room {room.name}: {fate}", remarks=remarks)


def planned_view(name: str, request: dict[str, Any]) -> Record:
    """Show what `room create --dry-run` would send."""
    fields = tuple((key, str(value)) for key, value in request.items())
    return Record({"dry_run": True, "request": request}, fields, name, f"Would create room {name}")
