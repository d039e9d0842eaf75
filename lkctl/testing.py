"""The pytest plugin: a real livekit-server for tests.

It comes with lkctl, so a test only has to ask for it:

    from lkctl.testing import LocalServer

    def test_rooms(livekit_server: LocalServer) -> None:
        api = LiveKitAPI(livekit_server.http_url, livekit_server.key, livekit_server.secret.reveal())
        ...

    def test_without_auto_create(start_livekit_server: Callable[..., LocalServer]) -> None:
        server = start_livekit_server(settings={"room": {"auto_create": False}})
        ...

A server listens on loopback only, with ports and keys of its own. It has `url` (ws://), `http_url`, `port`, `key`,
`secret` (`reveal()` gives its text), `environ` (LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, for a child
process), `log()` (its last lines) and `stop()`.

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

__all__ = ["LocalServer", "livekit_server", "livekit_server_program", "start_livekit_server"]


def __getattr__(name: str) -> Any:
    """Load the class when a test names it (PEP 562): pytest loads this plugin in every project where lkctl is."""
    if name != "LocalServer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lkctl.localserver.process import LocalServer

    return LocalServer


@pytest.fixture(scope="session")
def livekit_server_program(request: pytest.FixtureRequest) -> Path:
    """Give the path of a livekit-server program; build it where it is missing, which takes minutes, once."""
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
    """Give a function that starts a server of the test's own; all end with the test.

    Its arguments are LocalServer's: `settings` as in livekit.yaml, `keys` (API key to secret), `port`,
    `ready_within` (seconds). It raises LkctlError `livekit-server-failed`, with the server's last lines, if it does
    not start.
    """
    from lkctl.localserver.process import LocalServer

    with ExitStack() as running:

        def start(**arguments: Any) -> "LocalServer":
            return running.enter_context(LocalServer(livekit_server_program, **arguments))

        yield start
