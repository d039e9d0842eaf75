"""The child process that joins a room and stays: `python -m lkctl.server.guest`.

stdin: one line of JSON, {"url", "token"}; its end means: leave. stdout: {"joined": identity} or {"error": text}.
A process of its own, because the SDK writes to stderr by itself, the token among it, and keeps threads.
"""

import asyncio
import json
import sys
from typing import Any


async def _stay(url: str, token: str) -> None:
    from livekit import rtc

    room = rtc.Room()
    try:
        await room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
    except rtc.ConnectError as error:
        _say({"error": str(error)})
        return
    _say({"joined": room.local_participant.identity})
    await asyncio.to_thread(sys.stdin.readline)
    await room.disconnect()


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    order = json.loads(sys.stdin.readline())
    asyncio.run(_stay(order["url"], order["token"]))
