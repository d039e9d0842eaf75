"""One worker, several users: a room each, and in each room an agent that knows whose it is.

Run it: python many_rooms.py dev
"""

import asyncio

from livekit import rtc
from livekit.agents import AgentServer, JobContext, cli

from lkctl.agents import find_user_id
from lkctl.userid import build_policy

# Without `env`: the worker has one environment, so a CHROME_USER_ID in it would be the ID of every user
POLICY = build_policy(order="participant.metadata,room.metadata,room.name,random")

server = AgentServer()


@server.rtc_session(agent_name="many-rooms")
async def entrypoint(ctx: JobContext) -> None:
    """Serve one user; what belongs to him is kept in here, never in a global."""
    await ctx.connect()
    resolution = await find_user_id(ctx, policy=POLICY)
    print(*resolution.log, sep="\n", flush=True)

    agent = ctx.room.local_participant
    await agent.set_attributes({"user_id": resolution.user_id or ""})
    heard: list[str] = []
    answers: set[asyncio.Task[None]] = set()

    @ctx.room.on("data_received")
    def answer(packet: rtc.DataPacket) -> None:
        heard.append(packet.data.decode())
        task = asyncio.create_task(agent.publish_data(f"{resolution.user_id} said {', '.join(heard)}"))
        answers.add(task)
        task.add_done_callback(answers.discard)


if __name__ == "__main__":
    cli.run_app(server)
