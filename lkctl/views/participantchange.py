"""How a changed participant looks: what was, what is, and what was not applied."""

import json
from collections.abc import Iterator
from typing import Any

from lkctl.output.columns import fit
from lkctl.output.view import Column, Listing, Record
from lkctl.scenarios.participantchange import ParticipantChange

_WIDEST_VALUE = 2000
_SOURCES = "permission.can_publish_sources"


def change_view(change: ParticipantChange, *, dry_run: bool) -> Record:
    """Show what became of a participant, or would."""
    one = change.after
    document = {
        "participant": one,
        "changed": list(change.changed),
        "not_applied": list(change.not_applied),
        "dry_run": dry_run,
        "request": change.request,
    }
    fate = _fate(change, dry_run=dry_run)
    paths = [*change.changed, *(path for path in change.not_applied if path not in change.changed)]
    columns: tuple[Column[str], ...] = (
        Column("FIELD", lambda path: path),
        Column("BEFORE", lambda path: _shown(change.was(path))),
        Column("AFTER", lambda path: _shown(change.wanted[path] if dry_run else change.now(path))),
    )
    return Record(
        document,
        (("identity", one.identity), ("sid", one.sid), ("room", change.room), ("result", fate)),
        one.identity,
        f"Participant {one.identity} in room {change.room}: {fate}",
        (("Changes", Listing(paths, columns, str, "", prose=True)),) if paths else (),
        tuple(_remarks(change, dry_run=dry_run)),
    )


def _fate(change: ParticipantChange, *, dry_run: bool) -> str:
    if change.not_applied:
        return "not changed as asked"
    if not change.changed:
        return "set again: somebody else had changed it meanwhile" if change.request else "it was so already"
    return "would be changed" if dry_run else "changed"


def _remarks(change: ParticipantChange, *, dry_run: bool) -> Iterator[str]:
    for path in change.not_applied:
        asked, found = _shown(change.wanted[path]), _shown(change.now(path))
        yield f"! {path} was not applied: asked for {asked}, it is {found}"
    if change.left:
        yield "! it was changed, and has left the room since"
    may_publish = change.wanted.get("permission.can_publish", change.after.permission.can_publish)
    if change.wanted.get(_SOURCES) and not may_publish:
        yield "! it may publish nothing, whatever the sources: add --can-publish"
    if change.wanted.get("permission.hidden") and "permission.hidden" in change.changed:
        yield "! those who saw it already go on seeing it; who joins later does not"
    if change.changed and not dry_run:
        yield "It lasts until the participant leaves: who joins again has what the token says"


def _shown(value: Any) -> str:
    """Write a value for people; None is what is not there."""
    if value is None or value in ("", ()):
        return "(all)" if value == () else "(none)"
    return fit(value if isinstance(value, str) else json.dumps(value), _WIDEST_VALUE)
