"""`lkctl agent serve` with agents: each user has one of his own, which knows him, and ends with his session."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from lkctl import convention
from lkctl.agents.launch.dismissal import is_of
from lkctl.localserver.process import LocalServer
from lkctl.models import Participant
from tests.harness import until
from tests.serving import Service, connected, joined, serving
from tests.watcher import api_of

pytestmark = pytest.mark.live
PROGRAMS = ("--allow-origin", "none")

# An agent of somebody's own: it knows nothing but its environment, as those of the first days did
BY_ENVIRONMENT = """
import os
from livekit.agents import AgentServer, JobContext, cli

server = AgentServer()

@server.rtc_session()
async def attend(ctx: JobContext):
    await ctx.connect()
    await ctx.room.local_participant.set_attributes({"served": os.environ["CHROME_USER_ID"]})
    ENDING

if __name__ == "__main__":
    cli.run_app(server)
"""


@pytest.fixture
def user_id() -> str:
    """An ID that nobody else has."""
    return new_user_id()


def new_user_id() -> str:
    return convention.make_user_id(int(time.time() * 1000), secrets.randbelow)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pid_of(service: Service, user_id: str) -> int:
    """Give the process number of a user's agent, once it is started."""
    return int(service.run.await_event("agent_started", user_id=user_id)["pid"])


def agent_of(server: LocalServer, assigned: dict[str, Any]) -> Participant | None:
    """Give the agent in the room that was assigned."""
    people = api_of(server).list_participants(assigned["room"])
    return next((one for one in people if is_of(one, assigned["agentName"])), None)


async def told_attribute(server: LocalServer, assigned: dict[str, Any], name: str) -> str | None:
    """Wait for an attribute of the agent's."""
    for _ in range(150):
        agent = agent_of(server, assigned)
        if agent is not None and name in agent.attributes:
            return agent.attributes[name]
        await asyncio.sleep(0.1)
    return None


@pytest.fixture
def service(server: LocalServer) -> Iterator[Service]:
    """A service with the bundled agent."""
    with serving(*PROGRAMS, "--agent") as service:
        yield service


def test_two_users_at_once(service: Service, server: LocalServer) -> None:
    """Each has an agent of his own that resolves him, and no other; both agents end with their sessions."""
    user_ids = [new_user_id(), new_user_id()]

    async def meet(user_id: str) -> dict[str, Any]:
        async with connected(service) as client:
            assigned = await client.introduce(user_id)
            assert assigned["type"] == "room_assigned"
            heard = await client.hear()
            assert heard["type"] == "agent_joined"
            with joined(assigned):
                assert await told_attribute(server, assigned, "lkctl.user_id") == user_id
            agent = agent_of(server, assigned)
            assert agent is not None
            assert (agent.identity, agent.attributes["lkctl.user_id.source"]) == (
                heard["identity"],
                "participant.metadata",
            )
            return assigned

    async def play() -> list[dict[str, Any]]:
        return await asyncio.gather(*map(meet, user_ids))

    first, second = asyncio.run(play())
    assert first["agentName"] != second["agentName"]
    assert until(lambda: service.health()["sessions"] == 0)
    service.run.end(signal.SIGTERM)
    started = [line for line in service.run.printed if '"agent_started"' in line]
    assert len(started) == 2
    assert not api_of(server).existing_rooms() & {first["room"], second["room"]}


def test_an_agent_that_is_killed(service: Service, server: LocalServer, user_id: str) -> None:
    """The client is told, and the room ends with it."""

    async def play() -> None:
        async with connected(service) as client:
            assigned = await client.introduce(user_id)
            assert (await client.hear())["type"] == "agent_joined"
            os.kill(pid_of(service, user_id), signal.SIGKILL)
            told = await client.hear()
            assert (told["code"], await client.close_code()) == ("agent-ended", 4502)
            assert await asyncio.to_thread(until, lambda: not api_of(server).existing_rooms([assigned["room"]]))

    asyncio.run(play())
    closed = service.run.await_event("session_closed", code="agent-ended")
    assert "agent-crashed" in closed["message"]


def test_an_agent_that_is_removed(service: Service, server: LocalServer, user_id: str) -> None:
    """A worker whose agent is no longer in the room is of no use: it ends."""

    async def play() -> int:
        async with connected(service) as client:
            assigned = await client.introduce(user_id)
            identity = (await client.hear())["identity"]
            pid = pid_of(service, user_id)
            api_of(server).remove_participant(assigned["room"], identity)
            assert (await client.hear())["code"] == "agent-ended"
            return pid

    pid = asyncio.run(play())
    assert until(lambda: not alive(pid))


@pytest.mark.parametrize("pause", [0.0, 1.5])
def test_a_client_that_leaves_while_its_agent_starts(
    pause: float, service: Service, server: LocalServer, user_id: str
) -> None:
    """Nothing is made any more, and nothing stays."""

    async def play() -> None:
        async with connected(service) as client:
            await client.socket.send_json({"type": "connection_info", "userId": user_id})
            await asyncio.sleep(pause)

    asyncio.run(play())
    assert until(lambda: service.health()["sessions"] == 0, 20)
    assert not api_of(server).existing_rooms([convention.room_of(user_id)])
    done = service.run.end(signal.SIGTERM)
    assert "agent_joined" not in done.out


def test_a_reload(service: Service, server: LocalServer, user_id: str) -> None:
    """The same user again, before his first agent has gone: one agent is left, in a new room."""

    async def play() -> None:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(connected(service))
            before = await first.introduce(user_id)
            second = await stack.enter_async_context(connected(service))
            after = await second.introduce(user_id)
            assert (before["type"], after["type"]) == ("room_assigned", "room_assigned")
            assert before["agentName"] != after["agentName"]
            assert (await second.hear())["type"] == "agent_joined"
            agents = [one for one in api_of(server).list_participants(after["room"]) if one.is_agent and one.is_there]
            assert [is_of(one, after["agentName"]) for one in agents] == [True]

    asyncio.run(play())


@pytest.mark.parametrize(
    ("number", "code", "within"),
    [
        pytest.param(signal.SIGINT, 130, 1, id="^C"),
        pytest.param(signal.SIGTERM, 143, 1, id="SIGTERM"),
        pytest.param(signal.SIGKILL, -9, 30, id="SIGKILL"),
    ],
)
def test_no_process_outlives_the_service(
    number: signal.Signals, code: int, within: float, server: LocalServer, user_id: str
) -> None:
    """However it ends, no agent is left, neither as process nor in the room; nor is the room."""

    async def play(service: Service) -> tuple[int, str]:
        async with connected(service) as client:
            assigned = await client.introduce(user_id)
            assert (await client.hear())["type"] == "agent_joined"
            pid = pid_of(service, user_id)
            assert alive(pid)
            service.run.process.send_signal(number)
            with suppress(TypeError, ValueError):
                await client.hear()
            await client.close_code()
            return pid, assigned["room"]

    with serving(*PROGRAMS, "--agent", "--idle-timeout", "5s") as service:
        pid, room = asyncio.run(play(service))
        assert service.run.process.wait(15) == code
    assert until(lambda: not alive(pid), 5)
    assert until(lambda: not api_of(server).existing_rooms([room]), within)


def test_a_second_interrupt_leaves_nothing_either(server: LocalServer, user_id: str) -> None:
    """It only hurries: agents are killed, and rooms deleted with those who are in them."""

    async def play(service: Service) -> str:
        async with connected(service) as client:
            assigned = await client.introduce(user_id)
            assert (await client.hear())["type"] == "agent_joined"
            service.run.process.send_signal(signal.SIGINT)
            await asyncio.sleep(0.1)
            service.run.process.send_signal(signal.SIGINT)
            return str(assigned["room"])

    with serving(*PROGRAMS, "--agent", "--idle-timeout", "1h") as service:
        room = asyncio.run(play(service))
        done = service.run.end()
    assert done.code == 130
    assert not api_of(server).existing_rooms([room]), done.out


Scripted = Callable[[str], Path]


@pytest.fixture
def script(tmp_path: Path) -> Scripted:
    """Give a function that writes a script."""

    def write(text: str) -> Path:
        path = tmp_path / "agent.py"
        path.write_text(text)
        return path

    return write


def test_a_script_of_ones_own(script: Scripted, server: LocalServer, user_id: str) -> None:
    """It gets the user's ID in its environment, as it always did; the operator's own does not get in the way."""

    async def play(service: Service) -> None:
        async with connected(service) as client:
            assigned = await client.introduce(user_id)
            assert await told_attribute(server, assigned, "served") == user_id

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHROME_USER_ID", "user_1704067200000_operator")
        path = script(BY_ENVIRONMENT.replace("ENDING", "pass"))
        with serving(*PROGRAMS, "--launch", str(path)) as service:
            asyncio.run(play(service))


FAILING = [
    pytest.param("raise SystemExit('no model')", "agent-failed", id="ends at once"),
    pytest.param("def broken(", "agent-failed", id="no Python"),
    pytest.param("print('done')", "agent-failed", id="no agent"),
    pytest.param(BY_ENVIRONMENT.replace("ENDING", "os._exit(3)"), "agent-ended", id="its job's process ends"),
    pytest.param(BY_ENVIRONMENT.replace("ENDING", "raise KeyError('model')"), "agent-ended", id="its job fails"),
    pytest.param(BY_ENVIRONMENT.replace("ENDING", "ctx.shutdown()"), "agent-failed", id="it leaves at once"),
]


@pytest.mark.parametrize(("text", "code"), FAILING)
def test_a_script_that_fails(text: str, code: str, script: Scripted, server: LocalServer, user_id: str) -> None:
    """The client is told within seconds, the operator why; the session is over, and nothing of it is left."""

    async def play(service: Service) -> str:
        async with connected(service) as client:
            await client.socket.send_json({"type": "connection_info", "userId": user_id})
            while (told := await client.hear())["type"] != "error":
                pass
            assert await client.close_code() == 4502
            return str(told["code"])

    with serving(*PROGRAMS, "--launch", str(script(text))) as service:
        begun = time.monotonic()
        assert asyncio.run(play(service)) == code
        assert time.monotonic() - begun < 40
        closed = service.run.await_event("session_closed", user_id=user_id)
        assert closed["message"]
        assert not api_of(server).existing_rooms([convention.room_of(user_id)])
