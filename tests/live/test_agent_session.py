"""`find_user_id` where not all is well: too early, cut short, a plain room, the console; and the bundled worker."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lkctl.localserver.process import LocalServer
from lkctl.settings.shape import Pair
from lkctl.tokens.minting import TokenRequest, mint
from tests.agentworkers import AgentWorker, agent_worker
from tests.harness import invoke, until

pytestmark = pytest.mark.live

ID = "user_1704067200000_abc123"
IN_A_PLAIN_ROOM = """
import asyncio, os
from livekit import rtc
from lkctl.agents import Patience, find_user_id
from lkctl.userid import build_policy

async def run():
    room = rtc.Room()
    try:
        await find_user_id(room)
    except RuntimeError as error:
        print(error)
    await room.connect(os.environ["LIVEKIT_URL"], os.environ["TOKEN"])
    env = {"CHROME_USER_ID": "mine"}
    print((await find_user_id(room, policy=build_policy(order="env,random"), env=env)).user_id)
    print((await find_user_id(room, patience=Patience(fixed=0.1), env=env)).source)
    search = asyncio.create_task(find_user_id(room))
    await asyncio.sleep(0.5)
    print(search.done())
    await room.disconnect()
    resolution = await asyncio.wait_for(search, 1)
    print(resolution.source, resolution.user_id)

asyncio.run(run())
"""
TOO_EARLY = """
from livekit.agents import AgentServer, JobContext, JobExecutorType, cli
from lkctl.agents import find_user_id

server = AgentServer(job_executor_type=JobExecutorType.THREAD)

@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    await find_user_id(ctx)

cli.run_app(server)
"""
IN_THE_CONSOLE = """
import asyncio, threading
from livekit.agents import AgentServer, JobContext, JobExecutorType
from lkctl.agents import find_user_id

server = AgentServer(job_executor_type=JobExecutorType.THREAD, host="127.0.0.1", port=0)
found = threading.Event()  # a job has a thread of its own

@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    print(*(await find_user_id(ctx)).log, sep="\\n")
    found.set()

@server.once("worker_started")
def begin() -> None:  # as livekit-agents' own `console` does, which needs a sound card
    asyncio.ensure_future(server.simulate_job("console-room", agent_identity="console", fake_job=True))

async def run():
    running = asyncio.create_task(server.run(devmode=True, unregistered=True))
    await asyncio.to_thread(found.wait, 30)
    await server.aclose()
    await asyncio.wait_for(running, 5)

asyncio.run(run())
"""


def python(script: str, **env: str) -> str:
    """Run a script to its end and give its stdout."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_in_a_plain_room_too_early_and_cut_short(server: LocalServer) -> None:
    room = f"mcp-chrome-user-{ID}{secrets.token_hex(4)}"
    pair = Pair("test", server.key, server.secret.reveal())
    token = mint(TokenRequest(identity="me", room=room), pair, now=time.time(), entropy=os.urandom).token
    try:
        refusal, of_env, of_name, done, result = python(IN_A_PLAIN_ROOM, TOKEN=token).splitlines()
    finally:
        invoke("room", "delete", room, "--yes")
    assert refusal.endswith("Write `await ctx.connect()` above it")
    assert (of_env, of_name) == ("mine", "room.name")
    assert (done, result) == ("False", f"room.name {room.removeprefix('mcp-chrome-user-')}")


def test_in_the_console_the_environment_decides_at_once() -> None:
    out = python(IN_THE_CONSOLE, CHROME_USER_ID=ID)
    assert out.splitlines() == [f"\U0001f30d Using user ID from environment: {ID}"]


def test_before_connect_the_worker_s_log_tells_what_to_write(server: LocalServer, room: str, tmp_path: Path) -> None:
    script = tmp_path / "early.py"
    script.write_text(TOO_EARLY)
    name = f"early-{secrets.token_hex(4)}"
    with agent_worker(server, name, (str(script), "dev", "--no-reload")) as worker:
        assert invoke("room", "create", room, "--agent", name).code == 0
        worker.await_line(lambda line: b"Write `await ctx.connect()` above it" in line)


@pytest.fixture
def patient(server: LocalServer) -> Iterator[tuple[AgentWorker, str]]:
    """A bundled worker that waits for a user for a minute."""
    name = f"patient-{secrets.token_hex(4)}"
    with agent_worker(server, name, env={"LKCTL_PATIENCE": '{"limit": 60}'}) as worker:
        yield worker, name


def agent_in(room: str) -> bool:
    return any(one["kind"] == "AGENT" for one in json.loads(invoke("participant", "list", room, "-o", "json").out))


def test_a_room_that_ends_during_the_wait_is_told_nothing_of(patient: tuple[AgentWorker, str], room: str) -> None:
    worker, name = patient
    for _ in range(2):  # the worker goes on
        assert invoke("room", "create", room, "--agent", name).code == 0
        assert until(lambda: agent_in(room))
        assert invoke("room", "delete", room, "--yes").code == 0
        time.sleep(0.5)
    assert not [line for line in worker.lines if not line.startswith(b"{")]
    said = [json.loads(line) for line in worker.lines]
    assert not [one for one in said if one["level"] == "ERROR" and one["name"] != "livekit"]  # the SDK's channels


def test_sigterm_during_the_wait_ends_worker_and_agent(patient: tuple[AgentWorker, str], room: str) -> None:
    worker, name = patient
    assert invoke("room", "create", room, "--agent", name).code == 0
    assert until(lambda: agent_in(room))
    began = time.monotonic()
    assert worker.end() == 0
    assert time.monotonic() - began < 4
    assert not agent_in(room)
    assert not [line for line in worker.lines if not line.startswith(b"{")]


def test_the_worker_follows_its_orders(server: LocalServer, room: str) -> None:
    """A policy that leaves it unresolved: no line, no attributes; and one found under another key."""
    name, other = (f"ordered-{secrets.token_hex(4)}" for _ in range(2))
    orders = {"LKCTL_POLICY": '{"keys": "uid", "random": false}', "LKCTL_PATIENCE": '{"fixed": 0}'}
    try:
        with agent_worker(server, name, env=orders) as worker:
            assert invoke("room", "create", room, "--agent", name, "--user-id", ID).code == 0
            assert invoke("room", "create", other, "--agent", name, "--metadata", json.dumps({"uid": ID})).code == 0
            unresolved, found = worker.told(room), worker.told(other)
            published = invoke("participant", "list", room, "-o", "json").out
    finally:
        invoke("room", "delete", other, "--yes")
    assert (unresolved.lines, unresolved.result["source"], unresolved.result["user_id"]) == ([], None, None)
    assert "lkctl." not in published
    assert found.lines == [f"\u2705 Using user ID from metadata: {ID}\n".encode()]
