"""Agents: the one that lkctl plays, the real ones that it runs and observes, and the service that spawns them.

`find_user_id` is for agents of yours: the same resolver that `lkctl agent resolve` predicts with; `Patience` says how
long it waits. Both are loaded when they are first used, and import no SDK.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.agents.session import find_user_id
    from lkctl.userid.readiness import Patience

__all__ = ["Patience", "find_user_id"]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lkctl.agents import session

    return getattr(session, name)
