"""Tests of your own, on a real livekit-server that ends with them. Run them: pytest"""

import asyncio
from collections.abc import Callable

import pytest
from livekit import api

from lkctl.testing import LocalServer
from lkctl.userid import resolve, snapshot_from_api

USER_ID = "user_1704067200000_abc123"


async def make_room(server: LocalServer) -> api.Room:
    """Stand for your own code, which is to be tested."""
    async with api.LiveKitAPI(server.http_url, server.key, server.secret.reveal()) as livekit:
        return await livekit.room.create_room(api.CreateRoomRequest(name="demo", metadata=f'{{"userId": "{USER_ID}"}}'))


def test_an_agent_will_find_the_user(livekit_server: LocalServer) -> None:
    """One server for all tests: where they must not meet, give rooms names of their own."""
    room = asyncio.run(make_room(livekit_server))
    assert resolve(snapshot_from_api(room, [])).user_id == USER_ID


def test_long_metadata_is_refused(start_livekit_server: Callable[..., LocalServer]) -> None:
    """A server of this test's own, with settings as in livekit.yaml."""
    server = start_livekit_server(settings={"limit": {"max_metadata_size": 20}})
    with pytest.raises(api.TwirpError, match="metadata"):
        asyncio.run(make_room(server))
