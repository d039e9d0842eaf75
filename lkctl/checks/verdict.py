"""From findings to the end of a check, in words."""

from collections.abc import Iterable, Sequence

from lkctl.checks.result import Finding, Problems, Proof, Severity

_WORST_FIRST = (Severity.fail, Severity.security, Severity.warn, Severity.info)
_MOST = 20


def settle(findings: Iterable[Finding], passed: str, *, code: str = "", evidence: Sequence[str] = ()) -> str:
    """Give the detail of a pass, or raise what was found, the worst first. Every finding has its own severity."""
    ranked = sorted(findings, key=lambda finding: _WORST_FIRST.index(finding.severity or Severity.fail))
    if not ranked:
        return passed
    problems = Problems(ranked[:_MOST])
    problems.code = code
    problems.proof = Proof(tuple(evidence))
    raise problems


def number_of(count: int, noun: str) -> str:
    """Say how many: `1 job`, `2 jobs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
