"""The catalogue of rules, and the one function that applies it."""

from lkctl.tokens.findings import Finding, Rule, Subject
from lkctl.tokens.rules.contents import CONTENT_RULES
from lkctl.tokens.rules.envelope import ENVELOPE_RULES
from lkctl.tokens.rules.grants import GRANT_RULES
from lkctl.tokens.rules.participants import PARTICIPANT_RULES
from lkctl.tokens.rules.roomconfig import ROOM_CONFIG_RULES
from lkctl.tokens.rules.secrets import SECRET_RULES
from lkctl.tokens.rules.spelling import SPELLING_RULES
from lkctl.tokens.rules.times import TIME_RULES

_ALL = (
    *ENVELOPE_RULES,
    *TIME_RULES,
    *PARTICIPANT_RULES,
    *GRANT_RULES,
    *SPELLING_RULES,
    *CONTENT_RULES,
    *ROOM_CONFIG_RULES,
    *SECRET_RULES,
)
RULES: tuple[Rule, ...] = tuple(sorted(_ALL, key=lambda rule: rule.id))


def lint(subject: Subject) -> tuple[Finding, ...]:
    """Apply all rules; the worst findings come first, else they come in the order of the rules."""
    found = [
        Finding(rule.id, fault.severity or rule.severity, fault.message, fault.hint)
        for rule in RULES
        for fault in rule.check(subject)
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity.rank)) if found else ()
