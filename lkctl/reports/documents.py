"""JSON, whole or a line a result: the same documents as `-o json` and `-o jsonl`."""

from lkctl.checks.report import Report
from lkctl.output.jsontext import to_json
from lkctl.views.report import summary_json


def to_json_document(report: Report) -> str:
    """Write a report as one JSON document, `lkctl.report/1`."""
    return to_json(report.json()) + "\n"


def to_json_lines(report: Report) -> str:
    """Write a result a line, and what they add up to last."""
    lines = (*(result.json() for result in report.results), summary_json(report))
    return "".join(to_json(line, compact=True) + "\n" for line in lines)
