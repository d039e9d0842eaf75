"""What a case of the laboratory is: one failure that somebody reported, and what `lkctl diagnose` must say of it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.lab.bench import Bench

SetUp = Callable[[Bench], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A failure that can be set up on one machine.

    `set_up` brings it about, and gives the options that a user with this symptom would give to `lkctl diagnose`.
    `check` is the check that must be named as the probable cause, `says` a regular expression for the decisive words in
    its message. With `exit_code` 0, where nothing fails and so nothing is the cause, the check must say so itself.
    """

    number: int
    name: str
    symptom: str
    set_up: SetUp
    check: str
    says: str
    source: str
    exit_code: int = 1

    def is_named_in(self, report: dict[str, Any]) -> bool:
        """Tell whether a report names the real cause."""
        cause = report["probable_cause"]
        if cause is not None:
            return bool(cause["check"] == self.check and self._fits(cause["message"]))
        return any(
            self._fits(said) for result in report["results"] if result["id"] == self.check for said in _said(result)
        )

    def _fits(self, said: str) -> bool:
        return re.search(self.says, said, re.IGNORECASE) is not None


@dataclass(frozen=True, slots=True)
class Absent:
    """A failure that cannot be set up here, and why."""

    number: int
    name: str
    reason: str
    source: str


def _said(result: dict[str, Any]) -> list[str]:
    return [result["detail"], *(finding["message"] for finding in result["findings"])]
