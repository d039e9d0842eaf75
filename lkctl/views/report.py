"""How a report reads: the lines for people, and the documents for programs. Nothing is written here.

Ids and titles are foreign words as all others: they may be a plug-in's, or those of a bundle that somebody sent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lkctl.checks.report import Report
from lkctl.checks.result import Result, Status
from lkctl.output.columns import hang
from lkctl.secret import printable

if TYPE_CHECKING:
    from lkctl.checks.cause import Cause

Paint = Callable[[str, str], str]
_LOOKS = {
    Status.passed: ("✓", "green"),
    Status.warn: ("!", "yellow"),
    Status.fail: ("✗", "red"),
    Status.unknown: ("?", "red"),
    Status.skip: ("-", "dim"),
    Status.crash: ("✗", "red"),
}
_INFO = ("i", "cyan")  # it passed, and found something
_VERDICTS = {"pass": "green", "warn": "yellow", "fail": "red"}
_INDENT = " " * 14
_LABEL = 11
_LONGEST = 600  # characters of what a server may have said
_MOST = 8  # lines of one kind
_TIMED = "smoke"  # the area whose checks are steps: one wants to know how long each takes


def is_worth_showing(result: Result, *, failed_only: bool) -> bool:
    """Whether a result has a line of its own: what only waits for another check is named where its cause is."""
    if failed_only:
        return result.status not in {Status.passed, Status.skip}
    return not result.blocked_by


def headline(cause: "Cause", paint: Paint, width: int | None = None) -> list[str]:
    """Give the line that names the cause; it is the first and the last. `width`: that of a terminal, if it is one."""
    return hang(f"{paint('Probable cause:', 'bold')} ", _said(cause.message), width, tail=f"  [{_said(cause.check)}]")


def result_lines(result: Result, paint: Paint, width: int | None = None) -> Iterator[str]:
    """Give the lines of one result: what was seen, all that was found, and the next step."""
    found = result.status is Status.passed and result.findings
    word = "info" if found else result.status.value
    symbol, style = _INFO if found else _LOOKS[result.status]
    told = f"{_said(result.title)}: {_said(result.detail)}"
    yield from hang(f"  {paint(f'{symbol} {word:<7}', style)} ", told, width, tail=_time(result))
    if result.status in {Status.passed, Status.skip}:
        return
    for finding in result.findings if len(result.findings) > 1 else ():
        yield from hang(f"{_INDENT}{(finding.severity or result.severity).value}: ", _said(str(finding)), width)
    if result.hint:
        yield from hang(f"{_INDENT}{paint('hint:', 'yellow')} ", _said(result.hint), width)
    if result.status is not Status.warn:
        yield from hang(f"{_INDENT}{paint('docs:', 'dim')} ", _said(result.docs), width)


def _time(result: Result) -> str:
    return f"  ({result.duration_ms} ms)" if result.area == _TIMED and result.status is not Status.skip else ""


def area_line(result: Result, paint: Paint) -> str:
    """Give the heading of a result's area."""
    return paint(_said(result.area), "bold")


def summary_lines(report: Report, paint: Paint, width: int | None = None) -> Iterator[str]:
    """Give what a run adds up to: the verdict, what proves the cause, what was ruled out, what mends it; the cause.

    A change is to be copied, so it is never broken.
    """
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    verdict = paint(report.verdict.upper(), _VERDICTS[report.verdict])
    yield from hang(f"{verdict}  ", counts, width, tail=f"  ({report.duration_ms} ms)")
    cause = report.probable_cause
    if cause is not None:
        before = ""
        for label, said in _cause_rows(cause, report):
            lead = f"  {paint((f'{label}:' if label != before else '').ljust(_LABEL), 'dim')} "
            yield from hang(lead, said, None if label == "change" else width)
            before = label
        yield from headline(cause, paint, width)


def change_line(report: Report, paint: Paint) -> str:
    """Give the line of a watch: when, the verdict, and the cause."""
    verdict = paint(f"{report.verdict.upper():<4}", _VERDICTS[report.verdict])
    cause = report.probable_cause
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    told = counts if cause is None else f"{_said(cause.message)}  [{_said(cause.check)}]"
    return f"{report.started_at.astimezone():%H:%M:%S}  {verdict}  {told}"


def summary_json(report: Report) -> dict[str, Any]:
    """Give a report without its results: the last of the JSON lines, and a line of a watch."""
    return {key: value for key, value in report.json().items() if key != "results"}


def values(result: Result) -> tuple[str, ...]:
    """Give a result as tab-separated values."""
    return result.status.value, printable(result.id), printable(result.detail)


def cause_values(cause: "Cause") -> tuple[str, ...]:
    """Give the cause as tab-separated values: the first line."""
    return "cause", printable(cause.check), printable(cause.message)


def verdict_values(report: Report) -> tuple[str, ...]:
    """Give the verdict as tab-separated values: the last line, which names the cause once more."""
    cause = report.probable_cause
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    told = (
        counts if cause is None else f"{counts}; probable cause: {printable(cause.check)}: {printable(cause.message)}"
    )
    return "verdict", report.verdict, told


def _cause_rows(cause: "Cause", report: Report) -> Iterator[tuple[str, str]]:
    yield from (("evidence", _said(one)) for one in _some(cause.evidence))
    yield from (("ruled out", _said(one)) for one in _some(cause.ruled_out))
    if cause.passed:
        yield "passed", _said(f"what it rests on: {', '.join(cause.passed)}")
    if cause.follows:
        yield "follows", _said(f"from it, or did not run because of it: {', '.join(cause.follows)}")
    for other in cause.others:
        waiting = [result.id for result in report.results if other in result.blocked_by]
        yield "besides", _said(other + (f", and did not run because of it: {', '.join(waiting)}" if waiting else ""))
    if cause.hint:
        yield "to mend it", _said(cause.hint)
    if cause.fix is not None:
        yield "change", _said(cause.fix.command) if cause.fix.command else "printed by: lkctl diagnose --fix"


def _some(said: Sequence[str]) -> Iterable[str]:
    if len(said) <= _MOST:
        return said
    return (*said[: _MOST - 1], f"and {len(said) - _MOST + 1} more; -o json has them all")


def _said(text: str) -> str:
    return printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)")
