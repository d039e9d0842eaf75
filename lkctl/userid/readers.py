"""The nine readers: what each source holds, before it is decided who wins."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from lkctl.userid.metadata import read_fields, read_metadata
from lkctl.userid.notices import Remark
from lkctl.userid.paths import COMMON_NAMES, KeyPath
from lkctl.userid.patterns import extract
from lkctl.userid.policy import Policy
from lkctl.userid.snapshot import ENV_NAME, Participant, Snapshot
from lkctl.userid.values import Reading, absent, judge, refused


def read_participant_metadata(participant: Participant, policy: Policy) -> Reading:
    """Read a participant's metadata."""
    return _metadata(participant.metadata, policy)


def read_participant_attributes(participant: Participant, policy: Policy) -> Reading:
    """Read a participant's attributes, whose names are never split at dots."""
    return _attributes(participant.attributes, policy.participant_names, policy)


def read_identity(participant: Participant, policy: Policy) -> Reading:
    """Match a participant's identity."""
    return _match(participant.identity, policy.identity_pattern, policy)


def read_room_metadata(snapshot: Snapshot, policy: Policy) -> Reading:
    """Read the room's metadata."""
    if snapshot.room is None:
        return absent("the room does not exist")
    return _metadata(snapshot.room.metadata, policy)


def read_room_name(snapshot: Snapshot, policy: Policy) -> Reading:
    """Match the room's name, whether the room exists or not."""
    return _match(snapshot.name, policy.room_pattern, policy)


def read_env(snapshot: Snapshot, policy: Policy) -> Reading:
    """Read CHROME_USER_ID in the environment that was handed in."""
    value = snapshot.env.get(ENV_NAME)
    if not value:
        return absent("is not set" if value is None else "is set to nothing")
    reading = judge(value, "", strict=policy.strict)
    if reading.status != "found":
        return reading
    reading = replace(reading, reason="is set")
    if snapshot.env_origin == "agent":
        return reading
    origin = Remark("W-ENVORIGIN", "", "comes from this shell, not from the agent's environment")
    return replace(reading, remarks=(*reading.remarks, origin))


def read_random(_snapshot: Snapshot, _policy: Policy) -> Reading:
    """Promise an ID: it is made only if this source wins."""
    says = "makes a random ID at run time: no source before this one holds a valid ID"
    return Reading("found", None, "made by the agent at run time", (Remark("W-RANDOM", "", says),))


def read_job_metadata(snapshot: Snapshot, policy: Policy) -> Reading:
    """Read the metadata of the agent's dispatch."""
    return _metadata(snapshot.job.metadata, policy)


def read_job_attributes(snapshot: Snapshot, policy: Policy) -> Reading:
    """Read the attributes of the agent's job."""
    return _attributes(snapshot.job.attributes, policy.names, policy)


PARTICIPANT_READERS: Final[Mapping[str, Callable[[Participant, Policy], Reading]]] = MappingProxyType(
    {
        "participant.metadata": read_participant_metadata,
        "participant.attributes": read_participant_attributes,
        "participant.identity": read_identity,
    },
)

READERS: Final[Mapping[str, Callable[[Snapshot, Policy], Reading]]] = MappingProxyType(
    {
        "room.metadata": read_room_metadata,
        "room.name": read_room_name,
        "env": read_env,
        "random": read_random,
        "job.metadata": read_job_metadata,
        "job.attributes": read_job_attributes,
    },
)


def _metadata(text: str, policy: Policy) -> Reading:
    return read_metadata(text, policy.paths, strict=policy.strict, decode_nested=policy.decode_nested)


def _attributes(attributes: Mapping[str, str], names: tuple[KeyPath, ...], policy: Policy) -> Reading:
    if not attributes:
        return absent("no attributes")
    return read_fields(attributes, names, COMMON_NAMES, strict=policy.strict)


def _match(subject: str, pattern: str, policy: Policy) -> Reading:
    try:
        candidate = extract(pattern, subject)
    except ValueError as error:
        return refused("W-TOOLONG", "", str(error))
    if candidate is None:
        return absent(f"does not match {pattern}")
    reading = judge(candidate, "The ID", strict=policy.strict)
    return replace(reading, reason=f"matches {pattern}") if reading.status == "found" else reading
