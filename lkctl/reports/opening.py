"""Opens what lkctl wrote: bundles and reports as JSON. Files come from anybody: sizes are bounded, forms are judged."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.files.content import read_file
from lkctl.reports.facts import Facts
from lkctl.reports.revival import revive

_MOST_FILE = 32 * 1024 * 1024  # bytes of a file as it lies there
_MOST_MEMBER = 64 * 1024 * 1024  # bytes of a member when it is unpacked
_MOST_MEMBERS = 64
# The cause is found in a time that grows with the square of the results; no run has a tenth of this
_MOST_RESULTS, _MOST_FINDINGS, _MOST_EXPLAINED = 400, 4000, 20
_MADE_BY = "Make one: lkctl diagnose --bundle support.zip"
_REPORT, _BUNDLE = "lkctl.report/1", "lkctl.bundle/1"


class Bundle(NamedTuple):
    """What a bundle holds; `facts` is None where its run broke off before there were any."""

    made_by: str
    report: Mapping[str, Any]
    facts: Facts | None


def open_bundle(path: Path) -> Bundle:
    """Read a bundle; raise `file-unreadable`, `input-too-large` or `input-malformed`."""
    with _archive(path) as archive:
        about = _object(archive, path, "bundle.json")
        if about.get("schema") != _BUNDLE:
            raise _malformed(path, f"its schema is {about.get('schema')!r:.60}, not {_BUNDLE!r}")
        facts = _facts(archive, path) if "facts.json" in archive.namelist() else None
        return Bundle(_made_by(about), _checked(_object(archive, path, "report.json"), path), facts)


def open_report(path: Path) -> Mapping[str, Any]:
    """Read a report from a bundle or a JSON file; raise as `open_bundle`."""
    content = read_file(path, most=_MOST_FILE)
    if content.startswith(b"PK"):
        return open_bundle(path).report
    return _checked(_parsed(content, path, str(path)), path)


def _archive(path: Path) -> zipfile.ZipFile:
    import io

    content = read_file(path, most=_MOST_FILE)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _malformed(path, f"it is no zip file ({error})") from None
    if len(archive.namelist()) > _MOST_MEMBERS:
        raise _malformed(path, f"it holds {len(archive.namelist())} files")
    return archive


def _object(archive: zipfile.ZipFile, path: Path, name: str) -> Mapping[str, Any]:
    return _parsed(_member(archive, path, name), path, f"{name} in {path}")


def _member(archive: zipfile.ZipFile, path: Path, name: str) -> bytes:
    """Unpack a member, no further than to its limit, whatever it says of its size."""
    import zlib

    try:
        with archive.open(name) as member:
            content = member.read(_MOST_MEMBER + 1)
    except KeyError:
        raise _malformed(path, f"{name} is missing") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise _malformed(path, f"{name} cannot be unpacked ({error})") from None
    if len(content) > _MOST_MEMBER:
        told = f"{name} in {path} is larger than {_MOST_MEMBER // 1024 // 1024} MiB when it is unpacked"
        raise LkctlError("input-too-large", told, hint=f"lkctl makes no such bundle. {_MADE_BY}")
    return content


def _parsed(content: bytes, path: Path, name: str) -> Mapping[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise _malformed(
            path, f"{name} is no JSON" if name != str(path) else "it is neither a bundle nor JSON"
        ) from None
    if not isinstance(value, dict):
        raise _malformed(path, "its JSON is no object")
    return value


def _checked(report: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Insist on what a report is; keys that nobody reads are left alone."""
    if report.get("schema") != _REPORT:
        raise _malformed(path, f"the schema of its report is {report.get('schema')!r:.60}, not {_REPORT!r}")
    results = report.get("results")
    sound = isinstance(results, list) and all(_is_result(one) for one in results)
    if not sound or report.get("verdict") not in {"pass", "warn", "fail"}:
        raise _malformed(path, "its report has not the form of one")
    return report


def _is_result(one: Any) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(name), str) for name in ("id", "status", "detail"))


def _facts(archive: zipfile.ZipFile, path: Path) -> Facts:
    try:
        facts = revive(Facts, _object(archive, path, "facts.json"))
    except ValueError as error:
        raise _malformed(path, f"its facts cannot be read ({error})") from None
    findings = [finding for result in facts.results for finding in result.findings]
    if len(facts.results) > _MOST_RESULTS or len(findings) > _MOST_FINDINGS:
        raise _malformed(path, f"it holds {len(facts.results)} results with {len(findings)} findings")
    if any(len(finding.explains) > _MOST_EXPLAINED for finding in findings):
        raise _malformed(path, "a finding explains more than there is")
    return facts


def _made_by(about: Mapping[str, Any]) -> str:
    versions = about.get("versions")
    number = versions.get("lkctl") if isinstance(versions, dict) else None
    return number if isinstance(number, str) else "unknown"


def _malformed(path: Path, why: str) -> LkctlError:
    return LkctlError("input-malformed", f"{path} is no bundle or report of lkctl: {why}", hint=_MADE_BY)
