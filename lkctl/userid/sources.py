"""The findings: what each source holds, for whom, and what is to be said about it."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from lkctl.userid.notices import HINTS, Notice, Remark, quoted
from lkctl.userid.policy import Policy
from lkctl.userid.readers import PARTICIPANT_READERS, READERS
from lkctl.userid.snapshot import ENV_NAME, Snapshot, by_arrival, disqualification
from lkctl.userid.values import Reading

SELF_WRITABLE: Final = frozenset({"participant.metadata", "participant.attributes"})


@dataclass(frozen=True, slots=True)
class Finding:
    """What one source holds, or what it holds of one participant.

    `value` is a valid ID; a random one is found without it, because it is yet to be made. It is also set for those
    passed over in spite of it: the skipped, and the invalid who are spoofable.
    """

    source: str
    participant: str | None
    status: Literal["found", "empty", "invalid", "absent", "skipped"]
    value: str | None
    reason: str
    notices: tuple[Notice, ...] = ()
    spoofable: bool = False


def examine(source: str, snapshot: Snapshot, policy: Policy) -> tuple[Finding, ...]:
    """Read one source: users in the order of their arrival, then those who are no users; never empty."""
    if source in PARTICIPANT_READERS:
        return _examine_participants(source, snapshot, policy)
    return (_finding(source, None, READERS[source](snapshot, policy)),)


def notice(code: str, source: str, participant: str | None, message: str, hint: str = "") -> Notice:
    """Make a warning; without a `hint` of its own it has that of the catalogue."""
    return Notice(code, source, participant, message, hint or HINTS[code])


def label(source: str, participant: str | None) -> str:
    """Name a source as the subject of a message."""
    noun = source.partition(".")[2]
    if participant is not None:
        return f"The {noun} of participant {quoted(participant)}"
    return {"env": ENV_NAME, "random": "The agent"}.get(source) or f"The {source.replace('.', ' ')}"


def spoofable_notice(finding: Finding) -> Notice:
    """Warn of an ID that its participant may change."""
    noun = finding.source.partition(".")[2]
    message = f"Participant {quoted(finding.participant or '')} may rewrite the {noun} with {finding.value} in it"
    return notice("W-SPOOFABLE", finding.source, finding.participant, message)


def _examine_participants(source: str, snapshot: Snapshot, policy: Policy) -> tuple[Finding, ...]:
    users: list[Finding] = []
    others: list[Finding] = []
    for participant in by_arrival(snapshot.participants):
        finding = _finding(source, participant.identity, PARTICIPANT_READERS[source](participant, policy))
        if participant.identity == snapshot.local_identity:
            others.append(_skipped(finding, "is the agent itself", warn=False))
        elif why := disqualification(participant):
            others.append(_skipped(finding, why, warn=True))
        else:
            writable = source in SELF_WRITABLE and participant.permission.can_update_metadata
            users.append(_screened(finding, policy) if writable else finding)
    return (*users, *others) or (Finding(source, None, "absent", None, "no participants"),)


def _finding(source: str, participant: str | None, reading: Reading) -> Finding:
    where = label(source, participant) if reading.remarks else ""
    notices = tuple(_located(remark, where, source, participant) for remark in reading.remarks)
    return Finding(source, participant, reading.status, reading.value, reading.reason, notices)


def _located(remark: Remark, where: str, source: str, participant: str | None) -> Notice:
    subject = f"{remark.about} in {where[0].lower()}{where[1:]}" if remark.about else where
    return notice(remark.code, source, participant, f"{subject} {remark.says}", remark.hint)


def _skipped(finding: Finding, why: str, *, warn: bool) -> Finding:
    notices: tuple[Notice, ...] = ()
    if warn and finding.status == "found":
        message = f"Participant {quoted(finding.participant or '')} carries {finding.value}, but {why}"
        notices = (notice("W-SKIPPED", finding.source, finding.participant, message),)
    return replace(finding, status="skipped", reason=why, notices=notices)


def _screened(finding: Finding, policy: Policy) -> Finding:
    if finding.status != "found" or not policy.require_trusted:
        return replace(finding, spoofable=True)
    reason = "the participant may rewrite it; passed over by require_trusted"
    return replace(finding, status="invalid", reason=reason, notices=(spoofable_notice(finding),), spoofable=True)
