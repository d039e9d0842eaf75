"""The report for people, without colour: what a terminal shows, for a log."""

from collections.abc import Iterator

from lkctl.checks.report import Report
from lkctl.reports.redaction import mapped
from lkctl.reports.words import said
from lkctl.views.report import area_line, headline, is_worth_showing, result_lines, summary_lines


def to_text(report: Report) -> str:
    """Write a report as lines of text."""
    safe = mapped(report, said)  # also ids and titles, which a plug-in may have
    return "".join(f"{line}\n" for line in _lines(safe))


def _lines(report: Report) -> Iterator[str]:
    cause, area = report.probable_cause, ""
    if report.cut:
        yield f"The run was cut ({report.cut}): what follows is not all"
    if cause is not None:
        yield from headline(cause, _plain)
    for result in report.results:
        if is_worth_showing(result, failed_only=False):
            if result.area != area:
                area = result.area
                yield from ("", area_line(result, _plain))
            yield from result_lines(result, _plain)
    yield ""
    yield from summary_lines(report, _plain)


def _plain(text: str, _style: str) -> str:
    return text
