"""What a check that somebody else wrote must be to be run among ours: not everybody runs a type checker."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any, NamedTuple

from lkctl.checks.result import Check, Finding, Problem, Severity, Unknown
from lkctl.checks.selection import OPTIONS
from lkctl.checks.world import World
from lkctl.errors import LkctlError

_ID = r"[a-z][a-z0-9_-]*\.[a-z0-9][a-z0-9._-]*"
# Those of lkctl's own checks, and `plugin`; a test holds them against the catalogue, which takes long to load
AREAS = frozenset({
    "agent", "api", "clock", "endpoint", "env", "expect", "http", "media", "net", "plugin", "probe", "room", "server",
    "smoke", "source", "token", "url",
})  # fmt: skip
_TYPES = "title is a text, probe a function, needs a tuple of texts, severity a Severity, timeout seconds"


class Company(NamedTuple):
    """The checks among which one is to run; `every` loads all of ours, which takes a third of a run."""

    checks: tuple[Check[World], ...]
    every: Callable[[], Sequence[Check[World]]]

    def joined(self, more: Iterable[Check[World]]) -> "Company":
        """Give the company with more in it."""
        return self._replace(checks=(*self.checks, *more))

    def missing(self, names: Iterable[str]) -> list[str]:
        """Give those of the ids that no check has."""
        there = {one.id for one in self.checks}
        missing = [name for name in names if name not in there]
        return [name for name in missing if name not in {one.id for one in self.every()}] if missing else []


def fault_of(check: object, company: Company) -> str:
    """Say why what a plug-in gives cannot be run in this company; "" where it can."""
    return next(_faults(check, company), "")


def guarded(probe: Callable[[World], str]) -> Callable[[World], str]:
    """Give the probe, made to fail where what it says cannot be shown: no text, no severity, no finding."""

    @wraps(probe)
    def guarded(world: World) -> str:
        try:
            said = probe(world)
        except (Problem, Unknown, LkctlError) as error:
            _insist_texts(_words(error))
            if isinstance(error, Problem):
                _insist_findings(error.findings)
            raise
        _insist_texts([said])
        return said

    return guarded


def what(given: object) -> str:
    """Say what kind of thing was given."""
    return f"a thing of type {type(given).__name__}"


def _faults(check: Any, company: Company) -> Iterator[str]:
    if not isinstance(check, Check):
        yield f"{what(check)} is no Check"
        return
    if not (isinstance(check.id, str) and re.fullmatch(_ID, check.id)):
        yield f"the id {check.id!r:.60} is not of the form area.name"
        return
    if check.area in AREAS:
        yield f"{check.id}: the area {check.area} is lkctl's own"
    yield from (f"{check.id} is there already, from {one.package}" for one in company.checks if one.id == check.id)
    if not _is_typed(check):
        yield f"{check.id}: a field of it is of the wrong type: {_TYPES}"
        return
    missing = company.missing((*check.needs, *check.after))
    yield from (f"{check.id} needs {name!r}, which is not there, or comes later" for name in missing)
    if check.scope not in OPTIONS:
        yield f"{check.id}: there is no scope {check.scope!r}; there are {', '.join(filter(None, OPTIONS))}"


def _is_typed(check: Check[World]) -> bool:
    """Whether its fields hold what they are to hold."""
    return (
        _are_texts([check.title, check.scope])
        and callable(check.probe)
        and all(isinstance(names, (tuple, list)) and _are_texts(names) for names in (check.needs, check.after))
        and isinstance(check.severity, Severity)
        and isinstance(check.timeout, (int, float))
        and check.timeout > 0
    )


def _words(error: Problem | Unknown | LkctlError) -> Iterator[object]:
    """Give all that is to be a text."""
    if isinstance(error, LkctlError):
        yield from (error.message, error.hint, error.code, *error.proof[0], *error.proof[1])
        return
    yield from (*error.proof.evidence, *error.proof.ruled_out)
    if isinstance(error, Unknown):
        yield error.hint
        return
    yield error.code
    for finding in error.findings:
        yield from (finding.message, finding.hint, finding.place, *finding.explains)
        fix = finding.fix
        if fix is not None:
            yield from (fix.command, fix.path, fix.new, fix.old or "")
            yield from (text for one in fix.more for text in (one.old, one.new))


def _insist_texts(words: Iterable[object]) -> None:
    for one in words:
        if not isinstance(one, str):
            raise TypeError(f"{one!r:.40} is no text")


def _insist_findings(findings: Sequence[Finding]) -> None:
    """Insist on what a report ranks and counts with: "warn" is equal to a Severity, and is none."""
    if not findings:
        raise TypeError("a Problem has no finding")
    for one in findings:
        lines = () if one.fix is None else (one.fix.line, *(change.line for change in one.fix.more))
        if not isinstance(one.severity, Severity | None) or not all(isinstance(line, int | None) for line in lines):
            raise TypeError(f"{one.severity!r:.40} is no Severity, or a line of the fix no number")


def _are_texts(words: Iterable[object]) -> bool:
    return all(isinstance(one, str) for one in words)
