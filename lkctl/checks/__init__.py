"""Checks: data about what can be judged, and the engine that runs them.

What is named in `__all__` is the public face, for packages that add checks through the entry point group
`lkctl.checks` (README, Plug-ins). It is loaded when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lkctl.checks.result import Check, Finding, Fix, NotApplicable, Problem, Problems, Severity, Unknown
    from lkctl.checks.roomsight import api_of
    from lkctl.checks.world import Scope, World

_HOMES = {
    **dict.fromkeys(
        ("Check", "Finding", "Fix", "NotApplicable", "Problem", "Problems", "Severity", "Unknown"),
        "lkctl.checks.result",
    ),
    **dict.fromkeys(("Scope", "World"), "lkctl.checks.world"),
    "api_of": "lkctl.checks.roomsight",
}

__all__ = [
    "Check",
    "Finding",
    "Fix",
    "NotApplicable",
    "Problem",
    "Problems",
    "Scope",
    "Severity",
    "Unknown",
    "World",
    "api_of",
]


def __getattr__(name: str) -> Any:
    """Load what is asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
