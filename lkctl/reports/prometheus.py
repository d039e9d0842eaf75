"""Prometheus text exposition (version 0.0.4), for the textfile collector of node_exporter or a push gateway.

Labels are ids and statuses only, so that the number of series is bounded; words are not for metrics.
"""

from collections.abc import Iterable, Iterator

from lkctl.checks.report import Report
from lkctl.reports.words import is_red, said

Sample = tuple[dict[str, str], float]


def to_prometheus(report: Report) -> str:
    """Write a report as metrics."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    run = {"command": report.command, "url": report.url}
    checks = [({**run, "check": result.id}, result) for result in report.results]
    cause = report.probable_cause
    yield from _metric("lkctl_run_failed", "1 when the run failed", [(run, report.verdict == "fail")])
    yield from _metric("lkctl_run_complete", "0 when the run was cut", [(run, not report.cut)])
    yield from _metric("lkctl_run_duration_seconds", "Length of the run", [(run, report.duration_ms / 1000)])
    began = report.started_at.timestamp()
    yield from _metric("lkctl_run_timestamp_seconds", "Start of the run, Unix time", [(run, began)])
    statuses: list[Sample] = [({**run, "status": status}, count) for status, count in report.counts.items()]
    yield from _metric("lkctl_results", "Checks by how they ended", statuses)
    failed: list[Sample] = [(labels, is_red(report, result)) for labels, result in checks]
    yield from _metric("lkctl_check_failed", "1 when the check failed", failed)
    states: list[Sample] = [({**labels, "status": result.status.value}, 1) for labels, result in checks]
    yield from _metric("lkctl_check_status", "How the check ended: 1 under that status", states)
    spent: list[Sample] = [(labels, result.duration_ms / 1000) for labels, result in checks]
    yield from _metric("lkctl_check_duration_seconds", "Length of the check", spent)
    causes: list[Sample] = [] if cause is None else [({**run, "check": cause.check, "code": cause.code}, 1)]
    yield from _metric("lkctl_probable_cause", "The check that names the cause", causes)


def _metric(name: str, about: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {float(value):.15g}"


def _escaped(text: str) -> str:
    return said(text, 300).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
