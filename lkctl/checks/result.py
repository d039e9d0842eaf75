"""What a check is, what it says, and what a run of checks adds up to (`lkctl.report/1`)."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from lkctl.errors import docs_anchor

World = TypeVar("World")


class Severity(StrEnum):
    """What a problem that a check finds amounts to."""

    fail = "fail"
    warn = "warn"
    security = "security"
    info = "info"


class Status(StrEnum):
    """How a check ended."""

    passed = "pass"
    warn = "warn"
    fail = "fail"
    unknown = "unknown"
    skip = "skip"
    crash = "crash"


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem among several that one check found; `place` is file and line, such as `.env:3`."""

    message: str
    hint: str = ""
    place: str = ""
    severity: Severity | None = None  # None: that of the check

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class Problem(Exception):
    """Raised by a probe: what is wrong, and the next step. `code` is the finer cause (errors.CATALOGUE)."""

    def __init__(self, message: str, *, hint: str = "", code: str = "", severity: Severity | None = None) -> None:
        super().__init__(message)
        self.findings: tuple[Finding, ...] = (Finding(message, hint, severity=severity),)
        self.code = code


class Problems(Problem):
    """Raised by a probe that found several things."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class Unknown(Exception):
    """Raised by a probe that could not reach a verdict; says why."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class NotApplicable(Exception):
    """Raised by a probe that has nothing to judge here; the check is skipped with this reason."""


@dataclass(frozen=True, slots=True)
class Check(Generic[World]):
    """One thing that can be judged. The probe gives the detail of a pass, or raises Problem, Unknown, NotApplicable."""

    id: str  # stable: docs anchor, --only, JUnit name
    title: str  # affirmative: "API accepts the key"
    probe: Callable[[World], str]
    needs: tuple[str, ...] = ()
    severity: Severity = Severity.fail
    timeout: float = 5.0  # seconds

    @property
    def area(self) -> str:
        """The part before the dot."""
        return self.id.partition(".")[0]

    @property
    def docs(self) -> str:
        """Where the README explains the check."""
        return docs_anchor(self.id)


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended, in words; `findings` are the single problems behind `detail`."""

    id: str
    area: str
    title: str
    severity: Severity
    status: Status
    detail: str
    hint: str | None
    docs: str
    duration_ms: int
    code: str = ""
    findings: tuple[Finding, ...] = ()
    blocked_by: tuple[str, ...] = ()

    def json(self) -> dict[str, Any]:
        """Give the fixed shape of a result in a report."""
        return {
            "id": self.id,
            "area": self.area,
            "title": self.title,
            "severity": self.severity.value,
            "status": self.status.value,
            "detail": self.detail,
            "hint": self.hint or None,
            "docs": self.docs,
            "duration_ms": self.duration_ms,
            "code": self.code or None,
            "findings": [
                {
                    "severity": (finding.severity or self.severity).value,
                    "place": finding.place or None,
                    "message": finding.message,
                    "hint": finding.hint or None,
                }
                for finding in self.findings
            ],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A whole run. `verdict` is pass, warn or fail; the exit code is 0 or 1."""

    command: str
    url: str
    started_at: datetime
    duration_ms: int
    results: tuple[Result, ...]
    strict: bool = False

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
        if self.failures:
            return "fail"
        return "warn" if any(r.status in {Status.warn, Status.unknown, Status.crash} for r in self.results) else "pass"

    @property
    def exit_code(self) -> int:
        """0, or 1 when something failed."""
        return 1 if self.failures else 0

    @property
    def probable_cause(self) -> Result | None:
        """The failure that explains the others: it waits for no other failure, and most results depend on it."""
        roots = [result for result in self.failures if not result.blocked_by]
        if not roots:
            return None
        return max(roots, key=lambda root: (self._explains(root), -self.results.index(root)))

    def _explains(self, root: Result) -> int:
        return sum(1 for result in self.results if root.id in result.blocked_by)

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
            "probable_cause": None
            if cause is None
            else {
                "check": cause.id,
                "code": cause.code or None,
                "message": cause.detail,
                "hint": cause.hint,
                "docs": cause.docs,
            },
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
