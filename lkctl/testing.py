"""The pytest plugin: a real livekit-server for tests.

It comes with lkctl, so a test only has to ask for it:

    def test_rooms(livekit_server):
        api = LiveKitAPI(livekit_server.url, livekit_server.key, livekit_server.secret.reveal())
        ...

    def test_without_auto_create(start_livekit_server):
        server = start_livekit_server(settings={"room": {"auto_create": False}})
        ...

The program is found as `lkctl server status` says, and built where Go is there. Where there is neither, such tests are
skipped, but fail where the environment variable CI is set: there nobody would see that they never run.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lkctl.localserver.go import Go
    from lkctl.localserver.process import LocalServer


@pytest.fixture(scope="session")
def livekit_server_program(request: pytest.FixtureRequest) -> Path:
    """Give the path of a livekit-server program; build it where it is missing."""
    from lkctl.localserver.go import find_go
    from lkctl.localserver.program import find
    from lkctl.localserver.supply import missing, obtain

    if find(os.environ) is None and find_go(os.environ) is None and not os.environ.get("CI"):
        lacking = missing(os.environ, None)
        pytest.skip(f"{lacking.message}\n{lacking.hint}")

    @contextmanager
    def announce(go: "Go") -> Iterator[None]:
        line = f"\nbuilding livekit-server with {go.path}; this takes a few minutes, once"
        request.config.get_terminal_writer().line(line)
        yield

    return obtain(os.environ, announce).path


@pytest.fixture(scope="session")
def livekit_server(livekit_server_program: Path) -> "Iterator[LocalServer]":
    """Run one server for all tests: `.url`, `.key`, `.secret`, and `.environ` for child processes."""
    from lkctl.localserver.process import LocalServer

    with LocalServer(livekit_server_program) as server:
        yield server


@pytest.fixture
def start_livekit_server(livekit_server_program: Path) -> "Iterator[Callable[..., LocalServer]]":
    """Give a function that starts a server of the test's own, with LocalServer's arguments; all end with the test."""
    from lkctl.localserver.process import LocalServer

    with ExitStack() as running:

        def start(**arguments: Any) -> "LocalServer":
            return running.enter_context(LocalServer(livekit_server_program, **arguments))

        yield start
