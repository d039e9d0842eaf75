"""Webhooks: whether a delivery of LiveKit's is genuine, and what it tells. Pure, like lkctl.tokens.

    import time
    from lkctl.tokens import Pair
    from lkctl.webhooks import judge_delivery

    pair = Pair("mine", "APIabcdefghijkl", "a-secret-of-at-least-32-characters")

    def receive(body: bytes, authorization: str | None) -> str:
        delivery = judge_delivery(body, authorization, pair, now=time.time())
        if not delivery.ok:
            return "refused: " + "; ".join(check.message for check in delivery.failed)
        return delivery.event.meaning

`body` is byte for byte what was sent; `authorization` that header, None where it is missing. Nothing is raised.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.webhooks.delivery import Delivery, judge_delivery
    from lkctl.webhooks.event import WebhookEvent
    from lkctl.webhooks.signature import Check

__all__ = ["Check", "Delivery", "WebhookEvent", "judge_delivery"]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lkctl.webhooks import delivery

    return getattr(delivery, name)
