"""An agent that fails in the way that the environment variable HOW names."""

import asyncio
import os
import sys
import time

HOW = os.environ.get("HOW", "")
if HOW == "import":
    __import__("a_module_that_nobody_has")
if HOW == "exit":
    sys.exit("the key of a service is missing")

from livekit.agents import AgentServer, JobContext, JobExecutorType, JobRequest, cli  # noqa: E402

# As an env file that beats the environment does it: what the code itself says, the CLI's `dev` overrules
VARIABLES = {
    "secret": ("LIVEKIT_API_SECRET", "wrong1wrong2wrong3wrong4wrong5wrong6"),
    "key": ("LIVEKIT_API_KEY", "APInobody"),
    "down": ("LIVEKIT_URL", "ws://127.0.0.1:9"),
    "scheme": ("LIVEKIT_URL", "127.0.0.1:9"),
    "path": ("LIVEKIT_URL", os.environ.get("LIVEKIT_URL", "") + "/elsewhere"),
    "elsewhere": ("LIVEKIT_URL", os.environ.get("ELSEWHERE", "")),
    "blank": ("LIVEKIT_URL", ""),
    "name": ("LIVEKIT_AGENT_NAME_OVERRIDE", "another"),
}
os.environ.update([VARIABLES[HOW]] if HOW in VARIABLES else [])
PORT = int(os.environ.get("TAKEN", "0")) if HOW == "port" else 0
PROCESS = JobExecutorType.PROCESS if HOW.startswith("process") else JobExecutorType.THREAD
BEGAN = time.monotonic()


def load() -> float:
    return 1.0 if HOW == "busy at first" and time.monotonic() - BEGAN < 1.5 else 0.0


server = AgentServer(job_executor_type=PROCESS, host="127.0.0.1", port=PORT, load_fnc=load, load_threshold=0.9)


async def answer(request: JobRequest) -> None:
    if HOW == "reject":
        await request.reject()
    elif HOW == "request raises":
        raise RuntimeError("no jobs today")
    elif HOW != "no answer":
        await request.accept()


@server.rtc_session(on_request=answer)
async def attend(ctx: JobContext) -> None:
    if HOW == "raises":
        raise KeyError("userId")
    if HOW == "hang":
        await asyncio.sleep(600)
    if HOW == "process ends":
        os._exit(3)
    if HOW == "unconnected":
        return
    await ctx.connect()
    print("in the room", ctx.room.name, flush=True)
    if HOW == "raises late":
        raise KeyError("too late")
    if HOW == "leaves":
        ctx.shutdown("done")
    if HOW == "stays busy":
        await asyncio.sleep(600)
    if HOW == "worker ends":
        os._exit(4)


if (__name__ == "__main__" and HOW != "no main") or HOW == "process without guard":
    cli.run_app(server)
