"""An agent that knows its user. Run it: python agent.py dev"""

from livekit.agents import AgentServer, JobContext, cli

from lkctl.agents import find_user_id

server = AgentServer()


@server.rtc_session(agent_name="my-agent")
async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    resolution = await find_user_id(ctx)
    print(*resolution.log, sep="\n", flush=True)

    await ctx.room.local_participant.set_attributes({"user_id": resolution.user_id or ""})


if __name__ == "__main__":
    cli.run_app(server)
