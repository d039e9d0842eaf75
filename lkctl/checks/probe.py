"""`--probe`: a real job in a throw-away room, judged by the agent that comes, not by what the server says of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from lkctl.checks.agent import LOST, MISSING, insist_worker, is_full, server_info, worker_info
from lkctl.checks.agentsight import say_name
from lkctl.checks.result import Check, Finding, NotApplicable, Problem, Severity, Unknown
from lkctl.checks.roomsight import api_of
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.models import AgentRequest
from lkctl.scenarios.trial import Fate, Trial, try_job
from lkctl.server.workerport import WorkerInfo
from lkctl.tokens.document import shown

_LONGEST, _REMOVAL = 45.0, 2.0  # seconds for one job, and until its room is gone
_AGAIN, _ENOUGH = 8.0, 12.0  # seconds for the second one, with metadata; and from which other names are tried, too
_LATE = 5.0  # seconds from which on users notice
_VARIABLES = ("LIVEKIT_AGENT_NAME_OVERRIDE", "LIVEKIT_AGENT_NAME")


class Outcome(NamedTuple):
    """A trial, and what the worker of --worker said before it and when its fate was known; None where it said nothing.

    `with_metadata`: what came of the same job with the metadata {}; None where it was not tried.
    """

    trial: Trial
    before: WorkerInfo | None
    after: WorkerInfo | None
    with_metadata: Trial | None


def _agent(world: World) -> str:
    """An agent comes, stays for 1.5 s, and its process answers (RPC), when a job of its name is made for a new room.

    The room has a random name and is removed afterwards. Where no worker takes the job within 6 s, it is offered
    without a name and in other spellings; where the agent crashes, once more with the metadata {}. A full worker looks
    from outside like none. A pass proves neither that it hears nor that it speaks.
    """
    outcome = outcome_of(world)
    trial = outcome.trial
    if trial.fate is Fate.came:
        return settle(_lateness(trial), _passed(world, trial))
    if trial.fate is Fate.unclear:
        raise Unknown(
            f"within {trial.seconds:.0f} s no agent {_name(world)} came; it is too early to say why",
            hint="Give more time with --timeout 60s",
            evidence=_evidence(world, trial),
        )
    raise (_untaken if trial.fate in {Fate.nobody, Fate.refused} else _lost)(world, outcome)


def _same_worker(world: World) -> str:
    """The worker of --worker has one job more while the agent is there: else another one of that name took it."""
    insist_worker(world)
    outcome = outcome_of(world)
    before, after, trial = outcome.before, outcome.after, outcome.trial
    if trial.fate is not Fate.came:
        raise NotApplicable("no agent came, see probe.agent")
    if before is None or after is None or after.agent_name is None:
        raise NotApplicable("the worker does not tell its jobs, see agent.worker")
    if after.active_jobs > before.active_jobs:
        return f"it has the probe's job: active_jobs was {before.active_jobs} before, and {after.active_jobs} then"
    said = f"another worker called {_name(world)} took the job: the one at {world.scope.worker} has no job more"
    hint = "Stop the other one, somebody's laptop maybe, or give each its own agent_name"
    evidence = (*_evidence(world, trial), f"active_jobs there: {before.active_jobs} before, {after.active_jobs} then")
    raise Problem(said, hint=hint, evidence=evidence)


def outcome_of(world: World) -> Outcome:
    """Make the trial, once in a run. Raises what the server refuses with."""
    return world.memory.once("probe", lambda: _try(world))


def _try(world: World) -> Outcome:
    with suppress(LkctlError):  # it makes the server look its workers up anew: before the job, not beside it
        server_info(world)
    wanted, metadata, seen = world.scope.agent or "", world.scope.room_metadata, list[WorkerInfo | None]()
    before, seconds = _ask_worker(world), min(max(1.0, world.patience - _REMOVAL), _LONGEST)
    api, undone = api_of(world), world.leftovers.undone
    trial = try_job(
        api, AgentRequest(wanted), undone, seconds, metadata=metadata,
        others=_other_names(world) if seconds > _ENOUGH else (), while_there=lambda _: seen.append(_ask_worker(world)),
    )  # fmt: skip
    again = None
    if trial.fate in {Fate.absent, Fate.left} and world.patience - trial.seconds > _AGAIN:
        with suppress(LkctlError):
            again = try_job(api, AgentRequest(wanted, "{}"), undone, _AGAIN, metadata=metadata)
    return Outcome(trial, before, seen[0] if seen else None, again)


def _ask_worker(world: World) -> WorkerInfo | None:
    with suppress(LkctlError):
        return worker_info(world, now=True) if world.scope.worker else None
    return None


def _other_names(world: World) -> Sequence[str]:
    """Give the names that may be meant: that of --worker and of the environment, other spellings, none at all."""
    wanted, told = world.scope.agent or "", _ask_worker(world)
    named = [told.agent_name or ""] if told is not None and told.agent_name else []
    named += [value for name in _VARIABLES if (value := world.environ.get(name, ""))]
    bare = wanted.strip()
    spelled = [bare, bare.lower(), bare.replace("_", "-"), bare.replace("-", "_"), bare.title(), bare.capitalize()]
    return [name for name in dict.fromkeys(["", *named, *spelled]) if name != wanted]


def _lateness(trial: Trial) -> Iterator[Finding]:
    if trial.seconds > _LATE:
        said = f"the agent came only after {trial.seconds:.0f} s: users wait for so long"
        hint = "Look for a cold start: idle processes, models loaded in the job, a slow disk, little CPU"
        yield Finding(said, hint, severity=Severity.warn)


def _passed(world: World, trial: Trial) -> str:
    answers = "and its process answers" if trial.pulse else "(its SDK cannot be asked whether its process lives)"
    by = f"; the job went to worker {trial.worker_id}" if trial.worker_id else ""
    came = f"an agent {_name(world)} came after {trial.seconds:.1f} s {answers}{by}"
    return f"{came}; this proves neither that it hears nor that it speaks"


def _untaken(world: World, outcome: Outcome) -> Problem:
    """No worker took the job: say which of the causes it is, as far as that can be found out."""
    trial, wanted = outcome.trial, world.scope.agent or ""
    if trial.fate is Fate.refused:
        said = f"a worker called {_name(world)} refused the job for good (reject, in its request_fnc)"
        return _problem(world, outcome, MISSING, said, "Its request_fnc refuses a room like this; look into it")
    others = trial.others or ()
    if others:
        return _problem(world, outcome, MISSING, *_other_name(wanted, others))
    worker = outcome.after or outcome.before
    fits = worker is not None and worker.agent_name == wanted and worker.job_type == "JT_ROOM"
    if worker is not None and fits and not is_full(worker) and not worker.trouble:
        said = f"the worker at {world.scope.worker} gets no jobs of {world.server_url().http}: it is called"
        said += f" {_name(world)}, is not full, and got none"
        hint = "Compare the LIVEKIT_URL and key that it runs with: its log says `registered worker`, or why not (401)."
        hint += " With LIVEKIT_AGENT_DEPLOYMENT it gets no such job either"
        return _problem(world, outcome, MISSING, said, hint)
    said = f"no worker took the job: none called exactly {_name(world)} is registered here, or each is full"
    if not wanted:
        said = "no worker took the job: none without a name is registered here, or each is full"
    hint = (
        "Is it running? Its log says `registered worker`, with its name and URL. A full one looks from here like none"
    )
    return _problem(world, outcome, MISSING, said, hint)


def _other_name(wanted: str, others: Sequence[str]) -> tuple[str, str]:
    if others[0]:
        said = f"no worker called {shown(wanted)} took the job, but one called {shown(others[0])}"
        said = said if wanted else f"no worker without a name took the job, but one called {shown(others[0])}"
        return said, "Names must be the same to the letter: use one in code, dispatch and token"
    said = f"no worker called {shown(wanted)} took the job, but one without a name: its code sets no agent_name"
    hint = f"Set agent_name={shown(wanted)} in @server.rtc_session, or dispatch nobody by name: it comes by itself"
    return said, hint


def _lost(world: World, outcome: Outcome) -> Problem:
    """A worker took the job, and its agent is not there, or not alive."""
    trial = outcome.trial
    again = outcome.with_metadata
    if again is not None and again.fate is Fate.came:
        said = f"the agent {_name(world)} crashes where the job has no metadata; with {{}} it comes"
        hint = "Let the code bear empty metadata: json.loads(ctx.job.metadata or '{}'); or dispatch it with some"
        return _problem(world, outcome, LOST, said, hint)
    said, hint = _LOSSES[trial.fate](trial)
    if trial.fate is Fate.absent:
        said, hint = _still_busy(outcome) or (said, hint)
    return _problem(world, outcome, LOST, said, hint)


_LOG = "Look into the worker's log, for `unhandled exception` or `process exited`"
_LOSSES: dict[Fate, Callable[[Trial], tuple[str, str]]] = {
    Fate.absent: lambda trial: (
        f"a worker took the job, and no agent was seen within {trial.seconds:.0f} s: it crashed, hangs or is slow",
        f"{_LOG}; or it cannot reach the server's media ports, or takes longer: `initialization timed out`",
    ),
    Fate.left: lambda trial: (
        f"an agent came after {trial.seconds:.1f} s and left {trial.stayed:.1f} s later: it crashed, or ends if alone",
        f"{_LOG}; one that leaves on purpose waits for nobody (ctx.wait_for_participant)",
    ),
    Fate.stuck: lambda _: (
        "the agent joined, but no path for media came about: still not ACTIVE",
        "The worker does not reach the server's media ports (UDP, 7881/TCP). From here: lkctl diagnose --media",
    ),
    Fate.dead: lambda trial: (
        f"an agent came after {trial.seconds:.1f} s, and its process died: it stood in the room and answered nothing",
        f"{_LOG}; killed for its memory, maybe. The server lists it for 20 s more",
    ),
}


def _still_busy(outcome: Outcome) -> tuple[str, str] | None:
    """Tell a job that hangs from one that crashed, by what the worker says; None where it says nothing."""
    before, after, waited = outcome.before, outcome.after, f"{outcome.trial.seconds:.0f} s"
    if before is None or after is None:
        return None
    if after.active_jobs > before.active_jobs:
        said = f"the worker still has the job after {waited}, and its agent did not join: it hangs"
        return (
            said,
            "Its entrypoint waits for something before ctx.connect(), or its process does not start; see its log",
        )
    said = (
        f"a worker took the job, and no agent was seen within {waited}: it crashed, for the worker has the job no more"
    )
    return said, f"{_LOG}: it happened before ctx.connect(), or at once after it"


def _problem(world: World, outcome: Outcome, code: str, said: str, hint: str) -> Problem:
    return Problem(
        said,
        hint=hint,
        code=code,
        evidence=_evidence(world, outcome.trial),
        ruled_out=tuple(_ruled_out(world, outcome)),
        explains=("room.dispatches",) if world.scope.room else (),
    )


def _evidence(world: World, trial: Trial) -> tuple[str, ...]:
    made = f"room {trial.room} was made with a job for an agent {_name(world)}, and removed again"
    taken = (f"worker {trial.worker_id} took the job",) if trial.worker_id else ()
    silent = ("its process did not answer an RPC",) if trial.pulse is False else ()
    return (made, *taken, *silent)


def _ruled_out(world: World, outcome: Outcome) -> Iterator[str]:
    trial, again = outcome.trial, outcome.with_metadata
    with suppress(LkctlError):
        server_info(world)
        yield "the way for workers: one with this key can register"
    if trial.others is not None and not trial.others:
        yield "another spelling of the name, or a worker without one, unless that is full: nobody took those jobs"
    if again is not None and again.fate is not Fate.came:
        yield "empty metadata: with {} it goes the same way"


def _name(world: World) -> str:
    return say_name(world.scope.agent or "")


PROBE_CHECKS: tuple[Check[World], ...] = (
    Check("probe.agent", "Agent comes when it is called", _agent, ("api.auth",), timeout=58.0, scope="probe"),
    Check("probe.worker", "Named worker took the job", _same_worker, ("api.auth",), Severity.warn, 58.0, "probe"),
)
