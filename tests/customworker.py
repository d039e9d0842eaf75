"""A real livekit-agents worker for tests, which registers as its users' do; it needs the extra `agents`."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lkctl.localserver.config import free_tcp_port
from tests.harness import until

SCRIPT = """
import json, os
from livekit.agents import AgentServer, JobContext, JobExecutorType, cli

LOAD = float(os.environ.get("LOAD", "0"))
server = AgentServer(
    host="127.0.0.1", port=int(os.environ["PORT"]), num_idle_processes=0, load_fnc=lambda: LOAD,
    load_threshold=0.7, job_executor_type=JobExecutorType.THREAD, drain_timeout=1,
)

@server.rtc_session(agent_name=os.environ["NAME"])
async def entry(ctx: JobContext) -> None:
    if os.environ.get("PARSES"):
        json.loads(ctx.job.metadata)
    await ctx.connect()

if __name__ == "__main__":
    cli.run_app(server)
"""
needed = pytest.mark.skipif(importlib.util.find_spec("livekit.agents") is None, reason="needs the extra agents")


@contextmanager
def agent(folder: Path, name: str, environ: Mapping[str, str], *, registers: bool = True) -> Iterator[str]:
    """Have a worker of livekit-agents for the time of the `with`; give the address of its own port.

    `environ`: LIVEKIT_URL and its like; LOAD; PARSES for one that crashes on empty metadata.
    """
    script, log = folder / f"{name}.py", folder / f"{name}.log"
    script.write_text(SCRIPT)
    port = free_tcp_port()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIVEKIT_")}
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(script), "start"], stdout=out, stderr=out, cwd=folder, start_new_session=True,
            env={**kept, "NAME": name, "PORT": str(port), **environ},
        )  # fmt: skip
    try:
        sign = "registered worker" if registers else "failed to connect"
        assert until(lambda: sign in log.read_text(), 60), log.read_text()[-2000:]
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait(5)
