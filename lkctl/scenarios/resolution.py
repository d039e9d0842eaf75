"""Which user ID an agent would use: gathered from the API or from a file, judged by the resolver."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from lkctl.errors import LkctlError
from lkctl.files.content import parse_json, read_path
from lkctl.models import Participant, Room
from lkctl.userid import (
    Policy,
    Resolution,
    Snapshot,
    build_policy,
    resolve,
    snapshot_from_api,
    snapshot_from_json,
)

if TYPE_CHECKING:
    from lkctl.server.api import Api  # HTTP is for those who ask a server


@dataclass(frozen=True, slots=True)
class Demands:
    """What the caller wants of a resolution."""

    resolved: bool = False
    user_id: str | None = None


def make_policy(preset: str, **changes: Any) -> Policy:
    """Make a policy from options; raise `usage` for what is no policy."""
    try:
        return build_policy(preset, **changes)
    except ValueError as error:
        raise LkctlError("usage", str(error), hint="Run: lkctl agent resolve --help") from None


def agent_environment(
    pairs: Sequence[str] | None, env_file: str | None, *, use_my_env: bool
) -> tuple[dict[str, str], Literal["agent", "operator"]]:
    """Put the agent's environment together: --agent-env over --agent-env-file, or this shell's own."""
    environment = dict(os.environ) if use_my_env else {}
    if env_file is not None:
        from lkctl.files.envfile import read_env_file

        environment |= {e.name: e.value for e in read_env_file(Path(env_file)).entries if e.value is not None}
    given = dict(_pair(text) for text in pairs or ())
    mine = use_my_env and not given and env_file is None
    return environment | given, "operator" if mine else "agent"


def from_api(api: "Api", room: str, *, require_room: bool) -> Snapshot:
    """Look at a room through the API: no join, no side effect."""
    found = api.get_room(room) if require_room else api.find_room(room)
    return snapshot_of(room, found, tuple(api.list_participants(room)) if found is not None else ())


def snapshot_of(name: str, room: Room | None, participants: tuple[Participant, ...]) -> Snapshot:
    """Make the resolver's view of a room from what the API lists."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    return snapshot_from_api(room, participants, Snapshot(room_name=name, now_ms=now_ms))


def from_file(path: str, room: str | None, stdin: TextIO) -> Snapshot:
    """Read a snapshot document; raise `input-malformed` naming the field that is wrong."""
    name = "standard input" if path == "-" else path
    try:
        return snapshot_from_json(parse_json(read_path(path, stdin), name), room or "")
    except ValueError as error:
        raise LkctlError(
            "input-malformed", f"{name} is no snapshot: {error}", hint="Make one: lkctl room inspect ROOM -o json"
        ) from None


def judge(
    snapshot: Snapshot, environment: Mapping[str, str], origin: Literal["agent", "operator"], policy: Policy
) -> Resolution:
    """Resolve a snapshot with the environment from the options laid over its own."""
    if environment:
        snapshot = replace(snapshot, env={**snapshot.env, **environment}, env_origin=origin)
    return resolve(snapshot, policy)


def shortfall(resolution: Resolution, demands: Demands) -> str:
    """Say which demand is not met; "" when all are."""
    if resolution.source is None:
        return "the user ID is unresolved"
    if demands.user_id is not None and resolution.user_id != demands.user_id:
        found = resolution.user_id or f"none ({resolution.source})"
        return f"expected the user ID {demands.user_id}, the agent would use {found}"
    if demands.resolved and resolution.user_id is None:
        return "there is no user ID: the agent would make a random one"
    return ""


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise LkctlError(
            "usage",
            "--agent-env wants NAME=VALUE",
            hint="For example: --agent-env CHROME_USER_ID=user_1704067200000_abc123",
        )
    return name, value
