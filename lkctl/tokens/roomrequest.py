"""The room that a token asks for, as its roomConfig claim.

The server takes it when a join makes the room, and passes it over where the room is there already.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lkctl.errors import LkctlError
from lkctl.tokens.document import read_document
from lkctl.tokens.roomconfig import in_camel_case, room_config_fault


def make_room_config(config: Mapping[str, Any], metadata: str | None, agents: Iterable[str]) -> dict[str, Any]:
    """Join what was asked for into one roomConfig, in camelCase; raise `usage` where they contradict each other.

    `config` is a RoomConfiguration as protojson takes it; `metadata` the room's; `agents` are NAME or NAME=METADATA.
    What the server would refuse stays as it is: the rules tell it (L15, L24).
    """
    asked = dict(config) if room_config_fault(config) else in_camel_case(config)
    if metadata is not None:
        _insist_same(asked.get("metadata"), metadata, "the room metadata")
        asked["metadata"] = metadata
    added = [_agent(word) for word in agents]
    if added:
        asked["agents"] = _joined(asked.get("agents") or [], added)
    return asked


def _agent(word: str) -> dict[str, str]:
    name, equals, metadata = word.partition("=")
    if not name or (equals and not metadata):
        lacks = "metadata behind its =" if name else "name"
        raise LkctlError("usage", f"the agent {word!r} has no {lacks}", hint="Write NAME, or NAME=METADATA")
    return {"agentName": name, "metadata": metadata} if equals else {"agentName": name}


def _joined(configured: Any, added: list[dict[str, str]]) -> list[Any]:
    """Add agents to those of the configuration; one that is there already is not dispatched twice."""
    if not isinstance(configured, list) or not all(isinstance(agent, dict) for agent in configured):
        told = "the agents of the room configuration are no list of objects"
        raise LkctlError("usage", told, hint="Name all agents in one place")
    known = {agent.get("agentName"): agent for agent in configured}
    for agent in added:
        name, there = agent["agentName"], known.get(agent["agentName"], {})
        _insist_same(
            there.get("metadata") if "metadata" in agent else None, agent.get("metadata"), f"the agent {name!r}"
        )
    return [*configured, *(agent for agent in added if agent["agentName"] not in known)]


def _insist_same(configured: Any, added: str | None, what: str) -> None:
    if configured and added and not _same(configured, added):
        told = f"{what} is given in the room configuration and beside it, with different values"
        raise LkctlError("usage", told, hint="Give it in one place only")


def _same(one: Any, other: str) -> bool:
    """Compare texts as JSON, so that blanks do not count; as texts where one is no JSON."""
    try:
        return one == other or bool(read_document(str(one)).value == read_document(other).value)
    except ValueError:
        return False
