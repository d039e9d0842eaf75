"""When a report is told: results as they come to those who wait, and the cause first where it is known in time."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

from lkctl.checks.report import Report
from lkctl.checks.result import Result
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339, to_json
from lkctl.output.render import effective
from lkctl.output.stream import streaming
from lkctl.secret import printable
from lkctl.views.report import (
    area_line,
    cause_values,
    change_line,
    headline,
    is_worth_showing,
    result_lines,
    summary_json,
    summary_lines,
    values,
    verdict_values,
)

_PATIENCE = 1.0  # seconds for which a terminal is left without a line, so that the cause can come first


class Telling:
    """Tells one report.

    In a pipe the cause is the first line and the last. So it is on a terminal for a run that ends within a second; of
    a slower one the results are shown as they come, and the cause last. JSON lines come one by one.
    """

    def __init__(self, format_: Format, console: Console, *, failed_only: bool = False) -> None:
        self._text = format_ is Format.auto or effective(format_, console) is Format.table
        self._format = format_
        self._console = console
        self._failed_only = failed_only
        self._lock = threading.Lock()
        self._streams = format_ is Format.jsonl
        self._held: list[Result] = []
        self._begun = False
        self._area = ""

    @property
    def _width(self) -> int | None:
        """What a line may fill; None where it may be as long as it is: in a pipe."""
        return self._console.width if self._console.out_tty else None

    def __call__(self, results: Iterable[Result]) -> Iterator[Result]:
        """Hand the results on, and show each as it comes, or hold it back."""
        with self._impatience():
            for result in results:
                with self._lock:
                    self._show(result) if self._streams else self._held.append(result)
                yield result

    @contextmanager
    def _impatience(self) -> Iterator[None]:
        """Let whoever sits at a terminal see something after a while; a pipe has time."""
        if not (self._text and self._console.out_tty):
            yield
            return
        timer = threading.Timer(_PATIENCE, self._release)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def conclude(self, report: Report) -> None:
        """Show what was held back, and what the run adds up to."""
        if self._text:
            self._conclude_text(report)
        elif self._format is Format.json:
            shown = [result.json() for result in report.results if self._is_wanted(result)]
            self._write(to_json({**report.json(), "results": shown}))
        elif self._format is Format.jsonl:
            self._write(to_json(summary_json(report), compact=True))
        elif self._format is Format.name:
            self._write(*(printable(result.id) for result in report.failures))
        else:
            self._conclude_values(report)

    def _conclude_text(self, report: Report) -> None:
        cause = report.probable_cause
        if cause is not None and not self._begun:
            self._write(*headline(cause, self._console.paint, self._width), "")
        self._release()
        self._write(*([""] if self._begun else []), *summary_lines(report, self._console.paint, self._width))

    def _conclude_values(self, report: Report) -> None:
        cause = report.probable_cause
        rows = [] if cause is None else [cause_values(cause)]
        rows += [values(result) for result in report.results if self._is_wanted(result)]
        self._write(*("\t".join(row) for row in (*rows, verdict_values(report))))

    def _is_wanted(self, result: Result) -> bool:
        return not self._failed_only or is_worth_showing(result, failed_only=True)

    def _release(self) -> None:
        """Show what was held back, and hold nothing back from now on."""
        with self._lock:
            self._streams = True
            for result in self._held:
                self._show(result)
            self._held.clear()

    def _show(self, result: Result) -> None:
        if not self._text:
            self._write(*([to_json(result.json(), compact=True)] if self._is_wanted(result) else []))
        elif is_worth_showing(result, failed_only=self._failed_only):
            self._begun = True
            paint = self._console.paint
            if result.area != self._area:
                self._area = result.area
                self._write(area_line(result, paint))
            self._write(*result_lines(result, paint, self._width))
        self._console.flush()

    def _write(self, *lines: str) -> None:
        for line in lines:
            self._console.write(line + "\n")


def showing_changes(format_: Format, console: Console) -> AbstractContextManager[Callable[[Report], None]]:
    """Give the function that shows a report in one line: of a watch, where verdict or cause is another than before."""
    spellings: dict[Format, Callable[[Report, Console], str]] = {
        Format.table: lambda report, at: change_line(report, at.paint) + "\n",
        Format.tsv: lambda report, _: "\t".join((_when(report), *verdict_values(report)[1:])) + "\n",
        Format.name: lambda report, _: report.verdict + "\n",
        Format.json: lambda report, _: to_json(summary_json(report)),
        Format.jsonl: lambda report, _: to_json(summary_json(report), compact=True) + "\n",
    }
    return streaming(Format.table if format_ is Format.auto else format_, console, spellings)


def _when(report: Report) -> str:
    return rfc3339(report.started_at) or ""
