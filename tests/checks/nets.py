"""Runs of the network checks against what listens on loopback."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from lkctl.checks.engine import run
from lkctl.checks.network import NETWORK_CHECKS
from lkctl.checks.report import Report
from lkctl.checks.result import Result, Status
from lkctl.checks.url import URL_CHECKS
from lkctl.checks.world import World
from tests.checks.worlds import env_text, world_of

SECONDS = 4.0  # of a run


def world_at(
    url: str,
    *,
    files: Mapping[str, str] | None = None,
    environ: Mapping[str, str] | None = None,
    in_container: bool = False,
    listening: frozenset[int] | None = None,
    seconds: float = SECONDS,
) -> World:
    """Give the world of somebody who has this URL in `.env`."""
    world = world_of({".env": env_text(url), **(files or {})}, environ, in_container=in_container, listening=listening)
    return replace(world, timeout=seconds)


def examine(world: World) -> Report:
    """Run the checks of URL and network, as diagnose does."""
    started = datetime.now(UTC)
    results = tuple(run((*URL_CHECKS, *NETWORK_CHECKS), world, timeout=world.timeout))
    return Report("diagnose", "", started, 0, results)


def result_of(report: Report, check: str) -> Result:
    """Give the result of one check."""
    return next(result for result in report.results if result.id == check)


def trouble(report: Report) -> dict[str, str]:
    """Give what is not well: the status of each check that warned, failed, crashed, or is unknown."""
    well = {Status.passed, Status.skip}
    return {
        result.id: f"{result.status.value}: {result.detail}" for result in report.results if result.status not in well
    }


def said(report: Report) -> str:
    """Give all that a report says."""
    return json.dumps(report.json())
