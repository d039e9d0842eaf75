"""How participants look to people."""

from lkctl.models import Participant
from lkctl.output.jsontext import rfc3339
from lkctl.output.view import Column, Listing

PARTICIPANT_COLUMNS: tuple[Column[Participant], ...] = (
    Column("IDENTITY", lambda one: one.identity),
    Column("KIND", lambda one: one.kind + (" (hidden)" if one.permission.hidden else "")),
    Column("STATE", lambda one: one.state),
    Column("JOINED", lambda one: rfc3339(one.joined_at) or ""),
    Column("TRACKS", lambda one: str(len(one.tracks))),
    Column("METADATA", lambda one: one.metadata),
)


def participants_view(participants: list[Participant]) -> Listing[Participant]:
    """Show participants."""
    return Listing(participants, PARTICIPANT_COLUMNS, lambda one: one.identity, "Nobody is in the room")
