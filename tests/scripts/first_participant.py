"""Somebody's agent with a bug: whoever comes first is the user, also another agent."""

import json

from livekit.agents import AgentServer, JobContext, cli

server = AgentServer()


@server.rtc_session(agent_name="somebody")
async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    for participant in ctx.room.remote_participants.values():
        text = participant.metadata
        user_id = json.loads(text).get("userId") if text else participant.attributes.get("userId")
        user_id = user_id or participant.identity
        break
    else:
        return
    print(f"hello {user_id}", flush=True)


if __name__ == "__main__":
    cli.run_app(server)
