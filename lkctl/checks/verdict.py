"""From findings to the end of a check."""

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
