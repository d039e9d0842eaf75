"""Do the versions fit each other? Only pairs of which it is known that they do not are told.

Sources: livekit/agents (1.0 has no pipeline), livekit/client-sdk-js #1439 and its release notes of 2.9.9, #1887;
which livekit-agents goes with which livekit was tried with pip; which livekit-client the components want is what the
published versions of @livekit/components-react name as peer, and npm 11 stops at what contradicts it (tried).
"""

import ast
import re
from collections.abc import Iterator

from lkctl.checks.result import Finding, Fix, NotApplicable, Severity
from lkctl.checks.source.project import Project, line_of, project_of
from lkctl.checks.source.requirements import (
    Requirement,
    Version,
    locked_client,
    locked_python,
    python_requirements,
    script_requirements,
)
from lkctl.checks.source.services import Service, services_of
from lkctl.checks.verdict import settle
from lkctl.checks.world import World

NO_WORKER = ("agent.worker", "agent.seen", "probe.*")  # what fails where the worker cannot start
_GONE = re.compile(r"livekit\.agents\.(?:pipeline|voice_assistant|multimodal|transcription)(?:\..*)?")
_GONE_NAMES = {"VoicePipelineAgent", "VoiceAssistant", "MultimodalAgent"}
_ONE_SLASH_TOO_MANY = ((2, 9, 6), (2, 9, 8))  # wss://host//rtc
_NEW_JOIN, _OLD_SERVER = (2, 18, 1), (1, 9, 9)
_COMPONENTS = "@livekit/components-react"
_PLAIN = re.compile(r"[\s\d.^~<>=vx*]*")  # a version or range of npm: no address, no `1 || 2`, no `1 - 2`
# A version of these, and the livekit-client (^) that it wants as its peer, up to the next one. There is a 3.0.0 of
# them, too: it wants 2.0.10, and tells nothing of what comes
_PEERS = """
1.0.0 1.7.0, 1.0.6 1.11.2, 1.0.7 1.11.4, 1.0.8 1.12.0, 1.4.1 1.15.1, 2.0.0 2.0.2, 2.0.5 2.0.10, 2.1.2 2.1.0,
2.3.1 2.1.5, 2.3.4 2.2.0, 2.4.0 2.4.0, 2.6.1 2.5.4, 2.6.5 2.5.7, 2.7.0 2.8.0, 2.8.0 2.8.1, 2.9.0 2.9.5, 2.9.2 2.11.1,
2.9.9 2.13.1, 2.9.12 2.13.3, 2.9.16 2.15.14, 2.9.18 2.16.0, 2.9.20 2.17.2, 2.9.21 2.18.2, 2.9.23 2.20.1
"""


def judge_versions(world: World) -> str:
    """Look for versions that are known not to work together; nothing is installed or looked up."""
    project = project_of(world)
    python, scripts = python_requirements(project), script_requirements(project)
    if not python and not scripts and not project.code:
        raise NotApplicable("there is no requirements.txt, pyproject.toml, package.json, and no agent")
    findings = [*_old_code(project, python), *_shadowed(project, python), *_pinned_rtc(project, python)]
    findings += [*_client(project, scripts), *_client_and_server(project, scripts), *_peers(project, scripts)]
    names = sorted({one.file for one in (*python, *scripts)})
    return settle(findings, f"no version in {', '.join(names) or 'the code'} is known to fail")


def _old_code(project: Project, python: list[Requirement]) -> Iterator[Finding]:
    """Code for livekit-agents 0.x, where 1.x is or may be installed."""
    asked = [one for one in python if one.name == "livekit-agents"]
    locked = locked_python(project, "livekit-agents")
    modern = locked >= (1,) if locked else any(one.allows(1) for one in asked) or not asked
    for name, tree in project.code.items() if modern else ():
        for node in ast.walk(tree):
            gone = _gone(node)
            if gone:
                said = f"{gone} is of livekit-agents 0.x, and {_what(asked, locked)}: the agent stops at its import"
                hint = "Use AgentSession and Agent of 1.x, or require livekit-agents<1"
                yield Finding(said, hint, project.place(name, node.lineno), Severity.warn, NO_WORKER)  # type: ignore[attr-defined]
                break


def _gone(node: ast.AST) -> str:
    if isinstance(node, ast.ImportFrom) and node.module:
        if _GONE.fullmatch(node.module):
            return node.module
        names = (
            {alias.name for alias in node.names} & _GONE_NAMES if node.module.startswith("livekit.agents") else set()
        )
        return next(iter(sorted(names)), "")
    if isinstance(node, ast.Import):
        return next((alias.name for alias in node.names if _GONE.fullmatch(alias.name)), "")
    return ""


def _what(asked: list[Requirement], locked: Version) -> str:
    if locked:
        return f"{'.'.join(map(str, locked))} is locked"
    one = next((one for one in asked if one.allows(1)), None)
    return f"{one.name}{one.spec} ({one.file}:{one.line}) installs 1.x" if one else "pip installs 1.x"


def _shadowed(project: Project, python: list[Requirement]) -> Iterator[Finding]:
    """The package `jwt` has the module's name of PyJWT, which livekit-api needs."""
    needs = {"pyjwt", "livekit-api", "livekit-agents", "livekit"} & {one.name for one in python}
    for one in python:
        if one.name == "jwt" and (needs or project.code):
            said = "the package jwt lies over PyJWT, which livekit-api needs: `module 'jwt' has no attribute 'encode'`"
            old = line_of(project.texts[one.file], one.line)
            fix = Fix(
                path=project.place(one.file),
                line=one.line,
                old=old,
                new=re.sub(r"\bjwt\b[^\s\"',;#]*", "PyJWT", old, count=1),
            )
            hint = "Run: pip uninstall jwt PyJWT && pip install PyJWT, and require that"
            place = project.place(one.file, one.line)
            yield Finding(said, hint, place, Severity.warn, NO_WORKER, fix if "livekit" not in old else None)


def _pinned_rtc(project: Project, python: list[Requirement]) -> Iterator[Finding]:
    """Each livekit-agents wants one livekit; asking for a newer one makes pip take an old livekit-agents."""
    agents = [one for one in python if one.name == "livekit-agents"]
    for one in python:
        if one.name == "livekit" and agents and one.lowest() >= (1, 2) and not locked_python(project, "livekit-agents"):
            pinned = any(agent.lowest() > (1, 3) for agent in agents)
            meaning = (
                "pip finds no livekit-agents that goes with it"
                if pinned
                else "pip takes livekit-agents 1.3 for it, silently"
            )
            said = f"livekit{one.spec} beside livekit-agents: {meaning}"
            hint = "Leave livekit out: livekit-agents brings the one that it needs"
            yield Finding(said, hint, project.place(one.file, one.line), Severity.warn, NO_WORKER)


def _client_version(project: Project, scripts: list[Requirement]) -> tuple[Version, str, int]:
    """Give the version of livekit-client that is surely used: locked, or asked for exactly."""
    version, name, line = locked_client(project)
    if version:
        return version, name, line
    one = next((one for one in scripts if one.name == "livekit-client" and one.exact()), None)
    return (one.exact(), one.file, one.line) if one is not None else ((), "", 0)


def _client(project: Project, scripts: list[Requirement]) -> Iterator[Finding]:
    version, name, line = _client_version(project, scripts)
    if version and _ONE_SLASH_TOO_MANY[0] <= version <= _ONE_SLASH_TOO_MANY[1]:
        said = (
            f"livekit-client {'.'.join(map(str, version))} connects to wss://host//rtc, as 2.9.6 to 2.9.8 do: it fails"
        )
        yield Finding(
            said,
            "Run: npm install livekit-client@latest",
            project.place(name, line),
            Severity.warn,
            ("media.signal", "media.connect"),
        )


def _client_and_server(project: Project, scripts: list[Requirement]) -> Iterator[Finding]:
    version, name, line = _client_version(project, scripts)
    for service in services_of(project) if version >= _NEW_JOIN else ():
        found = isinstance(service, Service) and re.search(
            r"livekit-server:v?(\d+)\.(\d+)\.(\d+)", service.text("image")
        )
        if found and tuple(map(int, found.groups())) <= _OLD_SERVER:
            said = f"livekit-client {'.'.join(map(str, version))} cannot join livekit-server {'.'.join(found.groups())}"
            said += f" ({service.file}): from 2.18.1 it needs 1.9.10"  # type: ignore[union-attr]
            hint = "Use a newer image of livekit-server, or livekit-client 2.17"
            yield Finding(said, hint, project.place(name, line), Severity.warn, ("media.signal", "media.connect"))


def _peers(project: Project, scripts: list[Requirement]) -> Iterator[Finding]:
    """Find a livekit-client that is not the peer of the components that the same file asks for."""
    plain = [one for one in scripts if _PLAIN.fullmatch(one.spec)]
    for components in (one for one in plain if one.name == _COMPONENTS and not one.allows(3)):
        peer = _peer_of(components.lowest())
        beside = (one for one in plain if one.name == "livekit-client" and one.file == components.file)
        for client in beside if peer else ():
            older = client.exact() and client.exact() < peer
            if older or not client.allows(peer[0]):
                wanted = ".".join(map(str, peer))
                said = f"{_COMPONENTS} {components.spec} wants livekit-client ^{wanted}, and {client.spec} is asked for"
                said += ": npm installs neither (ERESOLVE)"
                hint = f"Run: npm install {_COMPONENTS}@latest livekit-client@latest"
                yield Finding(said, hint, project.place(client.file, client.line), Severity.warn)


def _peer_of(version: Version) -> Version:
    """Give the lowest livekit-client for the components of this version; () where that is not known."""
    known = [[tuple(map(int, part.split("."))) for part in pair.split()] for pair in _PEERS.split(",")]
    return next((peer for first, peer in reversed(known) if version and first <= version), ())
