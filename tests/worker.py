"""The child process of tests/workers.py: an agent server ("worker") that is offered jobs and does as it was told.

Speaks LiveKit's agent protocol (livekit_agent.proto: WorkerMessage and ServerMessage on the websocket /agent), as
livekit-agents does; its agents are LiveKit's SDK with the token of the job. A process of its own, so that it can crash.
"""

import asyncio
import json
import os
import sys
from typing import Any

import aiohttp
from livekit import rtc
from livekit.protocol import agent

from tests.guest import say

# What to say to an offer, by the word for it; `ignore` says nothing, `stay-away` takes the job and never joins
ANSWERS: dict[str, dict[str, Any]] = {
    "take": {"available": True},
    "stay-away": {"available": True},
    "needs-metadata": {"available": True},  # joins only where the job has metadata, as json.loads does
    "slow": {"available": True},  # joins after a moment
    "leave": {"available": True},  # joins, and leaves after a moment
    "die": {"available": True},  # joins, and after a moment the worker is gone, as one that is killed
    "refuse": {"available": False},
    "end": {"available": False, "terminate": True},  # livekit-agents' reject(): no other worker is asked
}
_MOMENT = 0.5  # seconds


class Worker:
    """One worker and the rooms of its agents, by job."""

    def __init__(self) -> None:
        self.url = ""
        self.answer = ""
        self.rooms: dict[str, rtc.Room] = {}
        self.session: Any = None
        self.link: Any = None
        self.listening: Any = None

    async def register(self, url: str, token: str, agent_name: str, answer: str) -> Any:
        self.url, self.answer = url, answer
        self.session = aiohttp.ClientSession()
        self.link = await self.session.ws_connect(f"{url}/agent", headers={"Authorization": f"Bearer {token}"})
        wish = agent.RegisterWorkerRequest(type=agent.JT_ROOM, agent_name=agent_name, version="test")
        await self.send(register=wish)
        first = agent.ServerMessage.FromString(await self.link.receive_bytes())
        self.listening = asyncio.create_task(self.listen())
        return first.register.worker_id

    async def send(self, **message: Any) -> None:
        await self.link.send_bytes(agent.WorkerMessage(**message).SerializeToString())

    async def listen(self) -> None:
        handlers = {"availability": self.consider, "assignment": self.work, "termination": self.stop}
        async for frame in self.link:
            message = agent.ServerMessage.FromString(frame.data)
            kind = message.WhichOneof("message")
            if kind in handlers:
                await handlers[kind](getattr(message, kind))

    async def consider(self, offer: Any) -> None:
        job = offer.job
        say({"event": "offer", "job": job.id, "room": job.room.name, "agent_name": job.agent_name,
             "metadata": job.metadata})  # fmt: skip
        if self.answer in ANSWERS:
            reply = agent.AvailabilityResponse(
                job_id=job.id,
                participant_identity=f"agent-{job.id}",
                **ANSWERS[self.answer],
            )
            await self.send(availability=reply)

    async def work(self, assignment: Any) -> None:
        if self.answer == "stay-away" or (self.answer == "needs-metadata" and not assignment.job.metadata):
            return
        job = assignment.job.id
        await asyncio.sleep(_MOMENT if self.answer == "slow" else 0)
        room = self.rooms[job] = rtc.Room()
        await room.connect(assignment.url or self.url, assignment.token, rtc.RoomOptions(auto_subscribe=False))
        say({"event": "joined", "job": job, "room": room.name, "identity": room.local_participant.identity})
        if self.answer in {"leave", "die"}:
            await asyncio.sleep(_MOMENT)
            os._exit(1) if self.answer == "die" else await self.leave(job)

    async def stop(self, termination: Any) -> None:
        await self.leave(termination.job_id)
        say({"event": "ended", "job": termination.job_id})

    async def leave(self, job: str) -> None:
        room = self.rooms.pop(job, None)
        if room is not None:
            await room.disconnect()

    async def close(self) -> None:
        for job in list(self.rooms):
            await self.leave(job)
        if self.session is not None:
            await self.session.close()


async def serve() -> None:
    worker = Worker()
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        try:
            say({"done": await getattr(worker, order.pop("do"))(**order)})
        except Exception as error:  # noqa: BLE001  (told to the test)
            say({"error": f"{type(error).__name__}: {error}"})
    await worker.close()


if __name__ == "__main__":
    asyncio.run(serve())
