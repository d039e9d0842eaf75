"""Which user ID an agent would use: gathered from the API or from a file, judged by the resolver."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from lkctl.errors import LkctlError
from lkctl.files.content import read_path
from lkctl.models import Dispatch, Participant, Room
from lkctl.tokens.document import read_strictly
from lkctl.userid import (
    ENV_NAME,
    Job,
    Policy,
    Resolution,
    Snapshot,
    build_policy,
    resolve,
    snapshot_from_api,
    snapshot_from_json,
)

if TYPE_CHECKING:
    from lkctl.scenarios.roomfilter import RoomFilter
    from lkctl.server.api import Api  # HTTP is for those who ask a server

Judge = Callable[[Snapshot], Resolution]

_SNAPSHOT_KEYS = {"room", "participants", "job", "env", "now_ms", "local_identity"}


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
    theirs: dict[str, str] = {}
    if env_file is not None:
        from lkctl.files.envfile import read_env_file

        theirs |= {e.name: e.value for e in read_env_file(Path(env_file)).entries if e.value is not None}
    theirs |= dict(_pair(text) for text in pairs or ())
    mine = dict(os.environ) if use_my_env else {}
    return mine | theirs, "operator" if ENV_NAME in mine and ENV_NAME not in theirs else "agent"


def from_api(api: "Api", room: str, *, require_room: bool) -> Snapshot:
    """Look at a room through the API: no join, no side effect."""
    found = api.get_room(room) if require_room else api.find_room(room)
    if found is None:
        return snapshot_of(room, None)
    return snapshot_of(room, found, tuple(api.list_participants(room)), tuple(api.list_dispatches(room)))


def snapshot_of(
    name: str, room: Room | None, participants: Sequence[Participant] = (), dispatches: Sequence[Dispatch] = ()
) -> Snapshot:
    """Make the resolver's view of a room from what the API lists; the job is the oldest dispatch with metadata."""
    told = sorted((one for one in dispatches if one.metadata), key=lambda one: (str(one.created_at), one.id))
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    base = Snapshot(room_name=name, now_ms=now_ms, job=Job(metadata=told[0].metadata if told else ""))
    return snapshot_from_api(room, participants, base)


def from_file(path: str, room: str | None, stdin: TextIO) -> Snapshot:
    """Read a snapshot document; raise `input-malformed` naming the field that is wrong."""
    name = "standard input" if path == "-" else path
    document = read_strictly(read_path(path, stdin), name)
    if isinstance(document, dict) and document and not _SNAPSHOT_KEYS & document.keys():
        told = f"{name} is no snapshot: it has none of {', '.join(sorted(_SNAPSHOT_KEYS))}"
        raise LkctlError("input-malformed", told, hint="Make one: lkctl room inspect ROOM -o json")
    try:
        return snapshot_from_json(document, room or "")
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


def choose_way(via: str | None, snapshot: str | None) -> Literal["api"] | None:
    """Say how the room is looked at; None is a snapshot. Raise `usage` for another way, or two at once."""
    if via not in {None, "api"}:
        raise LkctlError("usage", f"--via is {via!r}", hint="Choose: api")
    if snapshot is not None and via is not None:
        raise LkctlError("usage", "--snapshot excludes --via", hint="Give one or the other")
    return "api" if snapshot is None else None


def choose_rooms(
    filters: tuple[Sequence[str] | None, str | None, Sequence[str] | None],
    *,
    all_rooms: bool,
    excluded: Mapping[str, object],
) -> "RoomFilter | None":
    """Say which rooms `--all` means (--match, --older-than, --metadata-has); None: it is about one.

    Raises `usage` for filters without `--all`, and for what it excludes.
    """
    if not all_rooms:
        if any(one is not None for one in filters):
            told = "--match, --older-than and --metadata-has choose among all rooms"
            raise LkctlError("usage", told, hint="Give --all with them")
        return None
    for name, value in excluded.items():
        if value:
            raise LkctlError("usage", f"--all excludes {name}", hint="Give one or the other")
    from lkctl.scenarios.roomfilter import room_filter

    return room_filter(*filters)


def insist(resolution: Resolution, demands: Demands) -> None:
    """Raise `expectation-failed` for an unresolved ID, and for a demand that is not met."""
    failure = unmet(resolution, demands)
    if failure is not None:
        raise failure


def unmet(resolution: Resolution, demands: Demands) -> LkctlError | None:
    """Give the error for an unresolved ID, or for a demand that is not met; None where all is well."""
    if resolution.source is None:
        return LkctlError("expectation-failed", "the user ID is unresolved", hint="The warnings say why")
    if demands.user_id is not None and resolution.user_id != demands.user_id:
        found = resolution.user_id or "a random one"
        told = f"expected the user ID {demands.user_id}, the agent would use {found}"
        return LkctlError("expectation-failed", told, hint="--explain shows every level, and why it won or lost")
    if demands.resolved and resolution.user_id is None:
        told = "there is no user ID: the agent would make a random one"
        return LkctlError("expectation-failed", told, hint="--explain shows what was looked at")
    return None


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise LkctlError(
            "usage",
            "--agent-env wants NAME=VALUE",
            hint="For example: --agent-env CHROME_USER_ID=user_1704067200000_abc123",
        )
    return name, value
