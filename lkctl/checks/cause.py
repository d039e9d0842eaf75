"""The one cause behind a red report: ranked by evidence, with what follows from it folded away."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import count
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


_Group = Sequence[tuple[Result, _Origin]]  # failures that come from the same


class _Account(NamedTuple):
    """A finding that would account for something, in its rank among such: the worse first, then as declared."""

    rank: tuple[int, int]
    result: Result
    finding: Finding


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
    ties = _Ties(results)
    groups: dict[tuple[str, int], list[tuple[Result, _Origin]]] = {}
    for failure in failures:
        origin = ties.origin(failure)
        groups.setdefault((origin.result.id, id(origin.finding)), []).append((failure, origin))
    return _cause(max(groups.values(), key=ties.weight), results, failures, ties)


class _Ties:
    """What hangs on what among results, looked up once: a report may have thousands."""

    def __init__(self, results: Sequence[Result]) -> None:
        self._results = results
        self._places: dict[str, int] = {}
        self._waiting: dict[str, list[int]] = {}  # the results that did not run because of a check
        self._accounts: dict[str, list[_Account]] = {}  # by what they explain
        number = count()
        for place, result in enumerate(results):
            self._places.setdefault(result.id, place)
            for name in result.blocked_by:
                self._waiting.setdefault(name, []).append(place)
            for finding in result.findings:
                account = _Account(
                    (_SEVERITIES.index(finding.severity or result.severity), next(number)), result, finding
                )
                for what in dict.fromkeys(finding.explains):
                    self._accounts.setdefault(what, []).append(account)
        for accounts in self._accounts.values():
            accounts.sort(key=lambda account: account.rank)
        self._patterns = [what for what in self._accounts if _WILD.search(what)]

    def origin(self, failure: Result) -> _Origin:
        """Follow the explanations from a failure to where they end; no result is visited twice."""
        origin = _Origin(failure, None, ())
        visited = {failure.id}
        while (account := self._account(origin.result, visited)) is not None:
            visited.add(account.result.id)
            origin = _Origin(account.result, account.finding, (origin.result, *origin.way))
        return origin

    def _account(self, explained: Result, visited: Collection[str]) -> _Account | None:
        """Find what accounts for a result: a finding that names its code before its id, its id before a pattern."""
        fitting = (what for what in self._patterns if fnmatchcase(explained.id, what))
        for names in ([explained.code], [explained.id], fitting):
            found = [self._first(name, visited) for name in names if name]
            best = min(filter(None, found), key=lambda account: account.rank, default=None)
            if best is not None:
                return best
        return None

    def _first(self, name: str, visited: Collection[str]) -> _Account | None:
        accounts = self._accounts.get(name, ())
        return next((account for account in accounts if account.result.id not in visited), None)

    def weight(self, group: _Group) -> tuple[int, ...]:
        """Say how much speaks for the origin of a group."""
        strongest = [failure for failure, _ in group]
        return (
            any(failure.status is not Status.crash for failure in strongest),
            any(failure.status is not Status.warn for failure in strongest),
            len(self._following(group)),
            any(failure.status is Status.fail for failure in strongest),
            any(failure.proof.evidence for failure in strongest),
            -self._places[group[0][1].result.id],
        )

    def following(self, group: _Group) -> tuple[str, ...]:
        """Name what follows from the origin of a group, in the order of the report."""
        return tuple(self._results[place].id for place in sorted(self._following(group)))

    def _following(self, group: _Group) -> set[int]:
        origin = group[0][1].result.id
        symptoms = {failure.id for failure, _ in group} | {one.id for _, o in group for one in o.way}
        caused = {self._places[name] for name in symptoms - {origin}}
        return caused.union(*(self._waiting.get(name, ()) for name in {origin, *symptoms}))


_SEVERITIES = (Severity.fail, Severity.security, Severity.warn, Severity.info)
_WILD = re.compile(r"[*?[]")


def _cause(group: _Group, results: Sequence[Result], failures: Sequence[Result], ties: _Ties) -> Cause:
    origin = group[0][1]
    result, finding = origin.result, origin.finding
    ways = [one for failure, traced in group for one in (*traced.way, *(() if traced.way else (failure,)))]
    symptoms = [one for one in {one.id: one for one in ways}.values() if one is not result]
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
        follows=ties.following(group),
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
