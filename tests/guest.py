"""The child process of tests/guests.py: one real participant, told what to do line by line.

A process of its own, because the SDK writes to stderr by itself, the token among it, and keeps threads.
"""

import asyncio
import json
import os
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
        self.room.on("track_muted", lambda who, one: say(_of_track("muted", who, one)))
        self.room.on("track_unmuted", lambda who, one: say(_of_track("unmuted", who, one)))
        self.room.on("track_subscribed", lambda _track, one, who: say(_of_track("subscribed", who, one)))
        self.room.on("data_received", lambda packet: say(_of_data(packet)))

    async def join(self, url: str, token: str) -> Any:
        await self.room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        return self.room.local_participant.identity

    async def publish(
        self,
        source: str,
        name: str,
        *,
        size: tuple[int, int] = (640, 360),
        codec: str | None = None,
        simulcast: bool = True,
        stream: str = "",
    ) -> Any:
        """Publish a track without content; `codec` VP8, H264, AV1, VP9 or H265."""
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.Value(f"SOURCE_{source.upper()}"), simulcast=simulcast, stream=stream
        )
        if codec is not None:
            options.video_codec = rtc.VideoCodec.Value(codec)
        if source in {"microphone", "screenshare_audio"}:
            track: Any = rtc.LocalAudioTrack.create_audio_track(name, rtc.AudioSource(48000, 1))
        else:
            track = rtc.LocalVideoTrack.create_video_track(name, rtc.VideoSource(*size))
        publication = await self.room.local_participant.publish_track(track, options)
        self.publications[publication.sid] = publication
        return publication.sid

    async def unpublish(self, sid: str) -> None:
        await self.room.local_participant.unpublish_track(sid)

    async def mute(self, sid: str) -> None:
        """Mute a track of its own."""
        self.publications[sid].track.mute()

    async def unmute(self, sid: str) -> None:
        self.publications[sid].track.unmute()

    async def muted(self, sid: str) -> Any:
        """Say whether a track of its own is muted, as its SDK sees it."""
        return self.publications[sid].track.muted

    async def defy(self) -> None:
        """From now on unmute each track of its own that the server mutes."""
        self.room.on("track_muted", lambda _who, one: one.sid in self.publications and one.track.unmute())

    async def subscribe(self, sid: str) -> None:
        """Subscribe to somebody's track once it is known here; the event `subscribed` follows."""
        publication = await self._remote(sid)
        publication.set_subscribed(True)

    async def send(self, text: str, topic: str = "") -> None:
        """Send data to everybody."""
        await self.room.local_participant.publish_data(text, topic=topic)

    async def set_metadata(self, text: str) -> None:
        await self.room.local_participant.set_metadata(text)

    async def set_name(self, text: str) -> None:
        await self.room.local_participant.set_name(text)

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        await self.room.local_participant.set_attributes(attributes)

    async def others(self) -> Any:
        """Name the others that it sees; the server tells of them up to 3 s late."""
        return sorted(self.room.remote_participants)

    async def leave(self) -> None:
        await self.room.disconnect()

    async def _remote(self, sid: str) -> Any:
        """Find somebody's track; the server tells of it up to 3 s late."""
        for _ in range(100):
            for participant in self.room.remote_participants.values():
                if sid in participant.track_publications:
                    return participant.track_publications[sid]
            await asyncio.sleep(0.1)
        raise TimeoutError(f"no track {sid} came in sight")


def _of_track(event: str, participant: Any, publication: Any) -> dict[str, Any]:
    return {"event": event, "participant": participant.identity, "sid": publication.sid}


def _of_data(packet: rtc.DataPacket) -> dict[str, Any]:
    sender = packet.participant.identity if packet.participant else ""
    return {"event": "data", "participant": sender, "topic": packet.topic, "text": packet.data.decode()}


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
    os._exit(0)  # at once: while Python ends, the SDK's threads may abort it
