"""The formats of `--report`; each is imported where it is written."""

import secrets
from importlib import import_module

from lkctl.checks.report import Report
from lkctl.reports.redaction import redacted

FORMATS: dict[str, tuple[str, str]] = {  # module and function
    "terminal": ("text", "to_text"),
    "json": ("documents", "to_json_document"),
    "jsonl": ("documents", "to_json_lines"),
    "junit": ("junit", "to_junit"),
    "github": ("github", "to_github"),
    "markdown": ("markdown", "to_markdown"),
    "html": ("html", "to_html"),
    "prometheus": ("prometheus", "to_prometheus"),
    "nagios": ("nagios", "to_nagios"),
}


def written(report: Report, name: str, *, to_file: bool = False) -> str:
    """Write a report in a format of FORMATS, free of secrets and tokens; of `github` a file gets annotations alone."""
    clean = redacted(report)
    if name == "github":
        from lkctl.reports.github import annotations, to_github

        return annotations(clean) if to_file else to_github(clean, secrets.token_hex(16))
    module, function = FORMATS[name]
    text: str = getattr(import_module(f"lkctl.reports.{module}"), function)(clean)
    return text
