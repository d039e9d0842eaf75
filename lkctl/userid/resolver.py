"""The resolver: which user ID an agent will use, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from lkctl.convention import make_user_id
from lkctl.userid.log import log_lines
from lkctl.userid.notices import Notice, quoted
from lkctl.userid.policy import SOURCES, Policy
from lkctl.userid.snapshot import Snapshot
from lkctl.userid.sources import Finding, examine, label, notice, spoofable_notice
from lkctl.userid.verdict import Level, TraceStep, Verdict, candidate, decide, retrace

_STANDARD: Final = Policy()


@dataclass(frozen=True, slots=True)
class Resolution:
    """The answer. `source` None: unresolved. `source` "random" without `user_id`: made by the agent at run time.

    `trusted` is false if the participant may change the ID himself, or if there is none. `log` holds the lines that
    the agent prints.
    """

    user_id: str | None
    source: str | None
    participant: str | None
    trusted: bool
    warnings: tuple[Notice, ...]
    trace: tuple[TraceStep, ...]
    log: tuple[str, ...]


def resolve(snapshot: Snapshot, policy: Policy = _STANDARD) -> Resolution:
    """Find the user ID; whatever the metadata holds becomes a warning, never an exception."""
    levels = [examine(source, snapshot, policy) for source in policy.order]
    off = [examine(source, snapshot, policy) for source in SOURCES if source not in policy.order]
    verdict = decide(levels, strict=policy.strict)
    winner = verdict.winner
    source = winner.source if winner else None
    user_id = random_id(snapshot) if source == "random" else (winner.value if winner else None)
    return Resolution(
        user_id=user_id,
        source=source,
        participant=winner.participant if winner else None,
        trusted=winner is not None and not winner.spoofable,
        warnings=(*_warnings(snapshot, levels, verdict), *_near_misses(off, winner)),
        trace=tuple(retrace(levels, off, verdict, user_id)),
        log=log_lines(source, user_id),
    )


def random_id(snapshot: Snapshot) -> str | None:
    """Make `user_{now_ms}_{12 of a-z0-9}` if the snapshot has an rng, as inside an agent; else nobody knows it yet."""
    if snapshot.rng is None:
        return None
    return make_user_id(snapshot.now_ms, snapshot.rng)


def _warnings(snapshot: Snapshot, levels: Sequence[Level], verdict: Verdict) -> Iterator[Notice]:
    """Warn of all that stands before the winner; below it only of what contradicts it."""
    if snapshot.room is None:
        yield notice("W-NOROOM", "room.name", None, f"Room {quoted(snapshot.name)} does not exist")
    for level in levels[: verdict.rank]:
        for finding in level:
            yield from finding.notices
    if verdict.first:
        yield from _on_deciding_level(levels[verdict.rank], verdict.first)
    if verdict.first and verdict.rivals:
        yield _ambiguous(verdict.first, verdict.rivals)
    if winner := verdict.winner:
        if winner.spoofable:
            yield spoofable_notice(winner)
        for level in levels[verdict.rank + 1 :]:
            yield from _conflict(level, winner)


def _on_deciding_level(level: Level, first: Finding) -> Iterator[Notice]:
    past = False
    for finding in level:
        # Passed over although it carries another ID: without the warning a later participant's claim would vanish
        claims = finding.status == "invalid" and finding.value not in {None, first.value}
        if not past or claims or finding.status == "skipped":
            yield from finding.notices
        past |= finding is first


def _ambiguous(first: Finding, rivals: Level) -> Notice:
    other = rivals[0]
    message = (
        f"Participant {quoted(first.participant or '')} comes first with {first.value}, "
        f"but participant {quoted(other.participant or '')} carries {other.value}"
    )
    if len(rivals) > 1:
        message += f", and {len(rivals) - 1} more carry others"
    return notice("W-AMBIGUOUS", other.source, other.participant, message)


def _conflict(level: Level, winner: Finding) -> Iterator[Notice]:
    other = candidate(level)
    if other and other.source != "random" and other.value != winner.value:
        message = f"{label(other.source, other.participant)} holds {other.value}, but {winner.source} comes first"
        yield notice("W-CONFLICT", other.source, other.participant, message)


def _near_misses(off: Sequence[Level], winner: Finding | None) -> Iterator[Notice]:
    """Mention IDs in sources that are off, unless the result is the same."""
    for level in off:
        other = candidate(level)
        if other and other.source != "random" and not (winner and winner.value == other.value):
            message = f"{label(other.source, other.participant)} holds {other.value}, but {other.source} is off"
            hint = f"If the agent reads it, add {other.source} to --order or choose another --preset"
            yield notice("W-NEARMISS", other.source, other.participant, message, hint)
