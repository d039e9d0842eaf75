"""How dispatches look to people."""

from lkctl.dispatch import MEANINGS
from lkctl.models import Dispatch
from lkctl.output.view import Column

DISPATCH_COLUMNS: tuple[Column[tuple[Dispatch, str]], ...] = (
    Column("ID", lambda row: row[0].id),
    Column("AGENT NAME", lambda row: row[0].agent_name or "(any agent)"),
    Column("VERDICT", lambda row: row[1]),
    Column("METADATA", lambda row: row[0].metadata),
    Column("MEANING", lambda row: MEANINGS[row[1]]),
)
