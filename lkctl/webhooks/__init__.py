"""Webhooks: whether a delivery of LiveKit's is genuine, and what it tells. Pure, like lkctl.tokens.

from lkctl.webhooks import judge_delivery

delivery = judge_delivery(body, request.headers.get("Authorization"), pair, now=time.time())
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.webhooks.delivery import Delivery, judge_delivery

__all__ = ["Delivery", "judge_delivery"]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lkctl.webhooks import delivery

    return getattr(delivery, name)
