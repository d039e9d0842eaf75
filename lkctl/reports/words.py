"""What the formats share: foreign words made safe to show, where a finding points to, and what a result counts as."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from lkctl.checks.cause import Cause
from lkctl.checks.report import Report, is_failure
from lkctl.checks.result import Finding, Result, Status
from lkctl.secret import printable

_MOST = 2_000  # characters of one text; -o json and bundles have the rest
_PLACE = re.compile(r"(?P<file>[^:\s][^:]*):(?P<line>[1-9]\d{0,8})")
_NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # what XML does not know

SYMBOLS = {
    Status.passed: "✓",
    Status.warn: "!",
    Status.fail: "✗",
    Status.unknown: "?",
    Status.skip: "-",
    Status.crash: "✗",
}


class Place(NamedTuple):
    """A line of a file."""

    file: str
    line: int


def said(text: str, most: int = _MOST) -> str:
    """Make foreign text one line of bounded length without control characters."""
    short = text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"
    return _NO_CHARACTERS.sub(lambda match: f"\\u{ord(match.group()):04x}", printable(short))


def mark(result: Result) -> str:
    """Give the sign and the word for how a result ended; a pass that found something is neither good nor bad."""
    if result.status is Status.passed and result.findings:
        return "i info"
    return f"{SYMBOLS[result.status]} {result.status.value}"


def counted(report: Report) -> str:
    """Count the results: `8 pass, 1 fail`."""
    return ", ".join(f"{count} {status}" for status, count in report.counts.items() if count) or "no result"


def summary(report: Report) -> str:
    """Say in one line what a run adds up to."""
    cause = report.probable_cause
    told = "" if cause is None else f"Probable cause: {said(cause.message)} [{said(cause.check)}]"
    if report.cut:
        known = f"The run was cut ({said(report.cut)}): {counted(report)}, and the rest is not known"
        return f"{known}. {told}".rstrip(". ")
    if told:
        return told
    return f"Nothing failed: {counted(report)}"


def is_red(report: Report, result: Result) -> bool:
    """Whether a result makes this report a failure."""
    return is_failure(result, strict=report.strict)


def is_quiet(result: Result) -> bool:
    """Whether nothing needs to be said of a result: it passed without a finding, or was skipped."""
    return result.status is Status.skip or (result.status is Status.passed and not result.findings)


def quiet_words(quiet: Sequence[Result]) -> str:
    """Count what passed and what was skipped."""
    passed = sum(result.status is Status.passed for result in quiet)
    counts = ((passed, "passed"), (len(quiet) - passed, "skipped"))
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def cause_rows(cause: Cause) -> Iterator[tuple[str, str]]:
    """Give what stands behind a cause, each with its label."""
    yield from (("evidence", said(one)) for one in cause.evidence)
    yield from (("ruled out", said(one)) for one in cause.ruled_out)
    for label, names in (("it rests on", cause.passed), ("follows from it", cause.follows), ("besides", cause.others)):
        if names:
            yield label, said(", ".join(names))
    if cause.hint:
        yield "to mend it", said(cause.hint)
    if cause.fix is not None:
        yield "change", said(cause.fix.command or "printed by: lkctl diagnose --fix")


def notes(result: Result) -> Iterator[tuple[str, str]]:
    """Give what there is to say of a result beside its detail, each with its label."""
    if len(result.findings) > 1:
        yield from (((one.severity or result.severity).value, said(str(one))) for one in result.findings)
    if result.hint:
        yield "hint", said(result.hint)
    if result.status is not Status.passed:
        yield from (("evidence", said(one)) for one in result.proof.evidence)
        yield from (("ruled out", said(one)) for one in result.proof.ruled_out)


def place_of(finding: Finding) -> Place | None:
    """Tell which line of which file a finding points to; None where it points to none."""
    if finding.fix is not None and finding.fix.path and finding.fix.line:
        return Place(finding.fix.path, finding.fix.line)
    match = _PLACE.fullmatch(finding.place)
    return None if match is None else Place(match["file"], int(match["line"]))
