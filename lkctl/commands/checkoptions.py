"""The options of commands that run checks."""

from typing import Annotated

import typer


def complete_check(incomplete: str) -> list[str]:
    """Complete the ids of checks, and patterns for their areas."""
    from lkctl.checks.catalogue import every_check

    checks = every_check()
    names = (*dict.fromkeys(f"{check.area}.*" for check in checks), *(check.id for check in checks))
    return [name for name in names if name.startswith(incomplete)]


Only = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID",
        autocompletion=complete_check,
        help="Run these checks only, such as net.* (repeatable); what they need runs too, and shows if it fails",
    ),
]
Skip = Annotated[
    list[str] | None,
    typer.Option(metavar="ID", autocompletion=complete_check, help="Leave these checks out (repeatable)"),
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
        help="Write report, facts, settings without secrets and versions to a file, for a ticket",
    ),
]
