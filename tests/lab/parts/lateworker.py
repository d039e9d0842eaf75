"""A worker whose agents take their time to join: what a cold start looks like from the server.

`python -m tests.lab.parts.lateworker SECONDS` is the child process: tests/worker.py with a pause.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lkctl.localserver.process import LocalServer
from lkctl.tokens.signer import sign
from tests import worker
from tests.guests import start
from tests.workers import Worker


@contextmanager
def late_worker(server: LocalServer, agent_name: str, seconds: float) -> Iterator[Worker]:
    """Have a worker of this name for the time of the `with`, whose agents join this late."""
    claims = {"iss": server.key, "exp": int(time.time()) + 600, "video": {"agent": True}}
    token = sign(claims, server.secret.reveal())
    one = Worker(start("-m", "tests.lab.parts.lateworker", str(seconds)))
    try:
        one.do("register", url=server.url, token=token, agent_name=agent_name, answer="take")
        yield one
    finally:
        one.end()


class LateWorker(worker.Worker):
    """Takes each job at once, and joins after a pause."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: set[asyncio.Task[None]] = set()

    async def work(self, assignment: Any) -> None:
        """Join, but not now; the next offer is not kept waiting."""
        pause = asyncio.create_task(self.join_late(assignment))
        self.pauses.add(pause)
        pause.add_done_callback(self.pauses.discard)

    async def join_late(self, assignment: Any) -> None:
        await asyncio.sleep(float(sys.argv[1]))
        await super().work(assignment)


if __name__ == "__main__":
    worker.Worker = LateWorker  # type: ignore[misc]
    asyncio.run(worker.serve())
