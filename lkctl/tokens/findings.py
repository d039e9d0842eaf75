"""What a rule finds, what it looks at, and what a rule is.

Named tuples, here and in what else a mint loads: a frozen dataclass takes eight times as long to define (0.5 ms each).
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from lkctl.settings.shape import Pair
from lkctl.tokens.document import Problem
from lkctl.tokens.reading import Reading


class Severity(StrEnum):
    """How bad a finding is, worst first. Only an error makes a token invalid."""

    error = "error"
    security = "security"
    warning = "warning"
    info = "info"


class Finding(NamedTuple):
    """One thing found: the rule's id, how bad, what, and the next step."""

    id: str
    severity: Severity
    message: str
    hint: str

    def json(self) -> dict[str, str]:
        """Give it as `-o json` shows it."""
        return {"id": self.id, "severity": self.severity.value, "message": self.message, "hint": self.hint}


class Subject(NamedTuple):
    """A token as the rules see it.

    `pair` is the configured key and secret; `signature` is verified, unverified or bad; `meant` names the other pair
    that a bad signature fits. `now` is in seconds; `size` in bytes.
    """

    header: Mapping[str, Any]
    reading: Reading
    now: float
    size: int
    signature: str = "unverified"
    meant: str = ""
    pair: Pair | None = None
    problems: tuple[Problem, ...] = ()


class Fault(NamedTuple):
    """What a check found; `severity` only where it differs from the rule's."""

    message: str
    hint: str = ""
    severity: Severity | None = None


Check = Callable[[Subject], Iterable[Fault]]


class Rule(NamedTuple):
    """One rule of the catalogue; `title` says what it finds, `check` finds it."""

    id: str
    severity: Severity
    title: str
    check: Check

    def judge(self, subject: Subject) -> Iterable[Finding]:
        """Look at a token."""
        for fault in self.check(subject):
            yield Finding(self.id, fault.severity or self.severity, fault.message, fault.hint)
