"""How tracks look to people."""

from lkctl.models import Track
from lkctl.output.view import Column

TRACK_COLUMNS: tuple[Column[tuple[str, Track]], ...] = (
    Column("SID", lambda row: row[1].sid),
    Column("PARTICIPANT", lambda row: row[0]),
    Column("SOURCE", lambda row: row[1].source),
    Column("TYPE", lambda row: row[1].type),
    Column("MUTED", lambda row: "yes" if row[1].muted else "no"),
)
