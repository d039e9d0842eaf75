"""JUnit XML, as Jenkins, GitLab and others read it: a suite an area, a case a check.

Schema: tests/reports/jenkins-junit.xsd. A failed check is a failure; one without a verdict, or that crashed, an error.
What is advice passes, with what was found in its output.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lkctl.checks.report import Report
from lkctl.checks.result import Result, Status
from lkctl.reports.words import cause_rows, is_quiet, is_red, notes, said, summary

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


def to_junit(report: Report) -> str:
    """Write a report as JUnit XML."""
    from xml.etree.ElementTree import Element, indent, tostring

    root = Element("testsuites", name=f"lkctl {said(report.command)}", time=_seconds(report.duration_ms))
    areas: dict[str, list[Result]] = {}
    for result in report.results:
        areas.setdefault(result.area, []).append(result)
    suites = [_suite(report, area, results) for area, results in areas.items()]
    root.extend([*suites, *([_cut(report)] if report.cut else [])])
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, area: str, results: list[Result]) -> "Element":
    from xml.etree.ElementTree import SubElement

    suite = _new_suite(report, area, sum(result.duration_ms for result in results))
    properties = SubElement(suite, "properties")
    for name, value in (("url", report.url), ("verdict", report.verdict), ("summary", summary(report))):
        SubElement(properties, "property", name=name, value=said(value))
    cases = [_case(report, result) for result in results]
    suite.extend(cases)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    return suite


def _new_suite(report: Report, area: str, spent_ms: int) -> "Element":
    from xml.etree.ElementTree import Element

    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), "0")
    began = report.started_at.strftime("%Y-%m-%dT%H:%M:%S")
    name = f"{said(report.command)}.{said(area)}".replace(" ", ".")
    return Element("testsuite", name=name, timestamp=began, time=_seconds(spent_ms), **counts)  # type: ignore[arg-type]


def _case(report: Report, result: Result) -> "Element":
    from xml.etree.ElementTree import Element, SubElement

    classname = f"lkctl.{said(report.command)}.{said(result.area)}".replace(" ", ".")
    case = Element("testcase", name=said(result.id), classname=classname, time=_seconds(result.duration_ms))
    rows = _rows(notes(result))
    told = "\n".join((said(result.title), said(result.detail), *rows))
    message = said(result.detail)
    if is_red(report, result):
        tag = "error" if result.status in {Status.unknown, Status.crash} else "failure"
        SubElement(
            case, tag, type=said(result.code or result.status.value), message=message
        ).text = f"{told}\ndocs: {said(result.docs)}{_because(report, result, rows)}"
    elif result.status in {Status.skip, Status.unknown, Status.crash}:
        SubElement(case, "skipped", message=message if result.status is Status.skip else f"{result.status}: {message}")
    elif not is_quiet(result):
        SubElement(case, "system-out").text = f"{result.status.value}: {told}"
    return case


def _because(report: Report, result: Result, told: Sequence[str]) -> str:
    """Say that it is the cause, and what stands behind that beside what is told already."""
    cause = report.probable_cause
    if cause is None or cause.check != result.id:
        return ""
    more = (row for row in _rows(cause_rows(cause)) if row not in told)
    return "\n".join(("\n\nThis is the probable cause of all that failed.", *more))


def _rows(facts: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{label}: {text}" for label, text in facts]


def _cut(report: Report) -> "Element":
    """Stand for what has no result."""
    from xml.etree.ElementTree import SubElement

    suite = _new_suite(report, "run", 0)
    suite.set("tests", "1")
    suite.set("errors", "1")
    case = SubElement(suite, "testcase", name="run.whole", classname=f"lkctl.{said(report.command)}.run", time="0.000")
    SubElement(case, "error", type="cut", message=summary(report))
    return suite


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
