"""How a report is shown: line by line as the results come, and as one document."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lkctl.checks.result import Check, Finding, Report, Result, Severity, Status
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import to_json
from lkctl.output.render import effective
from lkctl.output.view import Column, Listing, Record
from lkctl.secret import printable

_LOOKS = {
    Status.passed: ("✓", "green"),
    Status.warn: ("!", "yellow"),
    Status.fail: ("✗", "red"),
    Status.unknown: ("?", "red"),
    Status.skip: ("-", "dim"),
    Status.crash: ("✗", "red"),
}


def stream(
    results: Iterable[Result], format_: Format, console: Console, *, failed_only: bool = False
) -> Iterator[Result]:
    """Hand the results on; show each as it comes where the format is one for people."""
    people = effective(format_, console) is Format.table or format_ is Format.auto
    area = ""
    for result in results:
        if people and not (failed_only and result.status in {Status.passed, Status.skip}):
            if result.area != area:
                area = result.area
                console.write(console.paint(area, "bold") + "\n")
            _show(result, console)
            console.flush()
        yield result


def conclude(report: Report, format_: Format, console: Console) -> None:
    """Show what the run adds up to."""
    if format_ is Format.json:
        console.write(to_json(report.json()) + "\n")
    elif format_ is Format.jsonl:
        for result in report.results:
            console.write(to_json(result.json(), compact=True) + "\n")
    elif format_ is Format.name:
        for result in report.failures:
            console.write(result.id + "\n")
    elif format_ is Format.tsv:
        for result in report.results:
            console.write("\t".join((result.status.value, result.id, printable(result.detail))) + "\n")
    else:
        _summary(report, console)


def checks_view(checks: Sequence[Check[Any]]) -> Listing[Check[Any]]:
    """List checks."""
    columns: tuple[Column[Check[Any]], ...] = (
        Column("ID", lambda check: check.id),
        Column("TITLE", lambda check: check.title),
        Column("A PROBLEM IS A", lambda check: check.severity.value),
        Column("NEEDS", lambda check: ", ".join(check.needs)),
    )
    return Listing(checks, columns, lambda check: check.id, "No checks", _check_json, prose=True)


def check_view(check: Check[Any]) -> Record:
    """Explain one check: the docstring of its probe says what it judges."""
    about = " ".join((check.probe.__doc__ or "").split())
    fields = (
        ("id", check.id),
        ("title", check.title),
        ("judges", about),
        ("a problem is a", check.severity.value),
        ("needs", ", ".join(check.needs) or "nothing"),
        ("docs", check.docs),
    )
    return Record({**_check_json(check), "judges": about}, fields, check.id)


def _check_json(check: Check[Any]) -> dict[str, Any]:
    return {
        "id": check.id,
        "area": check.area,
        "title": check.title,
        "severity": check.severity.value,
        "needs": list(check.needs),
        "docs": check.docs,
    }


def _show(result: Result, console: Console) -> None:
    symbol, style = _LOOKS[result.status]
    word = "info" if result.status is Status.passed and result.findings else result.status.value
    label = console.paint(f"{symbol} {word:<7}", style)
    console.write(f"  {label} {result.title}: {printable(result.detail)}\n")
    if result.status in {Status.passed, Status.skip}:
        return
    for finding in result.findings[1:] if len(result.findings) > 1 else ():
        console.write(f"              {printable(_words(finding, result.severity))}\n")
    if result.hint:
        console.write(f"              {console.paint('hint:', 'yellow')} {printable(result.hint)}\n")
    if result.status is not Status.warn:
        console.write(f"              {console.paint('docs:', 'dim')} {result.docs}\n")


def _words(finding: Finding, severity: Severity) -> str:
    return f"{(finding.severity or severity).value}: {finding}"


def _summary(report: Report, console: Console) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    verdict = {"pass": "green", "warn": "yellow", "fail": "red"}[report.verdict]
    console.write(f"\n{console.paint(report.verdict.upper(), verdict)}  {counts}  ({report.duration_ms} ms)\n")
    cause = report.probable_cause
    if cause is None:
        return
    console.write(f"{console.paint('Probable cause:', 'bold')} {printable(cause.detail)}  [{cause.id}]\n")
    folded = sum(1 for result in report.results if cause.id in result.blocked_by)
    if folded:
        console.write(f"  {folded} {'check was' if folded == 1 else 'checks were'} not run because of it\n")
    if cause.hint:
        console.write(f"  {printable(cause.hint)}\n")
