"""The catalogue: every area is loaded when something of it is asked for, and only then."""

import subprocess
import sys

import pytest

from lkctl.checks import catalogue
from lkctl.checks.world import NO_SCOPE, Scope, Smoke

SMOKE = Scope(smoke=Smoke("user_1704067200000_abc123", "x-", 0))


def test_ids_are_unique_and_needs_come_first() -> None:
    seen: set[str] = set()
    for check in catalogue.ALL_CHECKS:
        assert check.id not in seen
        assert set(check.needs) <= seen, check.id
        seen.add(check.id)


def test_every_check_is_found_by_the_scope_that_it_names() -> None:
    """An area that holds a check of a scope it does not tell of would never run it."""
    for area in catalogue._AREAS:
        assert {check.scope for check in catalogue._checks(area)} == set(area.scopes)


@pytest.mark.parametrize("scope", [NO_SCOPE, Scope(room="r"), Scope(media=True), Scope(agent="a", probe=True), SMOKE])
def test_a_scope_gets_what_it_asks_for(scope: Scope) -> None:
    wanted = [check.id for check in catalogue.ALL_CHECKS if scope.asks(check.scope)]
    assert [check.id for check in catalogue.checks_of(scope) if scope.asks(check.scope)] == wanted
    assert len(catalogue.candidates(scope, None, None)) < len(catalogue.candidates(scope, ["x"], None))


PLAIN = """
import sys
from lkctl.checks.catalogue import checks_of
from lkctl.checks.world import NO_SCOPE

checks_of(NO_SCOPE)
areas = ("token", "room", "endpoint", "media.flow", "source.agentcode")
print([name for name in areas if f"lkctl.checks.{name}" in sys.modules])
"""


def test_a_plain_run_loads_no_other_area() -> None:
    done = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
