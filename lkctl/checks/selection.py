"""The choice among checks, by patterns of their ids. (In a module of its own: it needs none of the checks.)"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from lkctl.checks.result import Check
from lkctl.checks.world import NO_SCOPE, Scope, World
from lkctl.errors import LkctlError

# What brings the checks of a scope into a run
OPTIONS: dict[str, str] = {
    "": "every run",
    "room": "--room NAME",
    "token": "--token JWT",
    "token_endpoint": "--token-endpoint URL",
    "agent": "--agent NAME",
    "worker": "--worker URL",
    "probe": "--agent NAME --probe",
    "media": "--media",
    "source": "--source DIR",
    "expect": "--expect FILE",
    "smoke": "lkctl smoke",
}


class Plan(NamedTuple):
    """The checks of a run. Those that were asked for are shown; the others are what these need, shown if they fail."""

    checks: tuple[Check[World], ...]
    asked: frozenset[str]


def choose(
    checks: Sequence[Check[World]], only: Sequence[str] | None, skip: Sequence[str] | None
) -> tuple[Check[World], ...]:
    """Keep the checks whose ids match `only` and not `skip`; raise `usage` for a pattern that matches none."""
    for pattern in (*(only or ()), *(skip or ())):
        if not any(fnmatchcase(check.id, pattern) for check in checks):
            areas = ", ".join(dict.fromkeys(f"{check.area}.*" for check in checks))
            raise LkctlError("usage", f"no check is called {pattern!r}", hint=f"Run: lkctl help checks; or try {areas}")
    kept = [check for check in checks if not only or _matches(check, only)]
    chosen = tuple(check for check in kept if not _matches(check, skip or ()))
    if not chosen:
        raise LkctlError("usage", "no check is left to run", hint="Give less to --skip, or more to --only")
    return chosen


def plan(
    checks: Sequence[Check[World]],
    only: Sequence[str] | None = None,
    skip: Sequence[str] | None = None,
    scope: Scope = NO_SCOPE,
) -> Plan:
    """Choose what a run of this scope judges, and add what that needs, so that no check runs on sand.

    What is skipped by name counts as passed for those that need it: the user vouches for it. Raises `usage` for a
    pattern that matches no check, or only such as the scope does not ask for.
    """
    for pattern in only or ():
        _insist_in_scope(checks, pattern, scope)
    asked = [check for check in choose(checks, only, skip) if scope.asks(check.scope)]
    if not asked:
        raise LkctlError("usage", "no check is left to run", hint="Give less to --skip, or more to --only")
    wanted = {check.id for check in asked}
    runnable = [check for check in checks if scope.asks(check.scope) and not _matches(check, skip or ())]
    for check in reversed(runnable):  # needs are declared earlier
        if check.id in wanted:
            wanted.update(check.needs)
    return Plan(tuple(check for check in runnable if check.id in wanted), frozenset(check.id for check in asked))


def _insist_in_scope(checks: Sequence[Check[World]], pattern: str, scope: Scope) -> None:
    matching = [check for check in checks if fnmatchcase(check.id, pattern)]
    if matching and not any(scope.asks(check.scope) for check in matching):
        options = " or ".join(dict.fromkeys(OPTIONS[check.scope] for check in matching))
        what = matching[0].id if len(matching) == 1 else pattern
        hint = f"Run: {options}" if options.startswith("lkctl ") else f"Give {options}, too"
        raise LkctlError("usage", f"{what} is judged only with {options}", hint=hint)


def _matches(check: Check[World], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(check.id, pattern) for pattern in patterns)
