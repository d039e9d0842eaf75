"""A run of checks from its start to its report."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from lkctl.checks.engine import run
from lkctl.checks.result import Check, Report, Result
from lkctl.checks.world import World
from lkctl.settings.layers import URL

Watch = Callable[[Iterable[Result]], Iterator[Result]]


def examine(command: str, world: World, checks: Sequence[Check[World]], watch: Watch, *, strict: bool) -> Report:
    """Run checks, let `watch` see each result as it comes, and give the report."""
    started_at, started = datetime.now(UTC), time.monotonic()
    results = tuple(watch(run(checks, world, timeout=world.timeout)))
    spent = round((time.monotonic() - started) * 1000)
    return Report(command, world.value(URL), started_at, spent, results, strict)
