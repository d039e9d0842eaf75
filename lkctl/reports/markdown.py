"""Markdown, for a ticket, a pull request or the summary of a CI step.

Foreign words become plain text: no markup, no HTML, no link, no mention of a person and no reference to an issue.
"""

import re
from collections.abc import Iterator

from lkctl.checks.report import Report
from lkctl.checks.result import Result
from lkctl.output.jsontext import rfc3339
from lkctl.reports.words import cause_rows, counted, is_quiet, mark, notes, quiet_words, said, summary

_MARKUP = re.compile(r"[\\`*_{}\[\]<>#!|~@$&]|:(?=\S)")  # a colon: links, and :emoji:
_WEB = re.compile(r"www\.", re.IGNORECASE)
_JOINER = "\u2060"  # word joiner, of no width: GitHub looks for mentions in what was rendered
_TICKS = re.compile("`+")
_CALLING = re.compile(r"(?:@|#|\b[Gg][Hh]-)(?=\w)")


def to_markdown(report: Report) -> str:
    """Write a report as GitHub-flavoured Markdown."""
    return "\n".join(_lines(report)) + "\n"


def plain(text: str, most: int = 2_000) -> str:
    """Make foreign text one that Markdown shows as it is."""
    safe = _CALLING.sub(lambda match: match.group() + _JOINER, said(text, most))
    return _WEB.sub(lambda match: f"{match.group()[:3]}\\.", _MARKUP.sub(r"\\\g<0>", safe))


def code(text: str) -> str:
    """Make text a code span: what is to be copied stays as it is, to the letter."""
    fence = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{fence} {text} {fence}" if text.startswith("`") or text.endswith("`") else f"{fence}{text}{fence}"


def _lines(report: Report) -> Iterator[str]:
    yield f"## lkctl {plain(report.command)}: {report.verdict.upper()}"
    yield f"\n**{plain(summary(report))}**\n"
    cause = report.probable_cause
    if cause is not None:
        command = said(cause.fix.command) if cause.fix is not None else ""
        rows = cause_rows(cause)
        yield from (f"- {label}: {code(text) if text and text == command else plain(text)}" for label, text in rows)
        yield ""
    when = rfc3339(report.started_at) or ""
    yield f"Server: {plain(report.url) or 'no URL'} · {when} · {report.duration_ms} ms · {counted(report)}"
    told = [result for result in report.results if not is_quiet(result)]
    quiet = [result for result in report.results if is_quiet(result)]
    if told:
        yield from ("", "| | check | what was seen |", "|---|---|---|")
        yield from (_row(result, _seen(result)) for result in told)
    if quiet:
        yield from ("", "<details>", f"<summary>{quiet_words(quiet)}</summary>", "", "| | check | what was seen |")
        yield "|---|---|---|"
        yield from (_row(result, plain(result.detail)) for result in quiet)
        yield from ("", "</details>")


def _row(result: Result, seen: str) -> str:
    return f"| {mark(result)} | {plain(result.title)} \\[{plain(result.id)}\\] | {seen} |"


def _seen(result: Result) -> str:
    return "<br>".join((plain(result.detail), *(f"*{label}*: {plain(text)}" for label, text in notes(result))))
