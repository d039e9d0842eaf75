"""How dispatches look to people."""

from collections.abc import Sequence
from typing import Any

from lkctl.dispatch import Judged, meaning
from lkctl.models import AgentRequest
from lkctl.output.jsontext import as_json, rfc3339
from lkctl.output.view import Column, Listing, Record
from lkctl.scenarios.dispatches import Sending

_ID: Column[Judged] = Column("ID", lambda row: row.dispatch.id)
_AGENT_NAME: Column[Judged] = Column("AGENT NAME", lambda row: row.dispatch.agent_name or f"({row.whom})")
_VERDICT: Column[Judged] = Column("VERDICT", lambda row: row.verdict)

DISPATCH_COLUMNS: tuple[Column[Judged], ...] = (
    _ID,
    _AGENT_NAME,
    _VERDICT,
    Column("METADATA", lambda row: row.dispatch.metadata),
    Column("MEANING", meaning),
)


def dispatches_view(judged: Sequence[Judged]) -> Listing[Judged]:
    """Show dispatches with their verdicts."""
    return Listing(judged, DISPATCH_COLUMNS, _id, "No agent was dispatched to the room", dispatch_json, prose=True)


def dispatch_json(judged: Judged) -> dict[str, Any]:
    """Give a dispatch as JSON shows it."""
    return {**as_json(judged.dispatch), "verdict": judged.verdict, "automatic": judged.automatic}


def sending_view(sending: Sending, request: AgentRequest) -> Record:
    """Show an agent that was sent, and what of the request was not applied."""
    dispatch, verdict = sending.judged.dispatch, sending.judged.verdict
    document = {
        "room": sending.room,
        "room_created": sending.room_created,
        "dispatch": dispatch_json(sending.judged),
        "agent": sending.agent or None,
        "not_applied": list(sending.not_applied),
        "dry_run": False,
    }
    fields = (
        ("id", dispatch.id),
        ("room", f"{sending.room} (created)" if sending.room_created else sending.room),
        ("agent name", dispatch.agent_name or "(any agent)"),
        ("metadata", dispatch.metadata or "(none)"),
        ("created", rfc3339(dispatch.created_at) or ""),
        ("verdict", f"{verdict}: {meaning(sending.judged)}"),
        ("agent", sending.agent or "(not seen yet)"),
        ("not applied", ", ".join(sending.not_applied) or "nothing"),
    )
    remarks = tuple(
        f"! {name} was not applied: asked for {getattr(request, name)!r}, the dispatch has {getattr(dispatch, name)!r}"
        for name in sending.not_applied
    )
    return Record(document, fields, dispatch.id, f"Dispatch {dispatch.id}", remarks=remarks)


def planned_view(room: str, request: AgentRequest, *, creates_room: bool) -> Record:
    """Show what `dispatch create --dry-run` would send."""
    body = {"room": room, "agent_name": request.agent_name, "metadata": request.metadata}
    fields = (
        ("room", f"{room} (would be created)" if creates_room else room),
        ("agent name", request.agent_name or "(any agent)"),
        ("metadata", request.metadata or "(none)"),
    )
    document = {"dry_run": True, "room_created": creates_room, "request": body}
    return Record(document, fields, room, f"Would send an agent to room {room}")


def _id(row: Judged) -> str:
    return row.dispatch.id
