"""What is another between two reports: checks that are new, gone, or ended otherwise."""

from collections.abc import Mapping
from typing import Any, NamedTuple

# From good to bad; a check that was not made is neither
_ORDER = {"pass": 0, "skip": 0, "warn": 1, "unknown": 2, "crash": 2, "fail": 3}
_VERDICTS = {"pass": 0, "warn": 1, "fail": 2}


class Change(NamedTuple):
    """One check in both reports; a side that does not have it is None.

    `change`: worse, better, changed, new, gone, or "not run": what it needs failed.
    """

    check: str
    change: str
    before: str | None
    after: str | None
    was: str | None
    now: str | None


class Difference(NamedTuple):
    """All that is another. `worse`: the later one has a worse verdict, another cause, or a check that ended worse."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changes: tuple[Change, ...]
    worse: bool

    @property
    def better(self) -> bool:
        """Whether nothing is worse, and a check ended better."""
        return not self.worse and any(one.change == "better" for one in self.changes)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference:
    """Compare two documents `lkctl.report/1`; what differs in words alone, such as times, is no change of a pass."""
    old, new = _by_id(before), _by_id(after)
    names = [*dict.fromkeys((*new, *old))]
    changes = tuple(change for name in names if (change := _change(name, old.get(name), new.get(name))) is not None)
    declined = _VERDICTS[after["verdict"]] > _VERDICTS[before["verdict"]]
    worse = declined or any(one.change == "worse" or (one.change == "new" and _is_bad(one.after)) for one in changes)
    return Difference(before, after, changes, worse)


def cause_of(report: Mapping[str, Any]) -> tuple[str, str] | None:
    """Give check and message of a report's cause; None where it has none."""
    cause = report.get("probable_cause")
    if not isinstance(cause, Mapping):
        return None
    return str(cause.get("check", "")), str(cause.get("message", ""))


def _by_id(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {one["id"]: one for one in report["results"]}


def _change(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Change | None:
    before, after = (None if one is None else str(one["status"]) for one in (old, new))
    was, now = (None if one is None else str(one["detail"]) for one in (old, new))
    if old is None or new is None:
        return Change(name, "new" if old is None else "gone", before, after, was, now)
    if before != after and new.get("blocked_by"):
        return Change(name, "not run", before, after, was, now)
    if before != after:
        grown = _ORDER.get(str(after), 3) - _ORDER.get(str(before), 3)
        return Change(name, "worse" if grown > 0 else "better" if grown < 0 else "changed", before, after, was, now)
    if was != now and before not in {"pass", "skip"}:
        return Change(name, "changed", before, after, was, now)
    return None


def _is_bad(status: str | None) -> bool:
    return status is not None and _ORDER.get(status, 3) >= _ORDER["unknown"]
