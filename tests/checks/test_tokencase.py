"""The rules of `lkctl help lint` as checks: each belongs to one, and none is forgotten."""

from lkctl.checks import tokencase
from lkctl.server.refusal import Refused
from lkctl.tokens.catalogue import RULES

GROUPS = (
    tokencase.CLAIMS,
    tokencase.SIGNATURE,
    tokencase.TIMES,
    tokencase.GRANTS,
    tokencase.CONTENTS,
    tokencase.ROOM,
)
NO_FINDING = "L01"  # what is no JWT cannot be judged: token.form says so


def test_every_rule_is_in_one_check() -> None:
    """A new rule must be given to a check."""
    grouped = sorted(rule for group in GROUPS for rule in group)
    assert grouped == sorted(rule.id for rule in RULES if rule.id != NO_FINDING)


def test_refusals_are_explained_by_rules_that_exist() -> None:
    """Each refusal that stands in the table is one, and so is each rule."""
    assert set(tokencase._REFUSED_FOR) <= set(Refused)
    assert {rule for rules in tokencase._REFUSED_FOR.values() for rule in rules} <= {rule.id for rule in RULES}
