"""Where the report of a run goes: `--report FORMAT[=FILE]` and `--bundle FILE.zip`, also when the run is cut."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lkctl.errors import LkctlError
from lkctl.invocation import Invocation

if TYPE_CHECKING:
    from lkctl.checks.report import Report
    from lkctl.checks.result import Result
    from lkctl.checks.selection import Plan
    from lkctl.checks.world import World

    See = Callable[[Iterable[Result]], Iterator[Result]]

_SUMMARY = "GITHUB_STEP_SUMMARY"
_PATIENCE = 0.3  # seconds for which removing what was made is worth no word
_CUTS = {"KeyboardInterrupt": "interrupted", "Terminated": "terminated"}


class Outlet(NamedTuple):
    """One place for one format; `path` None is stdout."""

    format: str
    path: Path | None


def read_outlets(run: Invocation, given: Sequence[str] | None, bundle: str | None = None) -> tuple[Outlet, ...]:
    """Read `--report` and `--bundle`; raise `usage` for what cannot be, `file-unwritable` before anything is done."""
    outlets = [_read(text) for text in given or ()]
    if sum(outlet.path is None for outlet in outlets) > 1:
        hint = "Give the others a file: --report junit=lkctl.xml"
        raise LkctlError("usage", "two reports want stdout", hint=hint)
    if any(outlet.path is None for outlet in outlets) and run.format != "auto":
        hint = "Leave -o (and LKCTL_OUTPUT) out, or give the report a file: --report junit=lkctl.xml"
        raise LkctlError("usage", f"-o {run.format} and a report both want stdout", hint=hint)
    outlets += [Outlet("bundle", Path(bundle))] if bundle is not None else []
    paths = [outlet.path for outlet in outlets if outlet.path is not None]
    for path in paths:
        _insist_writable(path)
        if paths.count(path) > 1:
            raise LkctlError("usage", f"two reports want {path}", hint="Give each a file of its own")
    return tuple(outlets)


def _read(text: str) -> Outlet:
    from lkctl.reports.catalogue import FORMATS

    name, mark, file = text.partition("=")
    if name not in FORMATS:
        hint = f"Choose one of: {', '.join(FORMATS)}; such as --report junit=lkctl.xml"
        raise LkctlError("usage", f"--report {name!r} is no format of a report", hint=hint)
    if mark and not file:
        raise LkctlError("usage", f"--report {text} names no file", hint=f"Write it like {name}=FILE, or {name}=-")
    return Outlet(name, None if file in {"", "-"} else Path(file))


def _insist_writable(path: Path) -> None:
    from lkctl.files.reportfile import insist_writable

    insist_writable(path)


class Desk:
    """Makes runs, keeps what comes of them, and sees to it that every outlet has its report at the end."""

    def __init__(self, run: Invocation, outlets: Sequence[Outlet], *, strict: bool) -> None:
        self._run, self._outlets, self._strict = run, outlets, strict
        self._world: World | None = None
        self._report: Report | None = None
        self._seen: list[Result] = []

    @property
    def takes_stdout(self) -> bool:
        """Whether a report stands on stdout, so that nothing else may."""
        return any(outlet.path is None for outlet in self._outlets)

    def examine(self, world: "World", plan: "Plan", see: "See") -> "Report":
        """Make one run; `see` is shown each result as it comes."""
        from lkctl.scenarios.examination import examine, unfinished

        self._world, self._seen = world, []
        self._report = unfinished(self._run.command, world, strict=self._strict)
        remark = threading.Timer(_PATIENCE, self._run.console.talk, ["removing what was made..."])
        remark.daemon = True
        told = partial(self._noted, remark)
        try:
            whole = examine(self._run.command, world, plan, lambda found: see(told(found)), strict=self._strict)
        finally:
            remark.cancel()
        self._report = whole
        return whole

    def deliver(self, report: "Report | None" = None) -> int:
        """Write the report to every outlet, and give the exit code; raise what the first that failed raised."""
        shown = report or self._report
        failures = []
        if shown is None:
            return 0
        for outlet in self._outlets:
            try:
                self._write(outlet, shown)
            except LkctlError as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return self._exit_code(shown)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Deliver what is there, marked as cut, when ^C, a signal or a defect ends the block."""
        try:
            yield
        except BaseException as error:
            cut = _CUTS.get(type(error).__name__, getattr(error, "code", "bug"))
            with suppress(LkctlError, OSError):
                self.deliver(self._cut_short(cut))
            raise

    def _noted(self, remark: threading.Timer, results: "Iterable[Result]") -> "Iterator[Result]":
        try:
            for result in results:
                self._seen.append(result)
                yield result
        except BaseException as error:
            if type(error).__name__ in _CUTS:  # what was made is removed next, and that may take seconds
                remark.start()
            raise

    def _cut_short(self, why: str) -> "Report | None":
        from dataclasses import replace

        if self._report is None or not self._report.cut:
            return self._report
        spent = round((self._run.now - self._report.started_at.timestamp()) * 1000)
        return replace(self._report, results=tuple(self._seen), cut=why, duration_ms=spent)

    def _write(self, outlet: Outlet, report: "Report") -> None:
        from lkctl.files.reportfile import append_text, write_report
        from lkctl.reports.catalogue import written

        if outlet.format == "bundle":
            from lkctl.reports.bundle import to_bundle

            write_report(outlet.path or Path(), to_bundle(report, self._world), private=True)
            return
        text = written(report, outlet.format, to_file=outlet.path is not None)
        if outlet.path is None:
            self._run.console.write(text)
        else:
            write_report(outlet.path, text.encode())
        summary = os.environ.get(_SUMMARY, "") if outlet.format == "github" else ""
        if summary:
            from lkctl.reports.github import step_summary
            from lkctl.reports.redaction import redacted

            append_text(Path(summary), step_summary(redacted(report)))

    def _exit_code(self, report: "Report") -> int:
        """Give that of lkctl, or that of a plugin where Nagios reads stdout."""
        if any(outlet == ("nagios", None) for outlet in self._outlets):
            from lkctl.reports.nagios import nagios_code

            return nagios_code(report)
        return min(report.exit_code, 1)  # of a bundle of a run that was cut: this one was not
