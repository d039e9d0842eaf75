"""How a room looks as a whole."""

from dataclasses import astuple, fields
from typing import Any

from lkctl.output.view import Listing, Record
from lkctl.scenarios.headcount import Headcount
from lkctl.scenarios.picture import RoomPicture
from lkctl.scenarios.tracks import Published
from lkctl.userid import Resolution, resolution_json
from lkctl.views.dispatches import dispatch_json, dispatches_view
from lkctl.views.participants import participants_view
from lkctl.views.rooms import room_fields
from lkctl.views.tracks import TRACK_COLUMNS, track_json

_LAG = "up to 5 s late; leaves agents and recorders out"
_ONE = {"people": "person", "agents": "agent", "hidden": "hidden", "services": "service"}


def picture_view(picture: RoomPicture) -> Record:
    """Show a room whole: itself, who is in it, tracks, dispatches with verdicts, the user ID an agent would use."""
    room = picture.room
    tracks = [Published(one.identity, track) for one in picture.participants for track in one.tracks]
    about = (
        *room_fields(room),
        ("participants", _counted(picture.counts)),
        ("server's count", f"{room.num_participants} ({_LAG})"),
        ("user ID", _outcome(picture.resolution)),
    )
    lists = (
        ("Participants", participants_view(list(picture.participants))),
        ("Tracks", Listing(tracks, TRACK_COLUMNS, lambda one: one.track.sid, "No tracks are published")),
        ("Dispatches", dispatches_view(picture.dispatches)),
    )
    remarks = tuple(f"! {notice.code}: {notice.message}" for notice in picture.resolution.warnings)
    return Record(_picture_json(picture, tracks), about, room.name, f"Room {room.name}", lists, remarks)


def _counted(counts: Headcount) -> str:
    """Say how many of each there are, people always."""
    names = [field.name for field in fields(Headcount)]
    return ", ".join(
        f"{count} {name if count != 1 else _ONE[name]}"
        for name, count in zip(names, astuple(counts), strict=True)
        if count or name == "people"
    )


def _outcome(resolution: Resolution) -> str:
    if resolution.user_id is None:
        return f"none ({resolution.source or 'unresolved'})"
    whose = f" of {resolution.participant}" if resolution.participant else ""
    doubt = "" if resolution.trusted else " (not trusted)"
    return f"{resolution.user_id}, from {resolution.source}{whose}{doubt}"


def _picture_json(picture: RoomPicture, tracks: list[Published]) -> dict[str, Any]:
    """Give the document; `agent resolve --snapshot` reads `room`, `participants` and `job` of it."""
    return {
        "room": picture.room,
        "participants": picture.participants,
        "tracks": [track_json(one) for one in tracks],
        "dispatches": [dispatch_json(judged) for judged in picture.dispatches],
        "resolution": resolution_json(picture.resolution, "api", picture.room.name),
        "counts": picture.counts,
        "job": {"metadata": picture.job},
    }
