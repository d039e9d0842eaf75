"""How a deleted room looks."""

from lkctl.models import Room
from lkctl.output.view import Record


def deleted_view(room: Room, *, dry_run: bool) -> Record:
    """Show the room that was, or would be, deleted."""
    fate = "would be deleted" if dry_run else "deleted"
    document = {"room": room, "deleted": not dry_run, "dry_run": dry_run}
    return Record(document, (("name", room.name), ("sid", room.sid), ("result", fate)), room.name)
