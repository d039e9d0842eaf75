"""Real workers for tests: each a child process that registers for jobs as livekit-agents does.

with worker(server, "helper") as helper:
    ...dispatch helper...
    job = helper.await_event("joined")["job"]
    helper.do("leave", job=job)  # the agent leaves, the worker stays; helper.kill() is a crash of both
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lkctl.localserver.process import LocalServer
from lkctl.tokens.signer import sign
from tests.guests import Guest, start


class Worker(Guest):
    """A worker; `events` holds {"event": EVENT, "job": ID, …}.

    EVENT is `offer` (with room, agent_name, metadata), `joined` (with room, identity) or `ended` (by the server).
    """


@contextmanager
def worker(server: LocalServer, agent_name: str, answer: str = "take") -> Iterator[Worker]:
    """Have a worker of this name, or "" for none, for the time of the `with`.

    `answer` to offers: `take`; `stay-away` takes the job and never joins; `needs-metadata` does so where the job has
    none; `slow` joins after 0.5 s; `leave`, `die` join first; `refuse`; `end` refuses for good; `ignore` is silent.
    """
    claims = {"iss": server.key, "exp": int(time.time()) + 600, "video": {"agent": True}}
    token = sign(claims, server.secret.reveal())
    one = Worker(start("-m", "tests.worker"))
    try:
        one.do("register", url=server.url, token=token, agent_name=agent_name, answer=answer)
        yield one
    finally:
        one.end()
