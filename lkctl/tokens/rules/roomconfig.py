"""Rules on the configuration of the room that a token makes (L24-L26)."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from lkctl.tokens.claims import bare, folded
from lkctl.tokens.document import pairs_of, read_document, shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject
from lkctl.tokens.rules.spelling import meant_key

_MOST, _LONGEST_STEP = 10, 40
_LONGEST_DEPLOYMENT = 64  # bytes; livekit/protocol agent/environment.go
_POLICIES = ("JRP_ON_FAILURE", "JRP_NEVER", 0, 1, None)
# What Go's CheckCredentials looks for in outputs (auth/grants.go), and what is secret beside it (livekit_egress.proto)
_SECRET_FIELDS = {"secret", "credentials", "accountkey", "sessiontoken", "password", "assumeroleexternalid"}
_STREAMS = {"streamoutputs", "stream"}
_LEAKS = "Start the egress from the server instead; the server accepts the token, and only logs a warning"


def _configuration(subject: Subject) -> Iterable[Fault]:
    values = subject.reading.values
    if "roomConfig" in values or "roomPreset" in values or subject.facts.agent:
        return islice(_configured(subject), _MOST)
    return ()


def _configured(subject: Subject) -> Iterator[Fault]:
    from lkctl.tokens.roomconfig import AGENT_FIELDS, ROOM_FIELDS, in_camel_case

    preset = subject.reading.text("roomPreset")
    config = in_camel_case(subject.reading.values.get("roomConfig", {}))
    agents = config.get("agents") or []
    if agents or not preset:  # a preset may name them, but only where the token names none
        yield from _expected(subject, [agent["agentName"] for agent in agents if agent.get("agentName")])
    if preset:
        told = f"the server's configuration must have the room preset {shown(preset)}"
        yield Fault(told, "Without it validate says 200, and the join fails with a bare 500", Severity.info)
    yield from _unknown("roomConfig", config, ROOM_FIELDS)
    for number, agent in enumerate(agents):
        yield from _unknown(f"roomConfig.agents[{number}]", agent, AGENT_FIELDS)
        yield from _dispatch(f"roomConfig.agents[{number}]", agent)


def _expected(subject: Subject, named: list[str]) -> Iterator[Fault]:
    wanted = subject.facts.agent
    if not wanted or wanted in named or not subject.joins:
        return
    does = f"dispatches {', '.join(map(shown, named[:3]))}" if named else "dispatches no agent by name"
    hint = f'Put {{"agentName": "{wanted}"}} into roomConfig.agents: --agent {wanted} in lkctl'
    yield Fault(f"the agent {shown(wanted)} is expected, but the token {does}", hint)


def _unknown(where: str, message: Mapping[str, Any], fields: frozenset[str]) -> Iterator[Fault]:
    known = {folded(name): name for name in fields}
    for key in islice((key for key in message if key not in fields), _MOST):
        right = meant_key(key, known)
        told = f"the server does not know {shown(key)} in {where} and ignores it"
        yield Fault(told, f"Write {right}") if right else Fault(told, "", Severity.info)


def _dispatch(where: str, agent: Mapping[str, Any]) -> Iterator[Fault]:
    name = agent.get("agentName") or ""
    if not name.strip():
        yield Fault(f"{where} names no agent: only workers without a name take it", "Give it an agentName")
    elif name != name.strip():
        yield Fault(f"the agentName in {where} has blanks around it: no worker has that name", "Remove them")
    if wrong := deployment_fault(agent.get("deployment") or ""):
        told = f"the deployment in {where} {wrong}: the server says 200 and dispatches nothing"
        yield Fault(told, "Write it without blanks and underscores, in at most 64 bytes")
    if agent.get("restartPolicy") not in _POLICIES:
        yield Fault(f"the restartPolicy in {where} does not exist and is ignored", "Write JRP_ON_FAILURE or JRP_NEVER")
    if agent.get("metadata") and not _is_json(agent["metadata"]):
        yield Fault(f"the metadata in {where} is not JSON; agents that parse it fail", "Write a JSON object")


def deployment_fault(deployment: str) -> str:
    """Say why the server takes no such deployment; "" where it does (livekit/protocol agent/environment.go)."""
    content = deployment.encode()
    if len(content) > _LONGEST_DEPLOYMENT:
        return f"has {len(content)} bytes, over the limit of {_LONGEST_DEPLOYMENT}"
    if "_" in deployment:
        return "holds an underscore"
    return "holds a blank or a control character" if any(byte <= 0x20 or byte == 0x7F for byte in content) else ""  # noqa: PLR2004


def _is_json(text: str) -> bool:
    try:
        read_document(text)
    except ValueError:
        return False
    return True


def _egress(subject: Subject) -> Iterator[Fault]:
    egress = subject.reading.values.get("roomConfig", {}).get("egress")
    if egress:
        yield from (
            Fault(f"{where} holds {what}", _LEAKS) for where, what in islice(_leaks(egress, "roomConfig.egress"), _MOST)
        )


def _leaks(message: dict[str, Any], where: str) -> Iterator[tuple[str, str]]:
    """Look everywhere: a secret in a field that the server does not know is as readable as any other."""
    for key, value in pairs_of(message):
        meant, place = bare(key), f"{where}.{_step(key)}"
        if meant in _SECRET_FIELDS and value and isinstance(value, str):
            yield place, "a secret of the cloud storage"
        elif meant in _STREAMS and value:
            yield place, "the outputs of a stream, with their keys"
        elif isinstance(value, dict):
            yield from _leaks(value, place)
        elif isinstance(value, list):
            for item in (item for item in value if isinstance(item, dict)):
                yield from _leaks(item, f"{place}[]")


def _step(key: str) -> str:
    return key if len(key) <= _LONGEST_STEP and key.isidentifier() else shown(key)


def _too_late(subject: Subject) -> Iterator[Fault]:
    if subject.facts.room_live:
        values = subject.reading.values
        given = [name for name in ("roomConfig", "roomPreset") if values.get(name)]
        if given:
            told = f"the room is open already: {' and '.join(given)} will be ignored"
            yield Fault(told, "Change the room, and dispatch the agent, through the server's API")


ROOM_CONFIG_RULES: tuple[Rule, ...] = (
    Rule(
        "L24",
        Severity.warning,
        "The room configuration does not do what it should",
        _configuration,
        "the agent is not dispatched, or a setting has no effect",
    ),
    Rule(
        "L25",
        Severity.security,
        "The room configuration holds a secret",
        _egress,
        "whoever holds the token can read it",
    ),
    Rule(
        "L26",
        Severity.warning,
        "The room configuration comes too late",
        _too_late,
        "it dispatches no agent, and no error says so",
    ),
)
