"""The options of commands that run checks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer._click.core import Context  # overriding methods needs the class itself
from typer._click.exceptions import UsageError

from lkctl.errors import ExitCode, LkctlError
from lkctl.options import OutputCommand


def complete_check(incomplete: str) -> list[str]:
    """Complete the ids of checks, and patterns for their areas."""
    from lkctl.checks.catalogue import every_check

    checks = every_check()
    names = (*dict.fromkeys(f"{check.area}.*" for check in checks), *(check.id for check in checks))
    return [name for name in names if name.startswith(incomplete)]


def complete_choice(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete what `--only` and `--skip` take: not the steps of `smoke`; of `env check` its own."""
    from lkctl.checks.catalogue import every_check

    fitting = {check.id for check in every_check() if check.scope != "smoke"}
    if ctx.info_name == "check":
        fitting = _ids_of_env_check()
    areas = {f"{name.partition('.')[0]}.*" for name in fitting}
    return [name for name in complete_check(incomplete) if name in fitting | areas]


def _ids_of_env_check() -> set[str]:
    from lkctl.checks.environment import ENVIRONMENT_CHECKS
    from lkctl.checks.url import URL_CHECKS

    return {check.id for check in (*ENVIRONMENT_CHECKS, *URL_CHECKS)}


Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        autocompletion=complete_choice,
        help="Run these checks only, such as net.* (repeatable); what they need runs too, and shows if it fails",
    ),
]
Skip = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", autocompletion=complete_choice, help="Leave these checks out (repeatable)"),
]


def complete_report(incomplete: str) -> list[str]:
    """Complete the formats of `--report`."""
    from lkctl.reports.catalogue import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


Strict = Annotated[bool, typer.Option("--strict", help="Count security findings as failures")]
ReportTo = Annotated[
    list[str] | None,
    typer.Option(
        "--report",
        metavar="FORMAT[=FILE]",
        rich_help_panel="Reports",
        autocompletion=complete_report,
        help="Write a report, too (repeatable): terminal, json, jsonl, junit, github, markdown, html, prometheus,"
        " nagios; without a file it is what stdout has",
    ),
]
Bundle = Annotated[
    str | None,
    typer.Option(
        "--bundle",
        metavar="FILE.zip",
        rich_help_panel="Reports",
        help="Write a zip file with report, facts, settings without secrets and versions, for a ticket",
    ),
]


class _NoVerdict(LkctlError):
    """An error where Nagios reads stdout."""

    @property
    def exit_code(self) -> ExitCode:
        """That of a plugin: UNKNOWN, whatever went wrong; lkctl's own 2 would be CRITICAL there."""
        from lkctl.reports.nagios import UNKNOWN

        return ExitCode(UNKNOWN)


class JudgingCommand(OutputCommand):
    """A command with `--report`. Where Nagios reads stdout, an error is a line there, too, and UNKNOWN."""

    _plugin = False

    def make_context(self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: Any) -> Any:
        """Parse."""
        self._plugin = parent is not None and not extra.get("resilient_parsing") and _is_for_nagios(args)
        with self._answering(parent, args):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Context) -> Any:
        """Run."""
        with self._answering(ctx):
            return super().invoke(ctx)

    @contextmanager
    def _answering(self, ctx: Context | None, args: Sequence[str] = ()) -> Iterator[None]:
        try:
            yield
        except (LkctlError, UsageError) as error:
            if ctx is None or not self._plugin:
                raise
            from lkctl.cli import usage_error
            from lkctl.reports.nagios import no_verdict

            told = error if isinstance(error, LkctlError) else usage_error(error, list(args))
            ctx.find_root().obj.write(no_verdict(told))
            raise _NoVerdict(told.code, told.message, hint=told.hint) from error


def _is_for_nagios(args: Sequence[str]) -> bool:
    """Whether the bare words ask for the line of a plugin on stdout: there may be no successful parse."""
    pairs = zip(args, [*args[1:], ""], strict=False)
    wishes = (after if word == "--report" else word.removeprefix("--report=") for word, after in pairs)
    return any(wish in {"nagios", "nagios=-", "nagios="} for wish in wishes)
