"""GitHub Actions: annotations as workflow commands, and the summary of the step.

Source of the rules: actions/toolkit, packages/core/src/command.ts (what is escaped); actions/runner,
src/Runner.Common/ActionCommand.cs: `::name …::` counts at the start of a line, the old `##[name]` anywhere in it. A
runner shows ten annotations of a kind a step, and takes a summary of 1 MiB a step.
"""

import re
from collections.abc import Iterator

from lkctl.checks.report import Report
from lkctl.checks.result import Finding, Result, Status
from lkctl.reports.markdown import to_markdown
from lkctl.reports.text import to_text
from lkctl.reports.words import is_red, place_of, said, summary

_MOST_SUMMARY = 1024 * 1024 - 4096  # bytes
_MOST_WORDS = 1_000


def to_github(report: Report, pause: str) -> str:
    """Write what a step of a workflow prints: the report for people, in which no command counts, and annotations.

    `pause` is a word nobody can guess, which ends the part without commands.
    """
    told = to_text(report).replace("##[", "## [")
    return f"::stop-commands::{pause}\n{told}::{pause}::\n{annotations(report)}"


def annotations(report: Report) -> str:
    """Write the annotations, one a line: the cause first, then what else failed, then warnings."""
    return "".join(f"{line}\n" for line in _lines(report))


def step_summary(report: Report) -> str:
    """Write the summary of a step, no longer than GitHub takes."""
    text = to_markdown(report)
    if len(text.encode()) <= _MOST_SUMMARY:
        return text
    kept = text.encode()[:_MOST_SUMMARY].decode(errors="ignore")
    return f"{kept.rpartition(chr(10))[0]}\n\nThe rest was cut: GitHub takes 1 MiB.\n"


def _lines(report: Report) -> Iterator[str]:
    cause = report.probable_cause
    if report.cut:
        yield _command("error", "lkctl: the run was cut", summary(report), None)
    first = cause.check if cause is not None else ""
    for result in sorted(report.results, key=lambda one: (one.id != first, not is_red(report, one))):
        if is_red(report, result):
            yield from _of_result("error", result, cause=result.id == first)
        elif result.status in {Status.warn, Status.unknown, Status.crash}:
            yield from _of_result("warning", result, cause=False)


def _of_result(level: str, result: Result, *, cause: bool) -> Iterator[str]:
    ended = "failed" if level == "error" else "warns"
    title = f"lkctl: {result.id} {'failed, and is the probable cause' if cause else ended}"
    pointing = [one for one in result.findings if place_of(one) is not None and one is not _leading(result)]
    yield _command(level, title, _words(result.detail, result.hint), _leading(result))
    for finding in pointing if len(result.findings) > 1 else ():
        yield _command("warning", title, _words(finding.message, finding.hint), finding)


def _leading(result: Result) -> Finding | None:
    """Give the finding that the detail is made of."""
    return next((one for one in result.findings if result.detail.startswith(str(one))), None)


def _words(message: str, hint: str | None) -> str:
    return said(message, _MOST_WORDS) + (f"\nhint: {said(hint, _MOST_WORDS)}" if hint else "")


def _command(level: str, title: str, message: str, finding: Finding | None) -> str:
    place = place_of(finding) if finding is not None else None
    given = {"file": place.file, "line": str(place.line)} if place is not None else {}
    properties = ",".join(f"{name}={_property(said(text, 300))}" for name, text in {**given, "title": title}.items())
    return f"::{level} {properties}::{_data(message)}"


def _data(text: str) -> str:
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return re.sub(r"##(?=\[)", "##%20", escaped) if "##[" in escaped else escaped


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
