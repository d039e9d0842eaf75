"""A bundle for a ticket: the report, the facts behind it, settings with their origins, versions; a zip file.

It holds no secret and no token. What was seen of a room that `--room` names is in it: names, identities, metadata.
"""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from lkctl.checks.inventory import server_rows
from lkctl.checks.report import Report
from lkctl.checks.world import World
from lkctl.output.jsontext import as_json, rfc3339, to_json
from lkctl.reports.facts import facts_of, told_of
from lkctl.reports.markdown import to_markdown
from lkctl.reports.redaction import redacted
from lkctl.versions import versions

SCHEMA = "lkctl.bundle/1"


def to_bundle(report: Report, world: World | None) -> bytes:
    """Write a bundle; the same report and facts give the same bytes."""
    files = dict(_files(report, world))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, report.started_at.timetuple()[:6]), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _files(report: Report, world: World | None) -> Iterator[tuple[str, str]]:
    clean = redacted(report)
    about = {"schema": SCHEMA, "made_at": rfc3339(report.started_at), "versions": versions()}
    yield "bundle.json", _document(about)
    yield "report.md", to_markdown(clean)
    yield "report.json", _document(clean.json())
    if world is not None:
        yield "settings.json", _document([row.json() for row in server_rows(world.settings, reveal=False)])
        yield "facts.json", _document(as_json(facts_of(report, world)))
        yield "answers.json", _document(told_of(world))


def _document(value: Any) -> str:
    return to_json(redacted(value)) + "\n"
