"""Which user ID an agent would use: gathered from the API or from a file, judged by the resolver."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TextIO

from lkctl.errors import LkctlError
from lkctl.files.content import read_path
from lkctl.models import Dispatch, Participant, Room
from lkctl.tokens.document import read_strictly, shown
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
from lkctl.userid.snapshot import USER_KINDS

if TYPE_CHECKING:
    from lkctl.scenarios.roomfilter import RoomFilter
    from lkctl.server.api import Api  # HTTP is for those who ask a server

Judge = Callable[[Snapshot], Resolution]

_TOLD_WITHIN = 3.0  # seconds in which the server tells of those who publish nothing; measured on 1.13.5
_SNAPSHOT_KEYS = {"room", "participants", "job", "env", "now_ms", "local_identity"}


class Sight(NamedTuple):
    """What was seen of a room, and remarks on what an agent in it would see otherwise."""

    snapshot: Snapshot
    remarks: tuple[str, ...] = ()


class Agent(NamedTuple):
    """An agent that is asked what it would do: how it searches, and what is known of its environment."""

    policy: Policy
    environment: Mapping[str, str]
    origin: Literal["agent", "operator"]

    def look(self, snapshot: Snapshot) -> Snapshot:
        """Give what it sees of a room: its environment lies over that of the snapshot."""
        if not self.environment:
            return snapshot
        return replace(snapshot, env={**snapshot.env, **self.environment}, env_origin=self.origin)

    def resolve(self, snapshot: Snapshot) -> Resolution:
        """Give what it would use."""
        return resolve(self.look(snapshot), self.policy)


@dataclass(frozen=True, slots=True)
class Demands:
    """What the caller wants of a resolution."""

    resolved: bool = False
    user_id: str | None = None

    @property
    def any(self) -> bool:
        """Whether anything is demanded."""
        return self.resolved or self.user_id is not None


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


def from_api(api: "Api", room: str, *, require_room: bool) -> Sight:
    """Look at a room through the API: no join, no side effect."""
    from lkctl.scenarios.look import insisting_room, look_at

    found = api.get_room(room) if require_room else api.find_room(room)
    look = look_at(api, found, room, dispatches=False)
    if look.room is None:
        return Sight(snapshot_of(room, None))
    with insisting_room(api, room):
        dispatches = api.list_dispatches(room)
    snapshot = snapshot_of(room, look.room, look.participants, dispatches)
    return Sight(snapshot, tuple(_otherwise(look.participants, api.now.timestamp())))


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


def choose_way(
    via: str | None, snapshot: str | None, *, follow: bool, create: bool, interval: str | None
) -> Literal["api", "rtc", "snapshot"]:
    """Say how the room is looked at; raise `usage` for an unknown way, and for what does not go with it."""
    if via not in {None, "api", "rtc"}:
        raise LkctlError("usage", f"--via is {via!r}", hint="Choose: api or rtc")
    if snapshot is not None:
        given = {"--via": via is not None, "--follow": follow, "--create": create, "--interval": interval is not None}
        exclude("--snapshot", given)
        return "snapshot"
    if create and via != "rtc":
        raise LkctlError("usage", "--create is for --via rtc", hint="Through the API an absent room can be judged, too")
    if interval is not None and (via == "rtc" or not follow):
        told = "--interval is the pause between two looks of --follow through the API"
        raise LkctlError("usage", told, hint="Give it with --follow, and without --via rtc")
    return "rtc" if via == "rtc" else "api"


def exclude(option: str, others: Mapping[str, object]) -> None:
    """Raise `usage` for those of the others that are given, too."""
    for name, value in others.items():
        if value:
            raise LkctlError("usage", f"{option} excludes {name}", hint="Give one or the other")


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
    exclude("--all", excluded)
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


def _otherwise(participants: Sequence[Participant], now: float) -> Iterator[str]:
    """Say whom an agent in the room sees otherwise than the API: later, or as a user."""
    for one in participants:
        if one.kind not in USER_KINDS or one.permission.hidden or not one.is_there:
            continue
        age = now - one.joined_at_ms / 1000
        if age < _TOLD_WITHIN and not one.tracks:
            yield (
                f"participant {shown(one.identity)} joined {max(0.0, age):.1f} s ago and publishes nothing: an agent "
                f"that was in the room before hears of it up to {_TOLD_WITHIN:g} s after the join"
            )
        if one.permission.agent or one.permission.recorder:
            what = "an agent" if one.permission.agent else "a recorder"
            yield (
                f"participant {shown(one.identity)} has the permission of {what}, but is of kind {one.kind}: "
                "an agent in the room sees the kind only, and takes it for a user"
            )


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise LkctlError(
            "usage",
            "--agent-env wants NAME=VALUE",
            hint="For example: --agent-env CHROME_USER_ID=user_1704067200000_abc123",
        )
    return name, value
