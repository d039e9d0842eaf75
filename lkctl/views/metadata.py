"""How a change of metadata looks."""

from lkctl.output.view import Record
from lkctl.scenarios.metadata import MetadataChange
from lkctl.scenarios.writes import SETTLE


def change_view(change: MetadataChange, *, dry_run: bool) -> Record:
    """Show a room after its metadata was changed, or would be."""
    room, slow = change.room, (change.window_ms or 0) > SETTLE * 1000
    fate = _fate(change, dry_run=dry_run)
    document = {
        "room": room,
        "changed": list(change.changed),
        "not_applied": list(change.not_applied),
        "dry_run": dry_run,
        "metadata": change.after,
        "previous_metadata": change.before,
        "writes": change.writes,
        "window_ms": change.window_ms,
    }
    fields = (
        ("name", room.name),
        ("sid", room.sid),
        ("result", fate),
        ("metadata", (change.after if dry_run else room.metadata) or "(none)"),
        ("before", change.before or "(none)"),
    )
    missed = tuple(f"! {name} was not applied: the server left it as it was" for name in change.not_applied)
    told = f"! {change.window_ms} ms passed from look to write; what others wrote in that time may be overwritten"
    remarks = (*missed, *((told,) if slow else ()))
    return Record(document, fields, room.name, f"Room {room.name}: metadata {fate}", remarks=remarks)


def _fate(change: MetadataChange, *, dry_run: bool) -> str:
    if change.not_applied:
        return "not changed as asked"
    if change.writes:
        return "changed" if change.changed else "set again: somebody else had changed it meanwhile"
    return "would be changed" if dry_run and change.before != change.after else "unchanged: it was so already"
