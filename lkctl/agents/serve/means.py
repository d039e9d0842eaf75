"""What all sessions of a service work with: the plan, the rooms, threads for what blocks, and whom to tell."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from lkctl.agents.launch.program import Program
from lkctl.agents.serve.events import Events
from lkctl.agents.serve.plan import Plan
from lkctl.agents.serve.rooms import Rooms
from lkctl.server.api import Api
from lkctl.settings.layers import Target

P = ParamSpec("P")
T = TypeVar("T")
_THREADS = 32  # each waits for a process or for the server, and none for long
_FEWEST_STARTS = 2


class Means:
    """Made inside the loop. `program` starts an agent, if there is to be one.

    `starts` bounds how many agents start at the same time: each takes a processor for 2 s.
    """

    def __init__(self, plan: Plan, api: Api, events: Events, program: Program | None) -> None:
        self.plan = plan
        self.events = events
        self.program = program
        self.rooms = Rooms(api, idle=plan.idle, ttl=plan.ttl)
        self.target: Target = api.target
        self.starts = asyncio.Semaphore(max(_FEWEST_STARTS, os.cpu_count() or 0))
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="lkctl-serve")

    async def do(self, work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Do what blocks in a thread; it must end by itself in time."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(*arguments, **keywords))

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
