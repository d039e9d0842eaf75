"""What a run of checks adds up to (`lkctl.report/1`)."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lkctl.checks.result import Result, Severity, Status
from lkctl.errors import CATALOGUE

if TYPE_CHECKING:
    from lkctl.checks.cause import Cause


@dataclass(frozen=True, slots=True)
class Report:
    """A run. `verdict` is pass, warn or fail; the exit code is 0 or 1. One that was cut is never good."""

    command: str
    url: str
    started_at: datetime
    duration_ms: int
    results: tuple[Result, ...]
    strict: bool = False
    cut: str = ""  # why the run has not come to its end: interrupted, terminated, bug; "": it has

    @property
    def counts(self) -> dict[str, int]:
        """How many results ended in each way."""
        counted = Counter(result.status.value for result in self.results)
        return {status.value: counted[status.value] for status in Status}

    @property
    def failures(self) -> tuple[Result, ...]:
        """The results that make the run red."""
        return tuple(result for result in self.results if is_failure(result, strict=self.strict))

    @property
    def verdict(self) -> str:
        """Say pass, warn or fail."""
        if self.failures or self.cut:
            return "fail"
        return "warn" if any(r.status in {Status.warn, Status.unknown, Status.crash} for r in self.results) else "pass"

    @property
    def exit_code(self) -> int:
        """0, or 1 when something failed; that of the process where the run was cut."""
        if self.cut in CATALOGUE:
            return int(CATALOGUE[self.cut].exit_code)
        return 1 if self.failures or self.cut else 0

    @property
    def probable_cause(self) -> "Cause | None":
        """The one cause that explains the failures; None where nothing failed."""
        failures = self.failures
        if not failures:
            return None
        from lkctl.checks.cause import probable_cause  # a run that is well needs none

        return probable_cause(self.results, failures)

    def json(self) -> dict[str, Any]:
        """Give the fixed shape of a report."""
        from lkctl.output.jsontext import rfc3339

        cause = self.probable_cause
        return {
            "schema": "lkctl.report/1",
            "command": self.command,
            "target": {"url": self.url},
            "started_at": rfc3339(self.started_at),
            "duration_ms": self.duration_ms,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "cut": self.cut or None,
            "probable_cause": None if cause is None else cause.json(),
            "counts": self.counts,
            "results": [result.json() for result in self.results],
        }


def is_failure(result: Result, *, strict: bool = False) -> bool:
    """Whether a result makes a run red: failed, unknown and crashed, unless the check is advisory."""
    if result.status is Status.fail:
        return True
    if result.status in {Status.unknown, Status.crash}:
        return result.severity is Severity.fail
    return strict and result.status is Status.warn and result.severity is Severity.security
