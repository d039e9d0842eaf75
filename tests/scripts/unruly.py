"""Somebody's agent that makes life hard for whoever looks: floods, threads, forks, junk, depth and tokens."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from livekit.agents import AgentServer, JobContext, JobExecutorType, cli

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJlLW9mLW5vYm9keQ"
server = AgentServer(
    host="0.0.0.0",  # noqa: S104
    port=8081,
    num_idle_processes=3,
    load_threshold=0.7,
    job_executor_type=JobExecutorType(os.environ.get("EXECUTOR", "process")),
)


def deep(ctx: JobContext, left: int) -> str:
    return ctx.room.name if not left else deep(ctx, left - 1)


def dive(ctx: JobContext) -> str:
    for depth in range(200, 3000):
        try:
            found = deep(ctx, depth)
        except RecursionError:
            return found
    return "no bottom"


def elsewhere() -> str:
    child = os.fork()
    if not child:
        os._exit(int(os.environ["CHROME_USER_ID"] == ""))
    os.waitpid(child, 0)
    with Path(os.environ["LKCTL_TRACE_FILE"]).open("ab") as file:
        file.write(b'junk\n[1]\n{"read": 7}\n{"read": {"pid": "x"}}\n\xff\xfe\n' + b"[" * 100_000 + b"\n")
        file.write(json.dumps({"read": {"source": TOKEN}}).encode() + b"\n")
    ask = "import os; print(os.environ.get('CHROME_USER_ID'))"
    return subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    print(TOKEN, flush=True)
    await ctx.connect()
    for _ in range(100_000):
        name = ctx.room.name
    for number in range(3000):
        os.environ["MANY"] = str(number)
        os.environ["MANY"]
    thread = threading.Thread(target=lambda: ctx.room.metadata)
    thread.start()
    thread.join()
    same = elsewhere()
    kept = {**os.environ}
    print("done", dive(ctx) == name, same == kept["CHROME_USER_ID"], flush=True)


if __name__ == "__main__":
    cli.run_app(server)
