"""Somebody's agent with a bug: a part of the room's name is the user, whatever the name looks like."""

from livekit.agents import AutoSubscribe, JobContext, WorkerOptions, cli


async def entrypoint(ctx: JobContext) -> None:
    user_id = ctx.room.name.split("-")[-1]
    await ctx.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    participant = await ctx.wait_for_participant()
    number = participant.identity.split("_")[1]
    print(f"user {user_id} number {number}", flush=True)


if __name__ == "__main__":
    cli.run_app(WorkerOptions(entrypoint_fnc=entrypoint, port=8081))
