import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lkctl.errors import LkctlError
from lkctl.localserver.process import LocalServer
from lkctl.localserver.watch import until_abandoned


@pytest.mark.live
def test_a_parent_that_is_gone(start_livekit_server: Callable[..., LocalServer]) -> None:
    with subprocess.Popen(["/bin/sh", "-c", "true"]) as parent:
        parent.wait(5)
    until_abandoned(start_livekit_server(), parent.pid, every=0.01)


@pytest.mark.live
@pytest.mark.parametrize("parent", [1, os.getppid()], ids=["no parent", "a parent that lives"])
def test_a_server_that_ends_by_itself(parent: int, start_livekit_server: Callable[..., LocalServer]) -> None:
    server = start_livekit_server()
    assert server.pid is not None
    os.kill(server.pid, 9)
    with pytest.raises(LkctlError, match="ended by itself") as caught:
        until_abandoned(server, parent, every=0.01)
    assert caught.value.code == "livekit-server-failed"


@pytest.mark.live
def test_it_waits_while_all_live(livekit_server_program: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from lkctl.localserver.process import LocalServer;"
        "from lkctl.localserver.watch import until_abandoned\n"
        "with LocalServer(Path(sys.argv[1])) as server: until_abandoned(server, os.getppid(), every=0.01)"
    )
    words = [sys.executable, "-c", script, str(livekit_server_program)]
    with subprocess.Popen(words) as waiting:
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1.5)
        waiting.terminate()
