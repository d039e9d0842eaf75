"""What kind of project it is, as far as its files tell."""

from collections.abc import Iterator

from lkctl.checks.result import Finding, NotApplicable, Severity
from lkctl.checks.source.agentcode import agents_of
from lkctl.checks.source.agentimage import DOCKERFILE
from lkctl.checks.source.project import Project, project_of
from lkctl.checks.source.requirements import Requirement, python_requirements, script_requirements
from lkctl.checks.verdict import number_of, settle
from lkctl.checks.world import World

_PACKAGES = (
    "livekit-client",
    "@livekit/components-react",
    "livekit-server-sdk",
    "@livekit/agents",
    "@livekit/react-native",
)


def judge_project(world: World) -> str:
    """Say what was found: packages, agents, compose files, configurations; and what could not be read."""
    project = project_of(world)
    if not project.texts and not project.env_files:
        raise NotApplicable(f"{project.place('.')} holds no source file")
    kinds = list(_kinds(project))
    findings = [Finding(f"{reason}; it was not judged", severity=Severity.info) for reason in project.unread]
    if project.cut:
        said = f"reading stopped after {project.cut}: what comes behind was not judged"
        findings.append(Finding(said, "Name a folder further down", severity=Severity.info))
    return settle(findings, "; ".join(kinds) or f"{number_of(len(project.texts), 'file')}: none has to do with LiveKit")


def _kinds(project: Project) -> Iterator[str]:
    scripts, python = script_requirements(project), python_requirements(project)
    yield from (_said(one) for one in scripts if one.name in _PACKAGES)
    yield from (_said(one) for one in python if one.name in {"livekit-agents", "livekit-api", "livekit"})
    agents = [agent.name for agent in agents_of(project)]
    if agents:
        yield f"agent in Python: {', '.join(agents[:5])}"
    for what, pattern in (
        ("compose", r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml"),
        ("image", DOCKERFILE),
        ("server", r"livekit(?:[._-][\w.-]+)?\.ya?ml"),
    ):
        names = list(project.named(pattern))
        if names:
            yield f"{what}: {', '.join(names[:5])}"
    if project.env_files:
        yield f"env files: {', '.join(file.name for file in project.env_files[:5])}"


def _said(one: Requirement) -> str:
    return f"{one.name} {one.spec}".strip() + f" ({one.file}:{one.line})"
