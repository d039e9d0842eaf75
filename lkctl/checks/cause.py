"""The one cause behind a red report: ranked by evidence, with what follows from it folded away."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from lkctl.checks.result import Finding, Fix, Result, Severity, Status


@dataclass(frozen=True, slots=True)
class Cause:
    """What to mend first.

    `evidence`: what proves it. `ruled_out`: other causes that were tried and are not it; `passed`: the checks that it
    needs, all fine. `follows`: the checks that failed or did not run because of it; `others`: failures that do not
    follow from it. `fix`: the exact change, where it is known.
    """

    check: str
    code: str
    message: str
    hint: str
    docs: str
    evidence: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    fix: Fix | None = None

    def json(self) -> dict[str, Any]:
        """Give the shape of `probable_cause` in a report."""
        return {
            "check": self.check,
            "code": self.code or None,
            "message": self.message,
            "hint": self.hint or None,
            "docs": self.docs,
            "evidence": list(self.evidence),
            "ruled_out": list(self.ruled_out),
            "passed": list(self.passed),
            "follows": list(self.follows),
            "others": list(self.others),
            "fix": None if self.fix is None else self.fix.json(),
        }


class _Origin(NamedTuple):
    """Where a failure comes from: a result, or one finding of it; `way` holds the results between it and the failure.

    The failure itself is the last of the way; where it has no deeper origin it is its own, and the way is empty.
    """

    result: Result
    finding: Finding | None
    way: tuple[Result, ...]


def probable_cause(results: Sequence[Result], failures: Sequence[Result]) -> Cause | None:
    """Find what explains the failures; None where nothing failed.

    Each failure is followed to its origin: the finding of another check that `explains` it, by its code or its id, and
    so on. Of the origins that one is the cause from which most follows: the failures that it explains, and the checks
    that did not run because of these. Of equals, what failed comes before what is merely unknown, what is proven before
    what is not, and then what was declared first. A crash, which is a defect of lkctl's, and a security finding that
    only --strict makes a failure come after everything else.
    """
    if not failures:
        return None
    traced = [(failure, _origin(failure, results)) for failure in failures]
    groups: dict[tuple[str, Finding | None], list[tuple[Result, _Origin]]] = {}
    for failure, origin in traced:
        groups.setdefault((origin.result.id, origin.finding), []).append((failure, origin))
    return _cause(max(groups.values(), key=lambda group: _weight(group, results)), results, failures)


def _weight(group: Sequence[tuple[Result, _Origin]], results: Sequence[Result]) -> tuple[int, ...]:
    strongest = [failure for failure, _ in group]
    return (
        any(failure.status is not Status.crash for failure in strongest),
        any(failure.status is not Status.warn for failure in strongest),
        len(_following(group, results)),
        any(failure.status is Status.fail for failure in strongest),
        any(failure.proof.evidence for failure in strongest),
        -results.index(group[0][1].result),
    )


def _origin(failure: Result, results: Sequence[Result]) -> _Origin:
    """Follow the explanations from a failure to where they end; no result is visited twice."""
    origin = _Origin(failure, None, ())
    visited = {failure.id}
    while True:
        deeper = [account for account in _accounts(origin.result, results) if account[1].id not in visited]
        if not deeper:
            return origin
        _, result, finding = max(deeper, key=lambda account: account[0])
        visited.add(result.id)
        origin = _Origin(result, finding, (origin.result, *origin.way))


def _accounts(explained: Result, results: Sequence[Result]) -> Iterator[tuple[tuple[int, int, int], Result, Finding]]:
    """Find the findings that account for a result, each with its strength: by code, by id, by pattern; the worse."""
    for place, result in enumerate(results):
        for finding in result.findings if result is not explained else ():
            fits = [_fits(explained, what) for what in finding.explains]
            if any(fits):
                worse = -_SEVERITIES.index(finding.severity or result.severity)
                yield (max(fits), worse, -place), result, finding


_SEVERITIES = (Severity.fail, Severity.security, Severity.warn, Severity.info)


def _fits(explained: Result, what: str) -> int:
    """Say how closely a finding names what it explains: its code 3, its id 2, a pattern of ids 1, not at all 0."""
    if explained.code and what == explained.code:
        return 3
    return 2 if what == explained.id else int(fnmatchcase(explained.id, what))


def _following(group: Sequence[tuple[Result, _Origin]], results: Sequence[Result]) -> tuple[str, ...]:
    """Name what follows from the origin of a group, in the order of the report."""
    origin = group[0][1].result.id
    symptoms = {failure.id for failure, _ in group} | {one.id for _, o in group for one in o.way}
    caused = symptoms - {origin}
    return tuple(
        result.id for result in results if result.id in caused or not {origin, *symptoms}.isdisjoint(result.blocked_by)
    )


def _cause(group: Sequence[tuple[Result, _Origin]], results: Sequence[Result], failures: Sequence[Result]) -> Cause:
    origin = group[0][1]
    result, finding = origin.result, origin.finding
    ways = [one for failure, traced in group for one in (*traced.way, *(() if traced.way else (failure,)))]
    symptoms = [one for one in dict.fromkeys(ways) if one is not result]
    behind = [result, *symptoms]
    explained = {failure.id for failure, _ in group}
    return Cause(
        check=result.id,
        code=result.code,
        message=result.detail if finding is None else str(finding),
        hint=(result.hint or "") if finding is None else finding.hint,
        docs=result.docs,
        evidence=_unique(
            *result.proof.evidence,
            *(said for one in symptoms for said in (f"{one.id}: {one.detail}", *one.proof.evidence)),
        ),
        ruled_out=_unique(*(said for one in behind for said in one.proof.ruled_out)),
        passed=_passed(behind, results),
        follows=_following(group, results),
        others=tuple(failure.id for failure in failures if failure.id not in {*explained, result.id}),
        fix=_fix(result.findings if finding is None else (finding,), symptoms),
    )


def _fix(findings: Sequence[Finding], symptoms: Sequence[Result]) -> Fix | None:
    """Take the change that the cause itself names, else the one that an experiment on its symptom found."""
    every = [*findings, *(finding for one in symptoms for finding in one.findings)]
    return next((finding.fix for finding in every if finding.fix is not None), None)


def _passed(behind: Sequence[Result], results: Sequence[Result]) -> tuple[str, ...]:
    """Name the checks below those behind the cause that passed: it is none of what they judge."""
    by_id = {result.id: result for result in results}
    below: set[str] = set()
    ahead = [name for result in behind for name in result.needs]
    while ahead:
        name = ahead.pop()
        if name in by_id and name not in below:
            below.add(name)
            ahead += by_id[name].needs
    return tuple(one.id for one in results if one.id in below and one.status is Status.passed)


def _unique(*said: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))
