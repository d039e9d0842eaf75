"""How rooms, participants and dispatches look to people, and what their JSON holds."""

from typing import Any

from lkctl.dispatch import MEANINGS
from lkctl.models import Dispatch, Participant, Room, Track
from lkctl.output.jsontext import as_json, rfc3339
from lkctl.output.view import Column, Listing, Record
from lkctl.scenarios.rooms import Creation, RoomPicture
from lkctl.userid import resolution_json

ROOM_COLUMNS: tuple[Column[Room], ...] = (
    Column("NAME", lambda room: room.name),
    Column("SID", lambda room: room.sid),
    Column("PARTICIPANTS", lambda room: f"{room.num_participants}/{room.max_participants or '∞'}"),
    Column("CREATED", lambda room: rfc3339(room.created_at) or ""),
    Column("METADATA", lambda room: room.metadata),
)
PARTICIPANT_COLUMNS: tuple[Column[Participant], ...] = (
    Column("IDENTITY", lambda one: one.identity),
    Column("KIND", lambda one: one.kind + (" (hidden)" if one.permission.hidden else "")),
    Column("STATE", lambda one: one.state),
    Column("JOINED", lambda one: rfc3339(one.joined_at) or ""),
    Column("TRACKS", lambda one: str(len(one.tracks))),
    Column("METADATA", lambda one: one.metadata),
)
_TRACK_COLUMNS: tuple[Column[tuple[str, Track]], ...] = (
    Column("SID", lambda row: row[1].sid),
    Column("PARTICIPANT", lambda row: row[0]),
    Column("SOURCE", lambda row: row[1].source),
    Column("TYPE", lambda row: row[1].type),
    Column("MUTED", lambda row: "yes" if row[1].muted else "no"),
)
_DISPATCH_COLUMNS: tuple[Column[tuple[Dispatch, str]], ...] = (
    Column("ID", lambda row: row[0].id),
    Column("AGENT NAME", lambda row: row[0].agent_name or "(any agent)"),
    Column("VERDICT", lambda row: row[1]),
    Column("METADATA", lambda row: row[0].metadata),
    Column("MEANING", lambda row: MEANINGS[row[1]]),
)


def rooms_view(rooms: list[Room]) -> Listing[Room]:
    """Show rooms."""
    return Listing(rooms, ROOM_COLUMNS, lambda room: room.name, "There are no rooms")


def participants_view(participants: list[Participant]) -> Listing[Participant]:
    """Show participants."""
    return Listing(participants, PARTICIPANT_COLUMNS, lambda one: one.identity, "Nobody is in the room")


def creation_view(creation: Creation) -> Record:
    """Show a created room, and what of the wishes was not applied."""
    room = creation.room
    document = {"room": room, "created": creation.created, "not_applied": list(creation.not_applied)}
    fate = "created" if creation.created else "existed already; nothing was changed"
    remarks = tuple(
        f"! {name} was not applied: asked for {getattr(creation.request, name)!r}, the room has {getattr(room, name)!r}"
        for name in creation.not_applied
    )
    fields = (*_room_fields(room), ("result", fate), ("not applied", ", ".join(creation.not_applied) or "nothing"))
    return Record(document, fields, room.name, f"Room {room.name}: {fate}", remarks=remarks)


def planned_view(name: str, request: dict[str, Any]) -> Record:
    """Show what `room create --dry-run` would send."""
    fields = tuple((key, str(value)) for key, value in request.items())
    return Record({"dry_run": True, "request": request}, fields, name, f"Would create room {name}")


def deleted_view(room: Room, *, dry_run: bool) -> Record:
    """Show the room that was, or would be, deleted."""
    fate = "would be deleted" if dry_run else "deleted"
    document = {"room": room, "deleted": not dry_run, "dry_run": dry_run}
    return Record(document, (("name", room.name), ("sid", room.sid), ("result", fate)), room.name)


def picture_view(picture: RoomPicture) -> Record:
    """Show a room whole: itself, who is in it, tracks, dispatches with verdicts, the user ID an agent would use."""
    room, resolution = picture.room, picture.resolution
    tracks = [(one.identity, track) for one in picture.participants for track in one.tracks]
    outcome = resolution.user_id or f"none ({resolution.source or 'unresolved'})"
    return Record(
        _picture_json(picture, tracks),
        (*_room_fields(room), ("user ID", f"{outcome}, from {resolution.source}" if resolution.user_id else outcome)),
        room.name,
        f"Room {room.name}",
        (
            ("Participants", participants_view(list(picture.participants))),
            ("Tracks", Listing(tracks, _TRACK_COLUMNS, lambda row: row[1].sid, "No tracks are published")),
            (
                "Dispatches",
                Listing(
                    picture.dispatches, _DISPATCH_COLUMNS, lambda row: row[0].id, "No agent was dispatched", prose=True
                ),
            ),
        ),
        tuple(f"! {notice.code}: {notice.message}" for notice in resolution.warnings),
    )


def _picture_json(picture: RoomPicture, tracks: list[tuple[str, Track]]) -> dict[str, Any]:
    return {
        "room": picture.room,
        "participants": picture.participants,
        "tracks": [{"participant": identity, **as_json(track)} for identity, track in tracks],
        "dispatches": [{**as_json(dispatch), "verdict": word} for dispatch, word in picture.dispatches],
        "resolution": resolution_json(picture.resolution, "api", picture.room.name),
    }


def _room_fields(room: Room) -> tuple[tuple[str, str], ...]:
    return (
        ("name", room.name),
        ("sid", room.sid),
        ("created", rfc3339(room.created_at) or ""),
        ("metadata", room.metadata or "(none)"),
        ("empty timeout", f"{room.empty_timeout} s"),
        ("departure timeout", f"{room.departure_timeout} s"),
        ("max participants", str(room.max_participants or "no limit")),
    )
