"""Somebody's agent with a bug: metadata of the room before there is any, then the environment, then a default."""

import json
import os

from livekit.agents import AgentServer, JobContext, cli

server = AgentServer()


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    metadata = ctx.room.metadata
    if metadata:  # noqa: SIM108  (a line for each)
        user_id = json.loads(metadata)["userId"]
    else:
        user_id = os.environ.get("CHROME_USER_ID", "nobody")
    await ctx.connect()
    print(f"the user is {user_id}", flush=True)


if __name__ == "__main__":
    cli.run_app(server)
