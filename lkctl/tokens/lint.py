"""The catalogue of rules, and the one function that applies it."""

from lkctl.tokens.findings import Finding, Rule, Severity, Subject
from lkctl.tokens.rules.contents import CONTENT_RULES
from lkctl.tokens.rules.envelope import ENVELOPE_RULES
from lkctl.tokens.rules.grants import GRANT_RULES

RULES: tuple[Rule, ...] = tuple(sorted((*ENVELOPE_RULES, *GRANT_RULES, *CONTENT_RULES), key=lambda rule: rule.id))
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def lint(subject: Subject) -> tuple[Finding, ...]:
    """Apply all rules; the worst findings come first, else they come in the order of the rules."""
    found = (finding for rule in RULES for finding in rule.judge(subject))
    return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))
