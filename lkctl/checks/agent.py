"""`--agent` and `--worker`: can a worker register, what does it say of itself, is the name the same everywhere?"""

import math
import secrets
from collections.abc import Iterator
from contextlib import suppress

from lkctl.checks.agentsight import judge_sightings, say_name
from lkctl.checks.result import Check, Finding, NotApplicable, Problem, Severity
from lkctl.checks.verdict import number_of, settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.scenarios.sightings import listed
from lkctl.server.agentlink import ServerInfo, register
from lkctl.server.deadline import Deadline
from lkctl.server.workerport import WorkerInfo, ask_worker
from lkctl.settings.url import parse_url
from lkctl.tokens.document import shown
from lkctl.tokens.envelope import open_envelope

_PHASE = 4.0  # seconds
MISSING, LOST = "agent-missing", "agent-lost"  # no worker took the job; one did, and its agent is not there
_NO_AGENT = (MISSING, "agent.seen")  # what fails where no worker takes a job
_FULL = 0.7  # the load from which on a worker takes no job: the default of livekit-agents in `start`
_OVERRIDE, _NAME, _DEPLOYMENT = "LIVEKIT_AGENT_NAME_OVERRIDE", "LIVEKIT_AGENT_NAME", "LIVEKIT_AGENT_DEPLOYMENT"
_PROVES_LITTLE = "this does not prove that it is registered: it says the same before, and while it is refused"


def _register(world: World) -> str:
    """A worker can register here: WebSocket /agent, under a random name that nobody calls; gone again at once.

    The next dispatch to anybody is then listed with its job 5 s late; its agent comes as soon as ever.
    """
    info = server_info(world)
    agents = f"agent protocol {info.agent_protocol}" if info.agent_protocol else "of unknown agent protocol"
    return f"a worker with this key can register ({agents}); this does not prove that one has"


def _worker(world: World) -> str:
    """The worker's own port: does it complain, has it the name that is asked for, is it full (load 0.7, by default)?

    That it answers does not mean that it is registered.
    """
    try:
        info = worker_info(world)
    except LkctlError as error:
        raise Problem(error.message, hint=error.hint, code=error.code, explains=_NO_AGENT) from None
    facts = f"{number_of(info.active_jobs, 'job')}, load {info.load:.2f}, livekit-agents {info.sdk_version}"
    said = f"it answers, and does not tell its name; {_PROVES_LITTLE}"
    return settle(
        _complaints(world, info),
        said if info.agent_name is None else f"{say_name(info.agent_name)}, {facts}; {_PROVES_LITTLE}",
    )


def _complaints(world: World, info: WorkerInfo) -> Iterator[Finding]:
    wanted, fails = world.scope.agent, Severity.fail
    if info.trouble:
        hint = "Its log says why: a wrong LIVEKIT_URL or key (401), or a model that does not load. Mend it, restart it"
        yield Finding(f"the worker says: {info.trouble}", hint, severity=fails, explains=(*_NO_AGENT, LOST))
    if None not in {info.agent_name, wanted} and info.agent_name != wanted:
        yield Finding(_misnamed(str(wanted), str(info.agent_name)), _rename(str(wanted), str(info.agent_name)),
                      severity=fails, explains=(*_NO_AGENT, "room.dispatches"))  # fmt: skip
    if info.job_type != "JT_ROOM":
        said = f"the worker is for {info.job_type}: it gets a job when somebody publishes or joins, not by dispatch"
        yield Finding(
            said, "For jobs by room register it as ServerType.ROOM", severity=Severity.warn, explains=_NO_AGENT
        )
    if info.load >= _FULL:
        said = f"the worker's load is {info.load:.2f}: from {_FULL} on it counts as full and gets no job (`start`)"
        hint = "Give it more CPU, start another one, or raise load_threshold of AgentServer"
        yield Finding(said, hint, severity=Severity.warn, explains=_NO_AGENT)


def _misnamed(wanted: str, name: str) -> str:
    if not name:
        return f"the worker has no agent_name: a dispatch to {shown(wanted)} does not reach it"
    if not wanted:
        return f"the worker is called {shown(name)}: with a name it gets no job by itself, only by dispatch"
    near = ": it must be the same to the letter" if name.strip().casefold() == wanted.strip().casefold() else ""
    return f"the worker is called {shown(name)}, and --agent asks for {shown(wanted)}{near}"


def _rename(wanted: str, name: str) -> str:
    if not name:
        return f"Set agent_name={shown(wanted)} in @server.rtc_session, or let it be called by itself, into new rooms"
    if not wanted:
        return f"Dispatch it: lkctl dispatch create ROOM {name}; or take agent_name away"
    return "Use one name in code, dispatch and token"


def _name(world: World) -> str:
    """The name that is asked for is that of the environment, the env files and the token's roomConfig.agents."""
    wanted = world.scope.agent or ""
    findings = [*_environment_names(world, wanted), *_token_names(world, wanted)]
    return settle(findings, f"nothing here gives the agent another name than {say_name(wanted)}")


def _environment_names(world: World, wanted: str) -> Iterator[Finding]:
    for name, value, place in _variables(world):
        if name == _DEPLOYMENT:
            said = f"{_DEPLOYMENT} is {shown(value)}: such a worker gets only jobs that ask for this deployment"
            yield Finding(said, "Take it away where agents are dispatched by name alone", place, explains=_NO_AGENT)
        elif value != wanted:
            beats = "beats the name in the code" if name == _OVERRIDE else "counts where the code sets none"
            said = f"{name} is {shown(value)}, and --agent asks for {shown(wanted)}; it {beats}"
            yield Finding(said, "Use one name in code, dispatch and token", place, explains=_NO_AGENT)


def _variables(world: World) -> Iterator[tuple[str, str, str]]:
    """Give the variables that name agents, of the environment and the env files, with what they hold and where."""
    names = (_OVERRIDE, _NAME, _DEPLOYMENT)
    yield from ((name, world.environ[name], f"env {name}") for name in names if world.environ.get(name))
    for file in world.all_env_files():
        for entry in file.entries:
            if entry.name in names and entry.value:
                yield entry.name, entry.value, f"{file.name}:{entry.line}"


def _token_names(world: World, wanted: str) -> Iterator[Finding]:
    named = _dispatched_by(world.scope.token)
    if named and wanted not in named:
        said = f"the token's roomConfig.agents calls {listed([shown(name) for name in named])}, not {shown(wanted)}"
        yield Finding(said, "Use one name in code, dispatch and token", "--token", explains=("room.dispatches",))


def _dispatched_by(token: str) -> list[str]:
    """Give the names in roomConfig.agents of a token; Go reads its keys in any case and spelling."""
    with suppress(LkctlError):
        claims = open_envelope(token).claims if token else {}
        config = next((claims[key] for key in claims if key.lower() == "roomconfig"), None)
        agents = config.get("agents") if isinstance(config, dict) else None
        entries = [one for one in agents if isinstance(one, dict)] if isinstance(agents, list) else []
        return [str(one.get("agentName", one.get("agent_name", ""))) for one in entries]
    return []


def server_info(world: World) -> ServerInfo:
    """Say what the server says of itself to a worker that registers; once in a run. Raises as `register` does."""

    def look() -> ServerInfo:
        pair = world.settings.credentials().pair
        return register(world.server_url(), pair, f"lkctl-{secrets.token_hex(8)}", Deadline(_patience(world)))

    return world.memory.once("agent.server", look)


def worker_info(world: World, *, now: bool = False) -> WorkerInfo:
    """Ask the worker of --worker; once in a run, or as it is now. Raises as `ask_worker` does."""
    url = parse_url(world.scope.worker)

    def ask() -> WorkerInfo:
        return ask_worker(url, Deadline(_patience(world)))

    return ask() if now else world.memory.once("agent.worker", ask)


def insist_worker(world: World) -> None:
    """Raise `NotApplicable` where no worker was named."""
    if not world.scope.worker:
        raise NotApplicable("no worker was named, see --worker")


def is_full(info: WorkerInfo) -> bool:
    """Whether a worker takes no more jobs, unless its load_threshold is another than the default."""
    return math.isfinite(info.load) and info.load >= _FULL


def _patience(world: World) -> float:
    return min(world.patience, _PHASE)


AGENT_CHECKS: tuple[Check[World], ...] = (
    Check("agent.register", "Workers can register", _register, ("api.auth",), timeout=6.0, scope="agent"),
    Check("agent.worker", "Worker is in order", _worker, timeout=9.0, scope="worker"),
    Check("agent.name", "Agent has one name", _name, (), Severity.warn, scope="agent"),
    Check("agent.seen", "Agent is seen in rooms", judge_sightings, ("api.auth",), timeout=11.0, scope="agent"),
)
