"""How a created room looks: what it is, and what was not applied."""

from lkctl.models import RoomRequest
from lkctl.output.jsontext import to_json
from lkctl.output.view import Record
from lkctl.scenarios.creation import Creation
from lkctl.scenarios.egress import masked
from lkctl.server.api import room_body
from lkctl.views.rooms import room_fields


def creation_view(creation: Creation) -> Record:
    """Show a created room, and what of the wishes was not applied."""
    room = creation.room
    document = {
        "room": room,
        "created": creation.created,
        "changed": list(creation.changed),
        "not_applied": list(creation.not_applied),
        "unconfirmed": list(creation.unconfirmed),
        "dry_run": False,
    }
    changed = f"{' and '.join(creation.changed)} changed" if creation.changed else "nothing was changed"
    fate = "created" if creation.created else f"existed already; {changed}"
    remarks = (
        *(f"! {name} was not applied: {_difference(creation, name)}" for name in creation.not_applied),
        *(f"! {name} cannot be confirmed: the API does not show it" for name in creation.unconfirmed),
    )
    fields = (
        *room_fields(room),
        ("result", fate),
        ("not applied", ", ".join(creation.not_applied) or "nothing"),
        *((("unconfirmed", ", ".join(creation.unconfirmed)),) if creation.unconfirmed else ()),
    )
    return Record(document, fields, room.name, f"Room {room.name}: {fate}", remarks=remarks)


def planned_view(request: RoomRequest) -> Record:
    """Show what `room create --dry-run` would send, without the secrets of an egress; no server is asked."""
    body = masked(room_body(request))
    fields = tuple(
        (key, value if isinstance(value, str) else to_json(value, compact=True)) for key, value in body.items()
    )
    heading = f"Would ask for room {request.name}; whether it exists was not looked at"
    fields = (*fields, ("result", "not asked for: dry run"))
    return Record({"dry_run": True, "request": body}, fields, request.name, heading)


def _difference(creation: Creation, name: str) -> str:
    """Say what a room has instead of what was asked for, as far as the API shows it."""
    if name == "agents":
        asked = ", ".join(agent.agent_name for agent in creation.request.agents or ())
        return f"asked for {asked}, and not each has its dispatch in the room"
    if hasattr(creation.room, name):
        return f"asked for {getattr(creation.request, name)!r}, the room has {getattr(creation.room, name)!r}"
    if creation.created:
        return "the room was made, and the server has no recording of it: is an egress worker running?"
    return "the room existed already, and the server changes no such room"
