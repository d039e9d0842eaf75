"""What tests with a real server share: its settings in the environment, and a room of their own."""

import secrets
from collections.abc import Iterator

import pytest

from lkctl.localserver.process import LocalServer
from tests.harness import SECRETS, invoke


@pytest.fixture
def server(livekit_server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> LocalServer:
    """The server, configured in the environment."""
    SECRETS.add(livekit_server.secret.reveal())
    for name, value in livekit_server.environ.items():
        monkeypatch.setenv(name, value)
    return livekit_server


@pytest.fixture
def room(server: LocalServer) -> Iterator[str]:
    """A name that nobody else has; the room is deleted afterwards, if there is one."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    invoke("room", "delete", name, "--yes")
