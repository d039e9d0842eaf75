"""The user ID of an agent's session: the resolver that `lkctl agent resolve` predicts with, and its patience.

After `await ctx.connect()`: `resolution = await find_user_id(ctx)`, then print the lines of `resolution.log`.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from lkctl.userid.adapters import snapshot_from_job, snapshot_from_rtc
from lkctl.userid.policy import Policy
from lkctl.userid.readiness import STANDARD_PATIENCE, Attention, Patience
from lkctl.userid.resolver import Resolution
from lkctl.userid.snapshot import Job, Room, Snapshot

_GLANCE: Final = 0.05  # seconds between two looks at what the SDK holds; they cost nothing and miss nothing
_STANDARD: Final = Policy()
_AT_ONCE: Final = Patience(fixed=0.0)


async def find_user_id(
    context: Any,
    *,
    policy: Policy = _STANDARD,
    patience: Patience = STANDARD_PATIENCE,
    env: Mapping[str, str] | None = None,
) -> Resolution:
    """Wait until the user is there, then find his ID, once; the result is final.

    `context` is a `livekit.agents.JobContext` that is connected, or a connected `livekit.rtc.Room`; `env` None is
    `os.environ`. Nothing is printed: the lines to print are `log` of the result. The wait (see `Patience`) also ends
    with the connection. In an agent's console, where there is no room, the environment decides at once.

    Raises RuntimeError where the agent is not connected yet: the SDK shows an empty room without metadata then.
    """
    return (await attend(context, policy, patience, os.environ if env is None else env))[0]


async def attend(context: Any, policy: Policy, patience: Patience, env: Mapping[str, str]) -> tuple[Resolution, bool]:
    """Do as `find_user_id` does; give also whether the decision was made because no user came in time."""
    room = context.room if hasattr(context, "job") else context
    if not room.isconnected():
        raise RuntimeError(
            "find_user_id was called before the agent is connected: until then the room looks empty and its metadata "
            'reads "". Write `await ctx.connect()` above it'
        )
    attention = Attention(policy, _AT_ONCE if _in_console(context) else patience, time.monotonic())
    now_ms = time.time_ns() // 1_000_000
    base = Snapshot(env=dict(env), now_ms=now_ms, rng=secrets.randbelow)
    seen = _look(context, base)
    resolution = attention.see(seen, time.monotonic())
    while (left := attention.ponder(time.monotonic())) > 0 and room.isconnected():
        await asyncio.sleep(min(_GLANCE, left))
        if room.isconnected() and (look := _look(context, base)) != seen:
            seen, resolution = look, attention.see(look, time.monotonic())
    return attention.decision or resolution, attention.expired


def _look(context: Any, base: Snapshot) -> Snapshot:
    if _in_console(context):
        return replace(base, room=Room(context.room.name), job=Job(context.job.metadata))
    return snapshot_from_job(context, base) if hasattr(context, "job") else snapshot_from_rtc(context, base)


def _in_console(context: Any) -> bool:
    """Tell whether the room is a stand-in of livekit-agents' `console`, whose fields hold no text."""
    return hasattr(context, "is_fake_job") and bool(context.is_fake_job())
