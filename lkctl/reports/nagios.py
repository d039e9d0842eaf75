"""One line and an exit code, as plugins of Nagios, Icinga and their like give them.

Source: Monitoring Plugins Development Guidelines: `STATE - words | 'label'=value[unit];warn;crit;min;max`.
"""

from lkctl.checks.report import Report
from lkctl.checks.result import Status
from lkctl.errors import LkctlError
from lkctl.reports.words import counted, is_red, said, summary

UNKNOWN = 3
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")  # by exit code
_MOST = 1_000


def to_nagios(report: Report) -> str:
    """Write a report as the line of a plugin."""
    counts = " ".join(f"{status}={count};;;0" for status, count in report.counts.items())
    told = summary(report) if report.failures or report.cut else f"{counted(report)}, {said(report.url) or 'no URL'}"
    words = said(told, _MOST).replace("|", "¦")
    return f"{STATES[nagios_code(report)]} - {words} | duration={report.duration_ms / 1000:.3f}s;;;0 {counts}\n"


def no_verdict(error: LkctlError) -> str:
    """Write the line of a plugin that could not even begin, such as for a wrong option."""
    told = f"{error.message}. {error.hint}" if error.hint else error.message
    return f"{STATES[UNKNOWN]} - {said(told, _MOST).replace('|', '¦')}\n"


def nagios_code(report: Report) -> int:
    """Give the exit code of a plugin: 0 fine, 1 warnings, 2 failed, 3 no verdict: cut, or nothing failed for sure."""
    red = [result for result in report.results if is_red(report, result)]
    if any(result.status not in {Status.unknown, Status.crash} for result in red):
        return 2
    if red or report.cut:
        return UNKNOWN
    return 1 if report.verdict == "warn" else 0
