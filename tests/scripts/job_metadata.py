"""Somebody's agent that reads what the dispatch says, in the request and in the job, and keeps copies of it."""

import copy
import json

from livekit import api
from livekit.agents import AgentServer, JobContext, JobRequest, cli

server = AgentServer()


async def request(job: JobRequest) -> None:
    print("asked for", len(job.room.metadata), flush=True)
    await job.accept()


@server.rtc_session(on_request=request)
async def entrypoint(ctx: JobContext) -> None:
    user_id = json.loads(ctx.job.metadata)["userId"]
    room = ctx.job.room.metadata
    kept = api.Room()
    kept.CopyFrom(ctx.job.room)
    same = copy.deepcopy(ctx.job) == ctx.job and isinstance(ctx.job.room, api.Room)
    await ctx.connect()
    listed = await ctx.api.room.list_rooms(api.ListRoomsRequest(names=[ctx.job.room.name]))
    print(user_id, room == kept.metadata == listed.rooms[0].metadata, same, flush=True)


if __name__ == "__main__":
    cli.run_app(server)
