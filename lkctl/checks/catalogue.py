"""All checks, in the order in which they are reported; an area is loaded when something of it is asked for."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple

from lkctl.checks.plugins import plugin_checks
from lkctl.checks.result import Check
from lkctl.checks.selection import choose
from lkctl.checks.world import Scope, World
from lkctl.errors import LkctlError

_SOME = 3  # that are named of many


class _Area(NamedTuple):
    module: str  # below lkctl.checks
    name: str
    scopes: tuple[str, ...] = ("",)  # of its checks


_AREAS = (
    _Area("environment", "ENVIRONMENT_CHECKS"),
    _Area("url", "URL_CHECKS"),
    _Area("network", "NETWORK_CHECKS"),
    _Area("credentials", "CREDENTIAL_CHECKS"),
    _Area("services", "SERVICE_CHECKS"),
    _Area("smoke", "SMOKE_CHECKS", ("smoke",)),
    _Area("token", "TOKEN_CHECKS", ("token",)),
    _Area("endpoint", "ENDPOINT_CHECKS", ("token_endpoint",)),
    _Area("room", "ROOM_CHECKS", ("room",)),
    _Area("agent", "AGENT_CHECKS", ("agent", "worker")),
    _Area("probe", "PROBE_CHECKS", ("probe",)),
    _Area("media.catalogue", "MEDIA_CHECKS", ("media",)),
    _Area("source.catalogue", "SOURCE_CHECKS", ("source",)),
    _Area("expectation", "EXPECTATION_CHECKS", ("expect",)),
)

ALL_CHECKS: tuple[Check[World], ...]  # lkctl's own; loaded by __getattr__


def checks_of(scope: Scope) -> tuple[Check[World], ...]:
    """Give the checks of all areas that this scope asks for something of."""
    return tuple(check for area in _AREAS if any(scope.asks(name) for name in area.scopes) for check in _checks(area))


def candidates(scope: Scope, *patterns: Sequence[str] | None) -> tuple[Check[World], ...]:
    """Give the checks to choose from: all where some are named by `patterns`, else those that the scope is about.

    Those of plug-ins come last: they may need ours.
    """
    ours = _all() if any(patterns) else checks_of(scope)
    return (*ours, *plugin_checks(ours, _all))


def every_check() -> tuple[Check[World], ...]:
    """Give lkctl's own checks and those of plug-ins, for lists."""
    return (*_all(), *plugin_checks(_all(), _all))


def find_check(name: str) -> Check[World]:
    """Give one check; raise `usage` for an unknown id, and for a pattern of several."""
    found = choose(every_check(), [name], None)
    if len(found) > 1:
        told = f"{name!r} stands for {len(found)} checks, and --explain says what one judges"
        ids = ", ".join(check.id for check in found[:_SOME])
        raise LkctlError("usage", told, hint=f"Give one: {ids}{', …' if len(found) > _SOME else ''}")
    return found[0]


def __getattr__(name: str) -> Any:
    """Load all areas where all checks are wanted (PEP 562): most runs ask for a few."""
    if name != "ALL_CHECKS":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _all()


def _all() -> tuple[Check[World], ...]:
    return tuple(check for area in _AREAS for check in _checks(area))


def _checks(area: _Area) -> tuple[Check[World], ...]:
    found: tuple[Check[World], ...] = getattr(import_module(f"lkctl.checks.{area.module}"), area.name)
    return found
