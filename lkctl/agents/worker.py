"""The bundled agent: a real worker of livekit-agents that finds the user ID of each room, tells it, and stays.

Started by `lkctl agent launch` as `python -m lkctl.agents.worker`, maybe by an interpreter that has livekit-agents and
nothing else of lkctl's, so it imports only the resolver. From its environment: LIVEKIT_URL, LIVEKIT_API_KEY,
LIVEKIT_API_SECRET; LIVEKIT_AGENT_NAME_OVERRIDE, its name; CHROME_USER_ID; LKCTL_POLICY and LKCTL_PATIENCE, the keyword
arguments of `build_policy` and `Patience` as JSON. On stdout, in UTF-8: livekit-agents' log as JSON lines, and for each
job the resolution's log line, then `LKCTL_RESULT {resolution_json}`, with `expired`: whether it waited for its user in
vain. In the room: the agent's attributes
`lkctl.user_id` and `lkctl.user_id.source`.
"""

import asyncio
import json
import logging
import math
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar

from lkctl.agents.session import attend as attend_user
from lkctl.userid.documents import resolution_json
from lkctl.userid.policy import Policy, build_policy
from lkctl.userid.readiness import Patience
from lkctl.userid.resolver import Resolution

RESULT: Final = "LKCTL_RESULT"
USER_ID: Final = "lkctl.user_id"
SOURCE: Final = "lkctl.user_id.source"

_T = TypeVar("_T")
_logger = logging.getLogger("lkctl.worker")


def main() -> None:
    """Run the worker until SIGTERM; exit 2 if its orders cannot be read, before anything is contacted."""
    try:
        policy, patience = _order("LKCTL_POLICY", build_policy), _order("LKCTL_PATIENCE", Patience)
    except (TypeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    warnings.filterwarnings("ignore", "the built-in Python CLI", DeprecationWarning)  # in 1.x it stays
    _serve(policy, patience)


def _order(name: str, make: Callable[..., _T]) -> _T:
    """Make something from the keyword arguments in an environment variable."""
    try:
        return make(**json.loads(os.environ.get(name) or "{}"))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} is not understood: {error}") from None


def _serve(policy: Policy, patience: Patience) -> None:
    os.environ.setdefault("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")  # models for speech: 250 MB, and unused here
    from livekit import rtc
    from livekit.agents import AgentServer, JobContext, JobExecutorType, cli

    server = AgentServer(
        job_executor_type=JobExecutorType.THREAD,  # no second process, and no second import of 2 s
        num_idle_processes=0,
        load_fnc=lambda: 0.0,
        load_threshold=math.inf,  # with less, a worker that starts one job calls itself full and refuses the next
        drain_timeout=1,  # 0 would be no limit
        max_retry=2,  # with 0 the log lacks the reason
        host="127.0.0.1",
        port=0,
    )

    @server.rtc_session()
    async def attend(ctx: JobContext) -> None:
        """Connect and return: the end of a job waits 15 s for an entrypoint that still runs."""
        await ctx.connect()
        task = asyncio.create_task(_tell_user_id(ctx, policy, patience))

        async def give_up() -> None:
            task.cancel()

        ctx.add_shutdown_callback(give_up)

    # Two jobs that load the SDK's library at once, each in its thread, miss each other's events (livekit 1.1.21: one of
    # them never connects, and 10 s later the process ends itself); so it is loaded by the first use of it, here
    rtc.AudioResampler(48_000, 24_000)
    sys.argv[1:] = ["start"]
    cli.run_app(server)


async def _tell_user_id(ctx: Any, policy: Policy, patience: Patience) -> None:
    try:
        resolution, expired = await attend_user(ctx, policy, patience, os.environ)
        if ctx.room.isconnected():  # if not, the wait was cut short
            _print(ctx.room.name, resolution, expired=expired)
            await _publish(ctx, resolution)
    except Exception:
        # The words of livekit-agents, so that whoever reads the log knows it for what it is
        _logger.exception("unhandled exception while running the job task")
        ctx.shutdown("the user ID could not be found")


def _print(room: str, resolution: Resolution, *, expired: bool) -> None:
    """Write the lines at once: others write to stdout from threads of their own."""
    result = json.dumps({**resolution_json(resolution, "rtc", room), "expired": expired})
    sys.stdout.write("".join(f"{line}\n" for line in (*resolution.log, f"{RESULT} {result}")))
    sys.stdout.flush()


async def _publish(ctx: Any, resolution: Resolution) -> None:
    if resolution.user_id is not None and resolution.source is not None:
        await ctx.room.local_participant.set_attributes({USER_ID: resolution.user_id, SOURCE: resolution.source})


if __name__ == "__main__":
    main()
