"""One HTML page that needs nothing else: no script, no image, no font, nothing from elsewhere.

Read on a phone or a desk, in light or dark. Foreign words are text. A policy in the page forbids whatever else.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC

from lkctl.checks.cause import Cause
from lkctl.checks.report import Report
from lkctl.checks.result import Result, Status
from lkctl.reports.htmlstyle import STYLE
from lkctl.reports.words import cause_rows, counted, is_quiet, is_red, mark, notes, quiet_words, said, summary

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_PROOF = ("evidence", "ruled out")
_TONES = {Status.passed: "pass", Status.skip: "skip"}


def to_html(report: Report) -> str:
    """Write a report as a web page."""
    return "\n".join(_lines(report)) + "\n"


def text(words: str, most: int = 2_000) -> str:
    """Make foreign words text of a page, in its body or in an attribute."""
    from html import escape

    return escape(said(words, most))


def _lines(report: Report) -> Iterator[str]:
    title = f"lkctl {text(report.command, 200)}: {report.verdict}"
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<meta name="color-scheme" content="light dark">\n<title>{title}</title>\n<style>{STYLE}</style>'
    yield f'</head>\n<body>\n<main>\n<header>\n<p class="verdict {report.verdict}">{report.verdict.upper()}</p>'
    yield f"<h1>lkctl {text(report.command, 200)}</h1>\n<p>{text(report.url, 200) or 'no URL'}</p>"
    when = f"{report.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    yield f"<p>{when} · {report.duration_ms} ms</p>\n<p>{counted(report)}</p>\n</header>"
    yield f'<section class="cause {report.verdict}">\n<h2>{text(summary(report), 600)}</h2>'
    cause = report.probable_cause
    yield from _cause_lines(cause)
    yield "</section>"
    told = [result for result in report.results if not is_quiet(result)]
    quiet = [result for result in report.results if is_quiet(result)]
    if told:
        yield "<section>\n<h2>To look at</h2>"
        yield from (_article(report, result) for result in told)
        yield "</section>"
    if quiet:
        yield f"<details{'' if told else ' open'}>\n<summary>{quiet_words(quiet)}</summary>"
        yield from (_article(report, result) for result in quiet)
        yield "</details>"
    yield "</main>\n</body>\n</html>"


def _cause_lines(cause: Cause | None) -> Iterator[str]:
    if cause is not None:
        yield from _facts(cause_rows(cause))


def _facts(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    listed: dict[str, list[str]] = {}
    for label, words in rows:
        listed.setdefault(label, []).append(f"<dd>{text(words)}</dd>")
    if listed:
        groups = (f"<div><dt>{text(label)}</dt>{''.join(said)}</div>" for label, said in listed.items())
        yield "<dl>\n" + "\n".join(groups) + "\n</dl>"


def _article(report: Report, result: Result) -> str:
    """Write a result; what stands behind the cause is told where the cause is."""
    cause = report.probable_cause
    told_above = _PROOF if cause is not None and cause.check == result.id else ()
    facts = "\n".join(_facts((label, words) for label, words in notes(result) if label not in told_above))
    tone = "fail" if is_red(report, result) else _TONES.get(result.status, "warn")
    spent = "" if result.status is Status.skip else f" ·&nbsp;{result.duration_ms}&nbsp;ms"
    return (
        f'<article class="{tone}">\n'
        f'<h3><span class="status">{mark(result)}</span> {text(result.title)}'
        f" <code>{text(result.id)}{spent}</code></h3>\n<p>{text(result.detail)}</p>\n{facts}\n</article>"
    )
