"""Agents: workers, dispatches and jobs (67 to 76)."""

from collections.abc import Sequence

from lkctl.models import AgentRequest, RoomRequest
from tests.guests import guest
from tests.lab.bench import Bench
from tests.lab.case import Case
from tests.lab.parts.lateworker import late_worker
from tests.lab.parts.workerport import worker_port
from tests.redis import api_of, eventually
from tests.workers import worker

_AGENT = ["--agent", "helper"]
_ROOM = [*_AGENT, "--room", "demo"]
_PROBE = [*_AGENT, "--probe"]


def never_dispatched(bench: Bench) -> Sequence[str]:
    """The worker has a name, so only a dispatch brings it; nobody made one."""
    server = bench.configured()
    bench.start(worker(server, "helper"))
    bench.start(guest(server, "alice", "demo"))
    return _ROOM


def nobody_of_this_name(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(worker(server, "helper-2"))
    return _PROBE


def full(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(worker(server, "helper", "refuse"))
    return [*_PROBE, "--worker", bench.start(worker_port("helper", load=1.0, jobs=lambda: 4))]


def busy_at_rest(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(worker(server, "helper", "refuse"))
    return [*_AGENT, "--worker", bench.start(worker_port("helper", load=0.83))]


def killed_while_starting(bench: Bench) -> Sequence[str]:
    """It takes the job, and its process is killed before it joins."""
    server = bench.configured()
    bench.start(worker(server, "helper", "stay-away"))
    return _PROBE


def hangs(bench: Bench) -> Sequence[str]:
    """No process is left that would run the job; the worker waits for one, and says nothing of it."""
    server = bench.configured()
    helper = bench.start(worker(server, "helper", "stay-away"))
    return [*_PROBE, "--worker", bench.start(worker_port("helper", jobs=helper.events.qsize))]


def running_but_absent(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(worker(server, "helper", "stay-away"))
    bench.start(guest(server, "alice", "demo"))
    api = api_of(server)
    api.create_dispatch("demo", "helper")
    eventually(lambda: any(dispatch.jobs for dispatch in api_of(server).list_dispatches("demo")))
    return _ROOM


def late(bench: Bench) -> Sequence[str]:
    server = bench.configured()
    bench.start(late_worker(server, "helper", 6.0))
    return _PROBE


def does_not_return(bench: Bench) -> Sequence[str]:
    """The agent came with the room, and left; the room goes on, so nothing dispatches it again."""
    server = bench.configured()
    helper = bench.start(worker(server, "helper"))
    api_of(server).create_room(RoomRequest(name="demo", agents=(AgentRequest("helper"),)))
    bench.start(guest(server, "alice", "demo"))
    helper.do("leave", job=helper.await_event("joined")["job"])
    eventually(lambda: any(dispatch.jobs for dispatch in api_of(server).list_dispatches("demo")))
    return _ROOM


def somebody_elses(bench: Bench) -> Sequence[str]:
    """A colleague's worker of the same name takes the jobs; one's own sees none."""
    server = bench.configured()
    bench.start(worker(server, "helper"))
    return [*_PROBE, "--worker", bench.start(worker_port("helper"))]


CASES = (
    Case(
        67,
        "a named agent that nobody dispatched",
        "worker registered, agent never joins",
        never_dispatched,
        "room.dispatches",
        "nobody has called 'helper' to room 'demo'",
        "https://github.com/livekit/agents/issues/646",
    ),
    Case(
        68,
        "no worker of this name",
        "not dispatching agent job since no worker is available",
        nobody_of_this_name,
        "probe.agent",
        "no worker took the job: none called exactly 'helper'",
        "https://github.com/livekit/livekit/issues/4259",
    ),
    Case(
        69,
        "all workers are full",
        "no servers available (received 1 responses)",
        full,
        "agent.worker",
        "load is 1.00",
        "https://github.com/livekit/livekit/issues/3857",
    ),
    Case(
        70,
        "load above the threshold at rest",
        "worker idle, yet it gets no jobs",
        busy_at_rest,
        "agent.worker",
        "load is 0.83",
        "https://github.com/livekit/agents/issues/717",
    ),
    Case(
        71,
        "the job is killed while it starts",
        "initialization timed out, killing job",
        killed_while_starting,
        "probe.agent",
        "a worker took the job, and no agent was seen",
        "https://github.com/livekit/agents/issues/901",
    ),
    Case(
        72,
        "the worker has the job, and nothing happens",
        "jobs hang, nothing is logged",
        hangs,
        "probe.agent",
        "still has the job after .* it hangs",
        "https://github.com/livekit/agents/issues/5868",
    ),
    Case(
        73,
        "RUNNING, and nobody there",
        "dispatch says JS_RUNNING, the agent is absent",
        running_but_absent,
        "room.dispatches",
        "a worker took it, but its agent is not in the room",
        "https://github.com/livekit/agents-js/issues/1211",
    ),
    Case(
        74,
        "an agent that comes late",
        "agent arrives 15-50 s late",
        late,
        "probe.agent",
        "came only after",
        "https://github.com/livekit/agents/issues/3584",
        exit_code=0,
    ),
    Case(
        75,
        "the room goes on, the agent has left",
        "agent does not return in the same room name",
        does_not_return,
        "room.dispatches",
        "its agent is not in the room: it crashed, left",
        "https://github.com/livekit/agents/issues/670",
    ),
    Case(
        76,
        "another worker takes the job",
        "other team's or local worker takes the job",
        somebody_elses,
        "probe.worker",
        "another worker called 'helper' took the job",
        "https://github.com/livekit/agents/issues/4715",
        exit_code=0,
    ),
)
