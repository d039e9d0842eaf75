"""How participants look to people: in a list, and in words."""

from lkctl.models import Participant, Permission
from lkctl.output.jsontext import rfc3339
from lkctl.output.view import Column, Listing


def _joined(one: Participant) -> str:
    """Give the second of joining; JSON has the milliseconds."""
    return "" if one.joined_at is None else rfc3339(one.joined_at.replace(microsecond=0)) or ""


_COLUMNS: tuple[Column[Participant], ...] = (
    Column("IDENTITY", lambda one: one.identity),
    Column("KIND", lambda one: one.kind + (" (hidden)" if one.permission.hidden else "")),
    Column("STATE", lambda one: one.state),
    Column("JOINED", _joined),
    Column("TRACKS", lambda one: str(len(one.tracks))),
    Column("ATTRS", lambda one: str(len(one.attributes))),
    Column("MAY", lambda one: permission_words(one.permission)),
    Column("METADATA", lambda one: one.metadata),
)
_WORDS = {
    "can_subscribe": "subscribe",
    "can_publish_data": "send data",
    "can_update_metadata": "change its own name, metadata and attributes",
    "can_subscribe_metrics": "receive metrics",
    "can_manage_agent_session": "manage the session of an agent",
}
_COUNTS = {"hidden": "hidden from the others", "recorder": "a recorder", "agent": "an agent"}


def participants_view(participants: list[Participant], *, filtered: bool = False) -> Listing[Participant]:
    """Show participants."""
    empty = "Nobody in the room is like that" if filtered else "Nobody is in the room"
    return Listing(participants, _COLUMNS, lambda one: one.identity, empty)


def permission_words(permission: Permission) -> str:
    """Say in short what a participant may do."""
    sources = "/".join(permission.can_publish_sources).lower()
    words = {
        f"pub:{sources}" if sources else "pub": permission.can_publish,
        "sub": permission.can_subscribe,
        "data": permission.can_publish_data,
        "metadata": permission.can_update_metadata,
        "metrics": permission.can_subscribe_metrics,
        "session": permission.can_manage_agent_session,
    }
    return " ".join(word for word, granted in words.items() if granted) or "nothing"


def say_may(permission: Permission) -> str:
    """Say all that a participant may do."""
    sources = [source.lower().replace("_", " ") for source in permission.can_publish_sources]
    publish = [f"publish {', '.join(sources)} only" if sources else "publish"] if permission.can_publish else []
    return ", ".join(publish + [words for field, words in _WORDS.items() if getattr(permission, field)]) or "nothing"


def say_may_not(permission: Permission) -> str:
    """Say all that a participant may not do."""
    publish = [] if permission.can_publish else ["publish"]
    denied = [words for field, words in _WORDS.items() if not getattr(permission, field)]
    return ", ".join(publish + denied) or "nothing is denied"


def say_counts(permission: Permission) -> str:
    """Say what a participant counts as, beside its kind."""
    return ", ".join(words for field, words in _COUNTS.items() if getattr(permission, field)) or "a participant"
