"""What a check is, and what it says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

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


class Change(NamedTuple):
    """A line of a file, as it is, and as it should be; as in `Fix`."""

    line: int
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Fix:
    """The exact change that mends it: a line of a file to replace (`old` None: to add), or a command to run.

    `line` counts from 1; None with `old` None: at the end of the file. `new` may hold several lines; "" takes `old`
    away. `more`: further lines of the same file, below. lkctl shows it (`--fix`) and never applies it. Values that are
    secrets are masked; where they are, `command` may hold what makes the same change without naming them. A command
    holds nothing that a server or a file said.
    """

    command: str = ""
    path: str = ""
    line: int | None = None
    old: str | None = None
    new: str = ""
    more: tuple[Change, ...] = ()

    def json(self) -> dict[str, Any]:
        """Give the shape of a `fix` in a report."""
        return {
            "command": self.command or None,
            "path": self.path or None,
            "line": self.line,
            "old": self.old,
            "new": self.new or None,
            "more": [{"line": one.line, "old": one.old, "new": one.new or None} for one in self.more],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem among several that one check found; `place` is file and line, such as `.env:3`.

    `explains` names what it would account for, if that fails: ids of checks such as `api.auth` or `media.*`, or codes.
    """

    message: str
    hint: str = ""
    place: str = ""
    severity: Severity | None = None  # None: that of the check
    explains: tuple[str, ...] = ()
    fix: Fix | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


@dataclass(frozen=True, slots=True)
class Proof:
    """What stands behind a problem: what was seen, and which other causes were tried and are not it."""

    evidence: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()


NO_PROOF = Proof()


class Problem(Exception):
    """Raised by a probe: what is wrong, and the next step. `code` is the finer cause (errors.CATALOGUE).

    `evidence`: what was seen that proves it; `ruled_out`: the other causes of the same symptom that were tried.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: str = "",
        severity: Severity | None = None,
        evidence: Sequence[str] = (),
        ruled_out: Sequence[str] = (),
        explains: Sequence[str] = (),
        fix: Fix | None = None,
    ) -> None:
        super().__init__(message)
        finding = Finding(message, hint, severity=severity, explains=tuple(explains), fix=fix)
        self.findings: tuple[Finding, ...] = (finding,)
        self.code = code
        self.proof = Proof(tuple(evidence), tuple(ruled_out))


class Problems(Problem):
    """Raised by a probe that found several things."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class Unknown(Exception):
    """Raised by a probe that could not reach a verdict; says why, and what it did see."""

    def __init__(
        self, message: str, *, hint: str = "", evidence: Sequence[str] = (), ruled_out: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.proof = Proof(tuple(evidence), tuple(ruled_out))


class NotApplicable(Exception):
    """Raised by a probe that has nothing to judge here; the check is skipped with this reason."""


@dataclass(frozen=True, slots=True)
class Package:
    """The package that a plug-in's check is from; `docs` is where it says more of itself."""

    name: str
    version: str
    docs: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class Check(Generic[World]):
    """One thing that can be judged. The probe gives the detail of a pass, or raises Problem, Unknown, NotApplicable."""

    id: str  # stable: docs anchor, --only, JUnit name
    title: str  # affirmative: "API accepts the key"
    probe: Callable[[World], str]
    needs: tuple[str, ...] = ()
    severity: Severity = Severity.fail
    timeout: float = 5.0  # seconds
    scope: str = ""  # "": judged in every run; else only where this was asked for (world.Scope)
    package: Package | None = None  # None: lkctl itself; of a plug-in's check it is set where that is loaded
    after: tuple[str, ...] = ()  # checks whose end is waited for, however they end; they are no reason to be skipped

    @property
    def area(self) -> str:
        """The part before the dot."""
        return self.id.partition(".")[0]

    @property
    def docs(self) -> str:
        """Where the README explains the check, or its package does."""
        return docs_anchor(self.id) if self.package is None else self.package.docs


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
    proof: Proof = NO_PROOF
    needs: tuple[str, ...] = ()

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
            "evidence": list(self.proof.evidence),
            "ruled_out": list(self.proof.ruled_out),
            "blocked_by": list(self.blocked_by),
            "findings": [
                {
                    "severity": (finding.severity or self.severity).value,
                    "place": finding.place or None,
                    "message": finding.message,
                    "hint": finding.hint or None,
                    "fix": None if finding.fix is None else finding.fix.json(),
                }
                for finding in self.findings
            ],
        }
