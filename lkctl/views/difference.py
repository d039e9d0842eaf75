"""How the difference of two reports is shown."""

from collections.abc import Mapping
from typing import Any

from lkctl.output.view import Column, Listing, Record
from lkctl.reports.difference import Change, Difference, cause_of

SCHEMA = "lkctl.difference/1"


def difference_view(found: Difference) -> Record:
    """Show verdicts and causes of both, and each check that ended otherwise."""
    both = (("before", found.before), ("after", found.after))
    document = {
        "schema": SCHEMA,
        **{side: _side(report) for side, report in both},
        "worse": found.worse,
        "changes": [change._asdict() for change in found.changes],
    }
    columns: tuple[Column[Change], ...] = (
        Column("CHANGE", lambda one: one.change),
        Column("CHECK", lambda one: one.check),
        Column("BEFORE", lambda one: one.before or "-"),
        Column("AFTER", lambda one: one.after or "-"),
        Column("WHAT IS SEEN", lambda one: one.now if one.now is not None else f"was: {one.was}"),
    )
    listing = Listing(found.changes, columns, lambda one: one.check, "every check ended as before", prose=True)
    differs = "different, and not worse" if found.changes else "no difference"
    told = "worse" if found.worse else "better" if found.better else differs
    fields = tuple((side, _words(report)) for side, report in both)
    return Record(document, (*fields, ("difference", told)), told, lists=(("Changes", listing),))


def _side(report: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("command", "target", "started_at", "verdict", "probable_cause")
    return {name: report.get(name) for name in names}


def _words(report: Mapping[str, Any]) -> str:
    cause = cause_of(report)
    when = str(report.get("started_at", ""))
    told = f"{str(report['verdict']).upper()}, {when}"
    return told if cause is None else f"{told}: {cause[1]}  [{cause[0]}]"
