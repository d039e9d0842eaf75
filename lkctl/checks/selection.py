"""The choice among checks, by patterns of their ids. (In a module of its own: it needs none of the checks.)"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from lkctl.checks.result import Check
from lkctl.checks.world import World
from lkctl.errors import LkctlError


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


def _matches(check: Check[World], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(check.id, pattern) for pattern in patterns)
