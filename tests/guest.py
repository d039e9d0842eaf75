"""The child process of tests/guests.py: one real participant, told what to do line by line.

A process of its own, because the SDK writes to stderr by itself, the token among it, and keeps threads.
"""

import asyncio
import json
import sys
from typing import Any

from livekit import rtc


class Guest:
    """A participant in a room, and the tracks it publishes."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.publications: dict[str, Any] = {}
        self.room.on("disconnected", lambda reason: say({"event": "disconnected", "reason": str(reason)}))
        self.room.on("room_metadata_changed", lambda _old, new: say({"event": "metadata", "metadata": new}))

    async def join(self, url: str, token: str) -> Any:
        await self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        return self.room.local_participant.identity

    async def publish(self, source: str, name: str) -> Any:
        kind = rtc.TrackSource.Value(f"SOURCE_{source.upper()}")
        if source in {"microphone", "screenshare_audio"}:
            track: Any = rtc.LocalAudioTrack.create_audio_track(name, rtc.AudioSource(48000, 1))
        else:
            track = rtc.LocalVideoTrack.create_video_track(name, rtc.VideoSource(640, 360))
        options = rtc.TrackPublishOptions(source=kind)
        publication = await self.room.local_participant.publish_track(track, options)
        self.publications[publication.sid] = publication
        return publication.sid

    async def unpublish(self, sid: str) -> None:
        await self.room.local_participant.unpublish_track(sid)

    async def set_metadata(self, text: str) -> None:
        await self.room.local_participant.set_metadata(text)

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        await self.room.local_participant.set_attributes(attributes)

    async def leave(self) -> None:
        await self.room.disconnect()


def say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def serve() -> None:
    guest = Guest()
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        try:
            say({"done": await getattr(guest, order.pop("do"))(**order)})
        except Exception as error:  # noqa: BLE001  (told to the test)
            say({"error": f"{type(error).__name__}: {error}"})
    await guest.leave()


if __name__ == "__main__":
    asyncio.run(serve())
