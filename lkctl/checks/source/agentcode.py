"""What agent code gets wrong: entrypoints that nobody calls, data read too early, jobs that nobody dispatches.

Source: livekit-agents 1.8 (AgentServer, WorkerOptions, JobContext); what is visible at which moment was measured with
real workers. Judged from the tree of the code: nothing is imported.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lkctl.checks.result import Finding, Fix, NotApplicable, Severity
from lkctl.checks.source.dependencies import NO_WORKER
from lkctl.checks.source.project import Project, line_of, project_of
from lkctl.checks.source.pythoncode import (
    Function,
    argument,
    calls,
    dotted,
    functions,
    guarded,
    imported,
    later,
    text_of,
)
from lkctl.checks.verdict import settle
from lkctl.checks.world import World

NO_AGENT = ("agent-lost",)  # what fails where a worker takes the job, and no agent comes of it
_NO_JOB = ("dispatch-missing", "room.dispatch*", "agent.seen")
_DISPATCHES = re.compile(r"RoomAgentDispatch|create_dispatch|createDispatch|AgentDispatchClient|roomConfig|room_config")
_MINTS = re.compile(r"\bAccessToken\s*\(")
_MOST = 20  # calls of a kind that are looked at in one file
_STARTS = ("connect", "start", "run_app")


@dataclass(frozen=True, slots=True)
class Agent:
    """A file with an agent in it."""

    project: Project
    name: str
    tree: ast.Module

    def finding(
        self,
        node: ast.AST,
        said: str,
        hint: str,
        change: tuple[str, str] | None = None,
        explains: tuple[str, ...] = NO_AGENT,
    ) -> Finding:
        """Say what is wrong at a node; `change` is what to replace in its line, and with what."""
        line = int(getattr(node, "lineno", 1))
        old = line_of(self.project.texts[self.name], line)
        fix = None
        if change is not None and change[0] in old:
            fix = Fix(path=self.project.place(self.name), line=line, old=old, new=old.replace(*change))
        return Finding(said, hint, self.project.place(self.name, line), Severity.warn, explains, fix)


def agents_of(project: Project) -> list[Agent]:
    """Give the files that use livekit-agents."""
    found = [Agent(project, name, tree) for name, tree in project.code.items()]
    return [it for it in found if any(name.startswith("livekit.agents") for name in imported(it.tree))]


def judge_agent(world: World) -> str:
    """Read agents written in Python, without importing them: entrypoints, dispatch, metadata, order of participants."""
    agents = agents_of(project_of(world))
    if not agents:
        raise NotApplicable("there is no agent in Python here")
    findings = [finding for agent in agents for finding in _judge(agent)]
    findings += _entrypoint_missing(agents)
    findings += _names(agents, world)
    places = ", ".join(agent.name for agent in agents[:5])
    return settle(findings, f"{places}: entrypoint, dispatch and metadata are handled as livekit-agents wants it")


def entrypoints(agents: list[Agent]) -> Iterator[tuple[Agent, Function]]:
    """Give the functions that livekit-agents calls for a job: decorated, or given to WorkerOptions."""
    for agent in agents:
        named = {dotted(argument(call, "entrypoint_fnc", 0)) for call in calls(agent.tree, "WorkerOptions")}
        for function in functions(agent.tree):
            if function.name in named or any(_decorates(mark) for mark in function.decorator_list):
                yield agent, function


def _decorates(mark: ast.expr) -> bool:
    target = mark.func if isinstance(mark, ast.Call) else mark
    return isinstance(target, ast.Attribute) and target.attr == "rtc_session"


def _judge(agent: Agent) -> Iterator[Finding]:
    yield from _unknown_decorator(agent)
    yield from _metadata(agent)
    yield from _first_participant(agent)
    for _, function in entrypoints([agent]):
        yield from _too_early(agent, function)
        yield from _never_connects(agent, function)


def _unknown_decorator(agent: Agent) -> Iterator[Finding]:
    """Guides tell of `@agents.job_entrypoint`, which no release of livekit-agents has."""
    for function in functions(agent.tree):
        for mark in function.decorator_list:
            target = mark.func if isinstance(mark, ast.Call) else mark
            if dotted(target).rpartition(".")[2] == "job_entrypoint":
                said = f"livekit-agents has no {dotted(target)}: the script stops with an AttributeError"
                hint = "Write: server = AgentServer(), and @server.rtc_session() over the function"
                old = f"@{dotted(target)}{'()' if isinstance(mark, ast.Call) else ''}"
                new = _served(agent, mark, dotted(target))
                yield agent.finding(mark, said, hint, (old, new) if new else None, NO_WORKER)


def _served(agent: Agent, mark: ast.expr, name: str) -> str:
    """Write the decorator that there is, over the server that it needs if none was made; "" where it is not known."""
    names = [part for part in ast.walk(agent.tree) if isinstance(part, ast.Name) and part.id == "server"]
    if any(isinstance(part.ctx, ast.Store) and part.lineno < mark.lineno for part in names):
        return "@server.rtc_session()"
    module = name.rpartition(".")[0]
    return f"server = {module}.AgentServer()\n\n\n@server.rtc_session()" if module else ""


def _metadata(agent: Agent) -> Iterator[Finding]:
    """Metadata is "" where nobody gave any: json.loads raises, and the job is over."""
    safe = guarded(agent.tree)
    asking = [node for node in ast.walk(agent.tree) if isinstance(node, ast.If | ast.IfExp)]
    for call in islice(calls(agent.tree, "loads"), _MOST):
        given = call.args[0] if call.args else None
        source = dotted(given)
        if not re.search(r"(?:^|\.)(?:job|room|participant|local_participant)\.metadata$", source):
            continue
        if id(call) not in safe and not any(_asks(node, call, source) for node in asking):
            said = f"json.loads({source}) stops the job where the metadata is empty or no JSON"
            hint = f"Catch ValueError around it, or ask `if {source}:` first"
            yield agent.finding(call, said, hint)


def _asks(node: ast.If | ast.IfExp, call: ast.Call, source: str) -> bool:
    """Whether an `if` looks at the same metadata, and the call stands in it, or behind it where it leaves."""
    if not any(dotted(part) == source for part in ast.walk(node.test)):
        return False
    leaves = isinstance(node, ast.If) and isinstance(node.body[-1], ast.Return | ast.Raise)
    return (leaves and node.lineno < call.lineno) or any(part is call for part in ast.walk(node))


def _first_participant(agent: Agent) -> Iterator[Finding]:
    """`remote_participants` is a dictionary in no promised order, and often still empty."""
    for node in ast.walk(agent.tree):
        taken: ast.AST | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == 0:
            taken = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next" and node.args:
            taken = node.args[0]
        if taken is not None and _is_all_participants(taken):
            said = "takes whichever comes first of remote_participants: another user, an agent, or nobody yet"
            hint = "Write: participant = await ctx.wait_for_participant(), or choose by identity or joined_at"
            yield agent.finding(node, said, hint)


def _is_all_participants(node: ast.AST) -> bool:
    """Whether an expression is `list(….remote_participants.values())`, with no condition or order of its own."""
    parts = list(ast.walk(node))
    chosen = any(isinstance(part, ast.comprehension) and part.ifs for part in parts)
    ordered = any(
        isinstance(part, ast.Call) and dotted(part.func) in {"sorted", "min", "max", "filter"} for part in parts
    )
    return (
        not chosen
        and not ordered
        and any(isinstance(part, ast.Attribute) and part.attr == "remote_participants" for part in parts)
    )


def _too_early(agent: Agent, function: Function) -> Iterator[Finding]:
    """Before the agent is connected, the room has no metadata and no participants."""
    connected = min((call.lineno for call in calls(function, "connect", "start", "wait_for_participant")), default=0)
    seen: set[str] = set()
    inner = later(function)
    for node in ast.walk(function):
        name = dotted(node) if isinstance(node, ast.Attribute) else ""
        early = re.fullmatch(r"(\w+)\.room\.(metadata|remote_participants|local_participant)", name)
        if early is None or node.lineno >= connected or name in seen or id(node) in inner:  # type: ignore[attr-defined]
            continue
        seen.add(name)
        said = f"{name} is read before the agent is connected, when it is always empty"
        if early[2] == "metadata":
            better = f"{early[1]}.job.room.metadata"
            yield agent.finding(node, said, f"Read {better}, or read it after connecting", (name, better))
        else:
            yield agent.finding(node, said, f"Write `await {early[1]}.connect()` before it")


def _never_connects(agent: Agent, function: Function) -> Iterator[Finding]:
    """Somebody must call connect or AgentSession.start; one to whom the context is handed may do so."""
    context = function.args.args[0].arg if function.args.args else ""
    handed = any(
        dotted(given) == context
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for given in (*call.args, *(keyword.value for keyword in call.keywords))
    )
    if not handed and not any(calls(function, *_STARTS)):
        said = f"{function.name} never connects: the job ends without the agent in the room"
        yield agent.finding(function, said, f"Write `await {context or 'ctx'}.connect()`, or start an AgentSession")


def _entrypoint_missing(agents: list[Agent]) -> Iterator[Finding]:
    """A worker that runs needs a function to call; it may stand in another file."""
    runs = [(agent, call) for agent in agents for call in calls(agent.tree, "run_app")]
    handed = any(True for agent in agents for _ in calls(agent.tree, "WorkerOptions"))
    guide = any("job_entrypoint" in agent.project.texts[agent.name] for agent in agents)
    declared = handed or any(True for _ in entrypoints(agents)) or guide
    for agent, call in runs if not declared else ():
        said = "no entrypoint is declared: livekit-agents has nothing to call for a job"
        yield agent.finding(
            call, said, "Put @server.rtc_session() over the function, before cli.run_app(server)", None, NO_WORKER
        )


def _names(agents: list[Agent], world: World) -> Iterator[Finding]:
    """An agent with a name gets no job by itself."""
    texts = [text for name, text in agents[0].project.texts.items() if not name.endswith(".lock")]
    dispatched = any(_DISPATCHES.search(text) for text in texts)
    minted = any(_MINTS.search(text) for text in texts)
    for agent in agents:
        for call in calls(agent.tree, "rtc_session", "WorkerOptions", "AgentServer"):
            name = text_of(argument(call, "agent_name"))
            wanted = world.scope.agent
            if wanted and name and name != wanted:
                said = f"the agent is called {name!r} here, and --agent asks for {wanted!r}"
                yield agent.finding(
                    call,
                    said,
                    "Use one name in code, dispatch and token",
                    None,
                    ("agent.name", "agent.seen", "probe.*"),
                )
            if name and not dispatched and minted:
                said = f"agent_name {name!r} is set: no room calls the agent by itself, and nothing here dispatches it"
                hint = f"Name it in the token (roomConfig.agents) or run: lkctl dispatch create ROOM {name}"
                yield agent.finding(call, said, hint, None, _NO_JOB)
