"""How long a local server runs in the foreground."""

import os

from lkctl.localserver.process import LocalServer

_NOBODY = 1


def until_abandoned(server: LocalServer, parent: int, *, every: float = 0.5) -> None:
    """Return when our parent process ends; raise `livekit-server-failed` when the server ends by itself.

    `parent` is the process number of our parent when we began. Without one (1: it is gone already) nobody is watched.
    """
    while not server.wait(every):
        if parent != _NOBODY and os.getppid() != parent:
            return
    raise server.failure("ended by itself")
