"""How long a prediction takes, and a launched agent, beside the SDK that each of them stands on.

python -m tests.bench.agents [rounds] [launches]     (default 15 and 5: two minutes on a quiet machine)

Whole processes on one server, spawned in turn A B … B A; medians, and medians of the ratios of each round. A user is
in the room, so that nothing waits for one. The peers do the least that the question takes, as their documentation has
it. The figures in parentheses are prototypes', measured before there was a command.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lkctl.localserver.process import LocalServer
from lkctl.server.rtc import joined
from lkctl.settings.shape import Pair
from lkctl.settings.url import parse_url
from lkctl.tokens.minting import TokenRequest, mint
from tests.bench.fleet import measure, report
from tests.bench.startup import SMALLEST

ROOM = "mcp-chrome-user-user_1704067200000_abc123"
PEER_ASKS = f"""
import asyncio
from livekit import api

async def main():
    async with api.LiveKitAPI() as client:
        rooms, people = await asyncio.gather(
            client.room.list_rooms(api.ListRoomsRequest(names=["{ROOM}"])),
            client.room.list_participants(api.ListParticipantsRequest(room="{ROOM}")),
        )
        print(rooms.rooms[0].metadata, [one.metadata for one in people.participants])

asyncio.run(main())
"""
PEER_JOINS = f"""
import asyncio, os
from livekit import api, rtc

async def main():
    grants = api.VideoGrants(room_join=True, room="{ROOM}", hidden=True)
    room = rtc.Room()
    await room.connect(os.environ["LIVEKIT_URL"], api.AccessToken().with_identity("eye").with_grants(grants).to_jwt())
    print(room.metadata, [one.metadata for one in room.remote_participants.values()])
    await room.disconnect()

asyncio.run(main())
os._exit(0)  # else the SDK's threads abort Python at its end, one time in ten
"""


def main(rounds: int, launches: int) -> None:
    """Measure and print."""
    python, lkctl = [sys.executable], [str(Path(sys.executable).parent / "lkctl"), "agent"]
    by_api = {
        "livekit.api, two calls": [*python, "asks.py"],
        "smallest Typer app": [*python, "smallest.py"],
        "lkctl agent resolve": [*lkctl, "resolve", ROOM],
    }
    by_join = {
        "livekit.rtc, join and leave": [*python, "joins.py"],
        "lkctl resolve --via rtc": [*lkctl, "resolve", ROOM, "--via", "rtc", "-q"],
        "lkctl agent simulate": [*lkctl, "simulate", ROOM, "-q"],
    }
    launched = {
        "import livekit.agents": [*python, "-c", "import livekit.agents"],
        "lkctl agent launch": [*lkctl, "launch", ROOM, "-q"],
    }
    with tempfile.TemporaryDirectory() as folder, LocalServer() as server, user(server):
        for name, text in (("smallest", SMALLEST), ("asks", PEER_ASKS), ("joins", PEER_JOINS)):
            (Path(folder) / f"{name}.py").write_text(text)
        environ = {**os.environ, "HOME": folder, **server.environ}
        report("predict", measure(by_api, folder, environ, rounds), "(0.54-0.78 s)")
        report("see what an agent sees", measure(by_join, folder, environ, rounds), "(0.9-1.1 s)")
        report("launch, to the last clean-up", measure(launched, folder, environ, launches), "(4.3-5.9 s)")


@contextmanager
def user(server: LocalServer) -> Iterator[None]:
    """Keep a user in the room."""
    request = TokenRequest(user_id="user_1704067200000_abc123", room=ROOM)
    pair = Pair("bench", server.key, server.secret.reveal())
    minted = mint(request, pair, now=time.time(), entropy=os.urandom, force=True)
    with joined(parse_url(server.url), minted.token, timeout=30):
        yield


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(given[0] if given else 15, given[1] if len(given) > 1 else 5)
