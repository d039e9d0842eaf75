"""Runs of checks: one from its start to its report; again until it is green; again and again."""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from lkctl.checks.engine import run
from lkctl.checks.report import Report, is_failure
from lkctl.checks.result import Result
from lkctl.checks.selection import Plan
from lkctl.checks.world import World
from lkctl.settings.layers import URL

Watch = Callable[[Iterable[Result]], Iterator[Result]]
_PAUSE = 1.0  # seconds between two runs of a wait


def examine(command: str, world: World, plan: Plan, watch: Watch = iter, *, strict: bool = False) -> Report:
    """Run checks, let `watch` see each result as it comes, and give the report.

    What checks made on the server and did not remove, because their time was up or ^C came, is removed at the end.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    try:
        results = tuple(watch(_shown(run(plan.checks, world, timeout=world.timeout), plan)))
    finally:
        world.leftovers.clear()
        world.memory.close()
    spent = round((time.monotonic() - started) * 1000)
    return Report(command, world.value(URL), started_at, spent, results, strict)


def unfinished(command: str, world: World, *, strict: bool = False) -> Report:
    """Give the report of a run that begins: nothing is known yet, and it counts as cut."""
    return Report(command, world.value(URL), datetime.now(UTC), 0, (), strict, cut="unfinished")


def examine_until_green(
    examine_once: Callable[[], Report], seconds: float, tell: Callable[[Report, float], None]
) -> Report:
    """Run until nothing fails, or the time is up; give the last report. `tell` is told of each red one, and when.

    A run that has begun in time is finished.
    """
    started = time.monotonic()
    while True:
        report = examine_once()
        waited = time.monotonic() - started
        if not report.failures or waited >= seconds:
            return report
        tell(report, waited)
        time.sleep(min(_PAUSE, seconds - waited))


def verdict_changes(examine_once: Callable[[], Report], interval: float) -> Iterator[Report | None]:
    """Run every `interval` seconds, for ever: give the first report, then those whose verdict or cause is another.

    None where nothing has changed.
    """
    before: tuple[str, str, str] | None = None
    while True:
        started = time.monotonic()
        report = examine_once()
        cause = report.probable_cause
        now = (report.verdict, cause.check if cause else "", cause.code if cause else "")
        yield report if now != before else None
        before = now
        time.sleep(max(0.0, started + interval - time.monotonic()))


def _shown(results: Iterable[Result], plan: Plan) -> Iterator[Result]:
    """Leave out what is only needed by what was asked for, unless it failed."""
    return (result for result in results if result.id in plan.asked or is_failure(result))
