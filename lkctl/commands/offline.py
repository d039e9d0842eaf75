"""What `diagnose` answers without asking any server: --list, --explain, --from and --diff."""

from collections.abc import Sequence
from pathlib import Path

import typer

from lkctl.commands.outlets import Desk, Outlet, read_outlets
from lkctl.errors import LkctlError
from lkctl.invocation import Invocation

_OF_ANY = {"output", "color", "quiet", "debug"}
_OF_FROM = {*_OF_ANY, "from_", "report", "strict", "failed_only"}


def answer_offline(ctx: typer.Context, run: Invocation) -> int:
    """Answer what one of these options asks, from the parameters of the command; give the exit code.

    Raises `usage` for options that would do nothing, and what reports.opening raises.
    """
    wish = ctx.params
    if wish["list_"] or wish["explain"]:
        return _list_checks(run, explain=wish["explain"], only=wish["only"], skip=wish["skip"])
    if wish["diff"]:
        _insist_alone(ctx, "--diff", {*_OF_ANY, "diff"})
        return _show_difference(run, *wish["diff"])
    _insist_alone(ctx, "--from", _OF_FROM)
    outlets = read_outlets(run, wish["report"])
    return _show_bundle(run, Path(wish["from_"]), outlets, strict=wish["strict"], failed_only=wish["failed_only"])


def _list_checks(
    run: Invocation, *, explain: str | None, only: Sequence[str] | None, skip: Sequence[str] | None
) -> int:
    from lkctl.checks.catalogue import every_check, find_check
    from lkctl.checks.selection import choose
    from lkctl.views.checks import check_view, checks_view

    run.show(check_view(find_check(explain)) if explain else checks_view(choose(every_check(), only, skip)))
    return 0


def _insist_alone(ctx: typer.Context, option: str, fitting: set[str]) -> None:
    """Refuse options that would do nothing."""
    for param in ctx.command.params:
        given = str(ctx.get_parameter_source(str(param.name))).endswith("COMMANDLINE")
        if given and param.name not in fitting:
            hint = "It reads files only, and judges what was seen then"
            raise LkctlError("usage", f"{option} excludes {param.opts[0]}", hint=hint)


def _show_difference(run: Invocation, before: str, after: str) -> int:
    from lkctl.reports.difference import difference
    from lkctl.reports.opening import open_report
    from lkctl.views.difference import difference_view

    found = difference(open_report(Path(before)), open_report(Path(after)))
    run.show(difference_view(found))
    return 1 if found.worse else 0


def _show_bundle(run: Invocation, path: Path, outlets: Sequence[Outlet], *, strict: bool, failed_only: bool) -> int:
    from dataclasses import replace

    from lkctl.reports.opening import open_bundle
    from lkctl.reports.replay import replayed
    from lkctl.views.telling import Telling

    bundle = open_bundle(path)
    if bundle.facts is None:
        hint = f"Its report can be read: unzip -p {path} report.md"
        raise LkctlError("input-malformed", f"{path} holds no facts to judge", hint=hint)
    report = replayed(bundle.facts)
    report = replace(report, strict=report.strict or strict)
    run.console.talk(
        f"from {path}, of {report.started_at:%Y-%m-%d %H:%M} UTC by lkctl {bundle.made_by}; nobody is asked"
    )
    if report.verdict != bundle.report["verdict"]:
        run.console.talk(
            f"its verdict was {bundle.report['verdict']}; by the rules of this lkctl it is {report.verdict}"
        )
    desk = Desk(run, outlets, strict=report.strict)
    if not desk.takes_stdout:
        telling = Telling(run.format, run.console, failed_only=failed_only)
        tuple(telling(report.results))
        telling.conclude(report)
    return desk.deliver(report)
