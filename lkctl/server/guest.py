"""The child process that joins a room and stays: `python -m lkctl.server.guest`. It speaks JSON, one document a line.

stdin: first {"url", "token"}, with "watch": true from a guest that also looks; then orders, {"attributes": {…}}. The
end of stdin means: leave. stdout: {"joined": identity} or {"error": text}; from one that looks {"joined", "room_sid"},
then {"snapshot": {"room", "participants", "local_identity"}}, as `agent resolve --snapshot` reads it, at once and after
every change, and in the end {"left": reason} if it did not leave by itself.

A process of its own, because the SDK writes to stderr by itself, the token among it, and keeps threads.
"""

import asyncio
import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lkctl.userid.adapters import snapshot_from_rtc

if TYPE_CHECKING:
    from livekit import rtc

_CHANGES = (
    "participant_connected", "participant_disconnected", "participant_active", "participant_metadata_changed",
    "participant_attributes_changed", "participant_permissions_changed", "room_metadata_changed", "room_updated",
)  # fmt: skip
_PAUSE = 0.02  # seconds in which changes are gathered
_SID_WITHIN = 1.0  # seconds; measured: it is there on joining
_LONGEST_ORDER = 4 * 1024 * 1024  # bytes
_writing = threading.Lock()


async def _visit() -> None:
    orders = await _open_stdin()
    order = json.loads(await orders.readline())
    from livekit import rtc

    room = rtc.Room()
    watch = order.get("watch", False)
    watcher = _Watcher(room) if watch else None
    obeying = asyncio.create_task(_obey(orders, room))  # from now on: the order to leave may come while it joins
    try:
        await room.connect(order["url"], order["token"], rtc.RoomOptions(auto_subscribe=False))
    except rtc.ConnectError as error:
        _say({"error": str(error)})
        return
    joined = {"joined": room.local_participant.identity}
    if watcher is None:
        _say(joined)
        await obeying
    else:
        _say({**joined, "room_sid": await _sid(room)})
        await watcher.watch(obeying)
    await room.disconnect()


class _Watcher:
    """Tells what is seen in a room, after every change, until it is to leave or is put out."""

    def __init__(self, room: "rtc.Room") -> None:
        self._room = room
        self._changed = asyncio.Event()
        self._out: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        for change in _CHANGES:
            room.on(change, self._notice)  # type: ignore[arg-type]  # a name that this SDK lacks is never emitted
        room.on("disconnected", self._leave)
        # The SDK would come back by itself, and so make a room anew that is gone with a restarted server (measured)
        room.on("reconnecting", lambda: self._leave(None))

    async def watch(self, obeying: "asyncio.Task[None]") -> None:
        """Tell what is seen until `obeying` is over."""
        telling = asyncio.create_task(self._tell())
        await asyncio.wait((obeying, telling, self._out), return_when=asyncio.FIRST_COMPLETED)
        if self._out.done():
            _say({"left": self._out.result()})
            os._exit(0)  # at once: the SDK's threads are about to connect again
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling

    async def _tell(self) -> None:
        told = None
        while True:
            seen = asdict(snapshot_from_rtc(self._room))
            document = {key: seen[key] for key in ("room", "participants", "local_identity")}
            if document != told:
                await asyncio.to_thread(_say, {"snapshot": document})  # a slow reader holds nothing up
                told = document
            await self._changed.wait()
            await asyncio.sleep(_PAUSE)
            self._changed.clear()

    def _notice(self, *_: Any) -> None:
        self._changed.set()

    def _leave(self, reason: Any) -> None:
        from livekit import rtc

        if not self._out.done():
            self._out.set_result("CONNECTION_LOST" if reason is None else rtc.DisconnectReason.Name(reason))


async def _obey(orders: asyncio.StreamReader, room: "rtc.Room") -> None:
    """Do what is ordered, until the orders end; what the server refuses, it refuses without a word."""
    doing = []
    while line := await orders.readline():
        attributes = json.loads(line)["attributes"]
        doing.append(asyncio.create_task(room.local_participant.set_attributes(attributes)))


async def _sid(room: "rtc.Room") -> str:
    try:
        return await asyncio.wait_for(room.sid, _SID_WITHIN)
    except TimeoutError:
        return ""


async def _open_stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=_LONGEST_ORDER)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(message: dict[str, Any]) -> None:
    """Write a line; ASCII, so that half a surrogate pair in what others wrote is no obstacle."""
    with _writing, suppress(BrokenPipeError):  # nobody listens: stdin is about to end, too
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_visit())
    os._exit(0)  # at once: while Python ends, the SDK's threads abort it, one time in 80 (measured, 1.1.21 and 1.2.0)
