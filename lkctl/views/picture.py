"""How a room looks as a whole."""

from typing import Any

from lkctl.models import Track
from lkctl.output.jsontext import as_json
from lkctl.output.view import Listing, Record
from lkctl.scenarios.picture import RoomPicture
from lkctl.userid import resolution_json
from lkctl.views.dispatches import DISPATCH_COLUMNS
from lkctl.views.participants import participants_view
from lkctl.views.rooms import room_fields
from lkctl.views.tracks import TRACK_COLUMNS


def picture_view(picture: RoomPicture) -> Record:
    """Show a room whole: itself, who is in it, tracks, dispatches with verdicts, the user ID an agent would use."""
    room, resolution = picture.room, picture.resolution
    tracks = [(one.identity, track) for one in picture.participants for track in one.tracks]
    outcome = resolution.user_id or f"none ({resolution.source or 'unresolved'})"
    return Record(
        _picture_json(picture, tracks),
        (*room_fields(room), ("user ID", f"{outcome}, from {resolution.source}" if resolution.user_id else outcome)),
        room.name,
        f"Room {room.name}",
        (
            ("Participants", participants_view(list(picture.participants))),
            ("Tracks", Listing(tracks, TRACK_COLUMNS, lambda row: row[1].sid, "No tracks are published")),
            (
                "Dispatches",
                Listing(
                    picture.dispatches, DISPATCH_COLUMNS, lambda row: row[0].id, "No agent was dispatched", prose=True
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
