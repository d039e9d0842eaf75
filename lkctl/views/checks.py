"""How the checks themselves are shown: as a list, and one explained."""

from collections.abc import Sequence
from typing import Any

from lkctl.checks.result import Check
from lkctl.checks.selection import OPTIONS
from lkctl.output.view import Column, Listing, Record


def checks_view(checks: Sequence[Check[Any]]) -> Listing[Check[Any]]:
    """List checks."""
    columns: tuple[Column[Check[Any]], ...] = (
        Column("ID", lambda check: check.id),
        Column("TITLE", lambda check: check.title),
        Column("A PROBLEM IS A", lambda check: check.severity.value),
        Column("JUDGED WITH", lambda check: OPTIONS[check.scope]),
        Column("NEEDS", lambda check: ", ".join(check.needs)),
    )
    if any(check.package for check in checks):
        columns += (Column("FROM", _maker),)
    return Listing(checks, columns, lambda check: check.id, "No checks", _check_json, prose=True)


def check_view(check: Check[Any]) -> Record:
    """Explain one check: the docstring of its probe says what it judges."""
    about = " ".join((check.probe.__doc__ or "").split())
    fields = (
        ("id", check.id),
        ("title", check.title),
        ("judges", about),
        ("judged with", OPTIONS[check.scope]),
        ("a problem is a", check.severity.value),
        ("needs", ", ".join(check.needs) or "nothing"),
        ("time", f"{check.timeout:g} s at most"),
        ("docs", check.docs),
        *([("from", str(check.package))] if check.package else []),
    )
    return Record({**_check_json(check), "judges": about}, fields, check.id)


def _maker(check: Check[Any]) -> str:
    return "lkctl" if check.package is None else str(check.package)


def _check_json(check: Check[Any]) -> dict[str, Any]:
    return {
        "id": check.id,
        "area": check.area,
        "title": check.title,
        "severity": check.severity.value,
        "scope": check.scope or None,
        "judged_with": OPTIONS[check.scope],
        "needs": list(check.needs),
        "timeout_s": check.timeout,
        "docs": check.docs,
        "package": str(check.package) if check.package else None,
    }
