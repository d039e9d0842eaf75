"""A bundle for a ticket: the report, the facts behind it, settings with their origins, versions; a zip file.

It holds no secret and no token. What was seen of a room that `--room` names is in it: names, identities, metadata.
"""

import io
import platform
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from lkctl import __version__
from lkctl.checks.inventory import server_rows
from lkctl.checks.report import Report
from lkctl.checks.world import World
from lkctl.output.jsontext import as_json, rfc3339, to_json
from lkctl.reports.facts import facts_of, told_of
from lkctl.reports.markdown import to_markdown
from lkctl.reports.redaction import redacted

SCHEMA = "lkctl.bundle/1"
# What a deployment's troubles have to do with; others are nobody's business
_PACKAGES = (
    "livekit", "livekit-agents", "livekit-api", "livekit-protocol", "PyJWT", "jwt", "aiohttp", "protobuf",
    "python-dotenv", "pyyaml", "rich", "typer",
)  # fmt: skip


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


def versions() -> Mapping[str, Any]:
    """Give the versions of lkctl, Python, the system and the packages that matter."""
    return {
        "lkctl": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "release": platform.release(),
        "machine": platform.machine(),
        "openssl": _openssl(),
        "packages": dict(_packages()),
    }


def _packages() -> Iterator[tuple[str, str]]:
    from importlib.metadata import PackageNotFoundError, version

    for name in _PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _openssl() -> str:
    import ssl

    return ssl.OPENSSL_VERSION


def _document(value: Any) -> str:
    return to_json(redacted(value)) + "\n"
