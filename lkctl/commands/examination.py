"""What `diagnose` and `env check` do with their options: one run, a wait for a green one, a watch, a change to make."""

from typing import TYPE_CHECKING, NamedTuple

from lkctl.commands.outlets import Desk, Outlet, read_outlets
from lkctl.errors import LkctlError
from lkctl.invocation import Connection, Invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lkctl.checks.report import Report
    from lkctl.checks.result import Result
    from lkctl.checks.selection import Plan
    from lkctl.checks.world import Scope

    Once = Callable[..., Report]


class Manner(NamedTuple):
    """How runs are made and shown. `wait`, `watch`: seconds; `fix`: nothing but the change that mends the cause."""

    strict: bool = False
    failed_only: bool = False
    fix: bool = False
    wait: float | None = None
    watch: float | None = None
    outlets: tuple[Outlet, ...] = ()


def read_manner(
    run: Invocation,
    *,
    wait: str | None,
    watch: str | None,
    strict: bool,
    failed_only: bool,
    fix: bool,
    report: "Sequence[str] | None" = None,
    bundle: str | None = None,
) -> Manner:
    """Read how runs are to be made; raise `usage` for what does not go together."""
    from lkctl.duration import parse_duration

    if watch is not None and (wait is not None or fix):
        raise LkctlError("usage", f"--watch excludes {'--fix' if fix else '--wait'}", hint="Give one or the other")
    if (wait or watch) and (run.connection.api_secret or "").startswith("-"):
        raise LkctlError("usage", "stdin can be read once only, and runs are many", hint="Give --api-secret @FILE")
    pause = None if watch is None else parse_duration(watch, "--watch")
    if pause is not None and not pause:
        raise LkctlError("usage", "--watch is 0: that is no pause between two runs", hint="Write it like 10s")
    outlets = read_outlets(run, report, bundle)
    if (fix or watch) and any(outlet.path is None for outlet in outlets):
        taker = "--fix" if fix else "--watch"
        raise LkctlError("usage", f"{taker} and a report both want stdout", hint="Give the report a file: FORMAT=FILE")
    return Manner(strict, failed_only, fix, None if wait is None else parse_duration(wait, "--wait"), pause, outlets)


def examine(run: Invocation, plan: "Plan", manner: Manner, scope: "Scope | None" = None) -> int:
    """Run checks on what is configured here, show what comes of it, and give the exit code."""
    desk = Desk(run, manner.outlets, strict=manner.strict)

    def once(see: "Callable[[Iterable[Result]], Iterator[Result]]" = iter) -> "Report":
        return desk.examine(run.world(scope=scope), plan, see)

    if manner.watch is not None:  # ^C is its end, and cuts nothing
        return _watch(run, once, manner.watch, desk)
    with desk.guard():
        _tell(run, once, manner, silently=desk.takes_stdout)
    return desk.deliver()


def _tell(run: Invocation, once: "Once", manner: Manner, *, silently: bool) -> None:
    """Make the run, or those of a wait, and show what comes of it, unless a report takes stdout."""
    from lkctl.views.telling import Telling

    telling = Telling(run.format, run.console, failed_only=manner.failed_only)
    watched = manner.wait is None and not manner.fix and not silently
    report = once(telling) if watched else once() if manner.wait is None else _wait(run, once, manner.wait)
    if manner.fix:
        _show_change(run, report)
    elif not silently:
        tuple(telling(report.results) if not watched else ())
        telling.conclude(report)


def _wait(run: Invocation, once: "Once", seconds: float) -> "Report":
    """Run until nothing fails any more, or the time is up."""
    from lkctl.scenarios.examination import examine_until_green
    from lkctl.views.waiting import showing_progress

    runs = 1
    with showing_progress(run.console) as show:

        def tell(report: "Report", waited: float) -> None:
            nonlocal runs
            runs += 1
            cause = report.probable_cause
            show(f"waiting, {waited:.0f} s: {cause.message if cause else report.verdict}")

        report = examine_until_green(once, seconds, tell)
    if report.failures:
        run.console.talk(f"still failing after {seconds:g} s and {runs} {'run' if runs == 1 else 'runs'}")
    return report


def _watch(run: Invocation, once: "Once", interval: float, desk: Desk) -> int:
    """Run again and again, and show a line where verdict or cause is another; only ^C ends it."""
    from lkctl.scenarios.examination import verdict_changes
    from lkctl.views.telling import showing_changes

    run.console.talk(f"a run every {interval:g} s; ^C ends it")
    with showing_changes(run.format, run.console) as show:
        for report in verdict_changes(once, interval):
            run.console.insist_reader()
            desk.deliver()
            if report is not None:
                show(report)
    return 0


def _show_change(run: Invocation, report: "Report") -> None:
    """Show what to change, as a patch or a command; with json and jsonl as a document."""
    from lkctl.output.format import Format
    from lkctl.output.jsontext import to_json
    from lkctl.views.change import change_json, change_lines

    cause = report.probable_cause
    content = _content(cause.fix.path) if cause is not None and cause.fix is not None and cause.fix.path else ""
    if run.format in {Format.json, Format.jsonl}:
        run.console.write(to_json(change_json(cause, content), compact=run.format is Format.jsonl) + "\n")
    elif cause is None:
        run.console.talk("nothing failed, so there is nothing to change")
    else:
        lines = change_lines(cause, content, _options(run.connection))
        run.console.write("".join(f"{line}\n" for line in lines))


def _options(given: Connection) -> str:
    """Spell the options that lead to the same server, for a shell; a secret that was given openly is left out."""
    from shlex import join

    secret = given.api_secret if (given.api_secret or "").startswith("@") else None
    options = {"--url": given.url, "--api-key": given.api_key, "--api-secret": secret, "--project": given.project}
    named = [word for name, value in options.items() if value for word in (name, value)]
    files = [word for file in given.env_file or () for word in ("--env-file", file)]
    return join([*named, *files, *["--no-env-file"] * bool(given.no_env_file)])


def _content(path: str) -> str:
    """Read the file to change; "" where it cannot be read."""
    from pathlib import Path

    from lkctl.files.content import decode, read_file

    try:
        return decode(read_file(Path(path), most=1024 * 1024), path)
    except LkctlError:
        return ""
