"""The verdict: who wins among the findings, and how the search went, step by step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from lkctl.userid.notices import quoted
from lkctl.userid.sources import Finding

Level = tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step of the search: a source, or one participant in it. `value` is set only if it is a valid ID."""

    source: str
    participant: str | None
    status: Literal["won", "outranked", "empty", "invalid", "absent", "disabled", "skipped"]
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who is first: a finding on level `rank`. `rivals` are later participants on that level with other IDs."""

    rank: int
    first: Finding | None = None
    rivals: Level = ()
    refused: bool = False

    @property
    def winner(self) -> Finding | None:
        """The first, unless refused because of its rivals."""
        return None if self.refused else self.first


def decide(levels: Sequence[Level], *, strict: bool) -> Verdict:
    """Take the first level with an ID, and there the first participant; with `strict` nobody if others disagree."""
    for rank, level in enumerate(levels):
        found = [finding for finding in level if finding.status == "found"]
        if found:
            rivals = tuple(finding for finding in found if finding.value != found[0].value)
            return Verdict(rank, found[0], rivals, refused=strict and bool(rivals))
    return Verdict(len(levels))


def retrace(
    levels: Sequence[Level],
    off: Sequence[Level],
    verdict: Verdict,
    user_id: str | None,
) -> Iterator[TraceStep]:
    """Tell every step: the sources in their order, then those that are off."""
    for rank, level in enumerate(levels):
        for finding in level:
            yield _step(finding, rank, verdict, user_id)
    for level in off:
        chosen = candidate(level)
        value = chosen.value if chosen else None
        yield TraceStep(level[0].source, chosen.participant if chosen else None, "disabled", value, "not in the order")


def candidate(level: Level) -> Finding | None:
    """Pick what a level would give if nothing came before it."""
    return next((finding for finding in level if finding.status == "found"), None)


def _step(finding: Finding, rank: int, verdict: Verdict, user_id: str | None) -> TraceStep:
    source, participant = finding.source, finding.participant
    if finding.status != "found":
        return TraceStep(source, participant, finding.status, finding.value, finding.reason)
    if finding is verdict.winner:
        return TraceStep(source, participant, "won", user_id, finding.reason)
    if verdict.refused and rank == verdict.rank:
        return TraceStep(source, participant, "invalid", finding.value, "participants carry different IDs; strict")
    return TraceStep(source, participant, "outranked", finding.value, _why_outranked(finding, rank, verdict))


def _why_outranked(finding: Finding, rank: int, verdict: Verdict) -> str:
    first = verdict.first
    if first is None or verdict.refused:
        return "not reached: a source before it is ambiguous"
    if rank > verdict.rank:
        return f"{finding.reason}; {first.source} comes first"
    return f"{finding.reason}; participant {quoted(first.participant or '')} comes first"
