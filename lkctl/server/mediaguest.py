"""The child process that tries media as a client has it: `python -m lkctl.server.mediaguest`.

stdin: one line of JSON, {"url", "first", "second", "relayed", "limit"}: tokens, of which "" is none, and the seconds
for each step; its end means: leave. stdout: a line for each step as it ends, {"step", "seconds", …}, maybe "error".
A process of its own, because the SDK writes to stderr by itself, tokens among it, and keeps threads.
"""

import asyncio
import json
import math
import os
import sys
import time
from array import array
from collections.abc import Awaitable, Callable
from typing import Any

_RATE, _FRAME = 48_000, 480  # samples in a second; in the 10 ms of a frame
_TONE, _LOUD = 440, 8_000
_HEARD = 500  # what a sample must exceed so that it is our tone, and no comfort noise
_NEEDED = 20  # frames with the tone
_FAREWELL = 0.8  # seconds to leave the rooms


class Trial:
    """Two participants, one who publishes a tone and one who listens, and what came of each step."""

    def __init__(self, order: dict[str, Any]) -> None:
        from livekit import rtc

        self.rtc = rtc
        self.order = order
        self.first = rtc.Room()
        self.second = rtc.Room()

    async def run(self) -> None:
        """Take the steps in order; a step that fails ends those that build on it, not the relayed join."""
        if await self.step("connect", self.connect) and self.order["second"]:
            await self.step("publish", self.publish)
        if self.first.isconnected() and self.order["second"]:  # who leaves after it is listed for 20 s (measured)
            await self.step("reconnect", self.reconnect)
        if self.order["relayed"]:
            await self.first.disconnect()
            await self.step("relay", self.relay)

    async def leave(self) -> None:
        """Leave the rooms; who ends without that is listed for 20 s more."""
        await asyncio.gather(self.first.disconnect(), self.second.disconnect(), return_exceptions=True)

    async def step(self, name: str, work: Callable[[], Awaitable[dict[str, Any]]]) -> bool:
        """Take one step within its time, and say what came of it."""
        started = time.monotonic()
        try:
            found = await asyncio.wait_for(work(), self.order["limit"])
        except TimeoutError:
            found = {"error": "timeout"}
        except Exception as error:  # noqa: BLE001  (told to the parent, who judges)
            found = {"error": f"{type(error).__name__}: {error}"}
        say({"step": name, "seconds": time.monotonic() - started, **found})
        return "error" not in found

    async def connect(self) -> dict[str, Any]:
        """Join, with everything that a client has."""
        await self.first.connect(self.order["url"], self.order["first"], self.rtc.RoomOptions(auto_subscribe=False))
        return {"path": await self.path(self.first)}

    async def publish(self) -> dict[str, Any]:
        """Publish a tone, and listen to it as somebody else; the time counts from the publication to the tone."""
        await self.second.connect(self.order["url"], self.order["second"], self.rtc.RoomOptions(auto_subscribe=True))
        heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.second.on("track_subscribed", lambda track, *_: heard.set_result(track))
        source = self.rtc.AudioSource(_RATE, 1)
        track = self.rtc.LocalAudioTrack.create_audio_track("lkctl-tone", source)
        options = self.rtc.TrackPublishOptions(source=self.rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self.first.local_participant.publish_track(track, options)
        published = time.monotonic()
        playing = asyncio.create_task(play(source, self.rtc))
        try:
            frames = await self.listen(await heard)
        finally:
            playing.cancel()
        found = {"frames": frames, "after": time.monotonic() - published, "path": await self.path(self.first)}
        await self.first.local_participant.unpublish_track(publication.sid)
        return found

    async def listen(self, track: Any) -> int:
        """Count frames until enough of them carry the tone; give how many came in all."""
        stream = self.rtc.AudioStream(track)
        frames = loud = 0
        try:
            async for event in stream:
                frames += 1
                loud += max(map(abs, event.frame.data)) > _HEARD
                if loud >= _NEEDED:
                    break
        finally:
            await stream.aclose()
        return frames

    async def reconnect(self) -> dict[str, Any]:
        """Lose the signal connection, and wait until the SDK has it back."""
        back = asyncio.Event()
        self.first.on("reconnected", back.set)
        await self.first.simulate_scenario(self.rtc.SimulateScenarioKind.SIMULATE_SIGNAL_RECONNECT)
        await back.wait()
        return {}

    async def relay(self) -> dict[str, Any]:
        """Join again, by way of a relay only."""
        room = self.rtc.Room()
        relayed = self.rtc.RtcConfiguration(ice_transport_type=self.rtc.IceTransportType.TRANSPORT_RELAY)
        options = self.rtc.RoomOptions(auto_subscribe=False, rtc_config=relayed)
        try:
            await room.connect(self.order["url"], self.order["relayed"], options)
            return {"path": await self.path(room)}
        finally:
            await room.disconnect()

    async def path(self, room: Any) -> dict[str, Any]:
        """Give the pair of candidates in use, of the connection that carries something; {} where none is told."""
        stats = await room.get_rtc_stats()
        return next(filter(None, map(chosen, (stats.subscriber_stats, stats.publisher_stats))), {})


def chosen(stats: Any) -> dict[str, Any]:
    """Find the chosen pair among the statistics of a peer connection."""
    told: dict[str, list[Any]] = {}
    for one in stats:
        told.setdefault(one.WhichOneof("stats"), []).append(getattr(one, one.WhichOneof("stats")))
    ids = {one.transport.selected_candidate_pair_id for one in told.get("transport", ())}
    sides = {
        one.rtc.id: one.candidate for kind in ("local_candidate", "remote_candidate") for one in told.get(kind, ())
    }
    for one in told.get("candidate_pair", ()):
        pair = one.candidate_pair
        if one.rtc.id in ids and {pair.local_candidate_id, pair.remote_candidate_id} <= set(sides):
            here, there = sides[pair.local_candidate_id], sides[pair.remote_candidate_id]
            return {"here": side(here), "there": side(there), "rtt": pair.current_round_trip_time}
    return {}


def side(candidate: Any) -> dict[str, Any]:
    """Give one end of the path; `kind` host, srflx, prflx or relay."""
    kind = type(candidate).DESCRIPTOR.fields_by_name["candidate_type"].enum_type.values_by_number
    name = kind[candidate.candidate_type].name.lower().removeprefix("ice_").removeprefix("candidate_")
    return {"address": candidate.address, "port": candidate.port, "protocol": candidate.protocol, "kind": name}


async def play(source: Any, rtc: Any) -> None:
    """Feed a source with a tone until cancelled; the source takes it at the pace of time."""
    wave = [int(_LOUD * math.sin(2 * math.pi * _TONE * at / _RATE)) for at in range(_RATE)]
    while True:
        for at in range(0, _RATE, _FRAME):
            content = array("h", wave[at : at + _FRAME]).tobytes()
            await source.capture_frame(rtc.AudioFrame(content, _RATE, 1, _FRAME))


def say(message: dict[str, Any]) -> None:
    """Tell the parent."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def serve() -> None:
    """Take the order, and end with it or with the parent."""
    order = json.loads(await asyncio.to_thread(sys.stdin.readline))
    trial = Trial(order)
    taking = asyncio.create_task(trial.run())
    told_to_end = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    await asyncio.wait([taking, told_to_end], return_when=asyncio.FIRST_COMPLETED)
    taking.cancel()
    await asyncio.wait([asyncio.create_task(trial.leave())], timeout=_FAREWELL)
    sys.stdout.flush()
    os._exit(0)  # a thread still waits for stdin, and the SDK has threads of its own


if __name__ == "__main__":
    asyncio.run(serve())
