"""Which checks a smoke run makes: its steps, what was asked for beside them, and what may be behind a failure."""

from fnmatch import fnmatchcase

from lkctl.checks.catalogue import candidates
from lkctl.checks.result import Check, Severity
from lkctl.checks.selection import Plan
from lkctl.checks.world import Scope, World

# Shown also where they pass; the others where they fail
_SHOWN = (
    "env.settings", "http.livekit", "clock.skew", "api.auth", "http.websocket", "token.*", "endpoint.*", "probe.agent",
    "media.*", "expect.*", "plugin.*", "smoke.*",
)  # fmt: skip
_ABOUT = "server"  # version and services: told for information, and behind nothing here


def smoke_plan(scope: Scope, *, strict: bool) -> Plan:
    """Choose the checks of a smoke run; with `strict` security findings count, so they are looked for, too.

    Of the ordinary checks those run that judge what works: what they find may be the cause of a step that fails.
    Those of plug-ins are shown as the steps are.
    """
    checks = [check for check in candidates(scope) if scope.asks(check.scope)]
    shown = {check.id for check in checks if check.package or any(fnmatchcase(check.id, pattern) for pattern in _SHOWN)}
    shown |= {check.id for check in checks if strict and check.severity is Severity.security}
    wanted = shown | {check.id for check in checks if _may_be_behind(check)}
    for check in reversed(checks):  # needs are declared earlier
        if check.id in wanted:
            wanted.update(check.needs)
    return Plan(tuple(check for check in checks if check.id in wanted), frozenset(shown))


def _may_be_behind(check: Check[World]) -> bool:
    return not check.scope and check.severity in {Severity.fail, Severity.warn} and check.area != _ABOUT
