"""lk's own project file, `~/.livekit/cli-config.yaml` (livekit-cli, pkg/config/config.go)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lkctl.errors import LkctlError
from lkctl.files.content import decode, read_file
from lkctl.settings.layers import KEY, SECRET, URL, Layer, Value

_FIELDS = {"url": URL, "api_key": KEY, "api_secret": SECRET}
_MOST_BYTES = 1024 * 1024


def project_file(environ: Mapping[str, str]) -> Path:
    """Where lk keeps its projects."""
    return Path(environ.get("HOME") or environ.get("USERPROFILE") or "~").expanduser() / ".livekit" / "cli-config.yaml"


def read_project(name: str, path: Path) -> Layer:
    """Give the settings of a stored project; raise `project-missing` with the names that there are."""
    if not path.exists():
        raise LkctlError(
            "project-missing", f"there is no project {name!r}: {path} does not exist", hint="Run: lk project add"
        )
    projects = _projects(path)
    for project in projects:
        if project.get("name") == name:
            return _layer(project)
    names = ", ".join(str(project.get("name")) for project in projects) or "none"
    raise LkctlError("project-missing", f"{path} has no project {name!r}", hint=f"It has: {names}")


def read_projects(path: Path) -> list[Layer]:
    """Give the settings of all stored projects; none where there is no file."""
    return [_layer(project) for project in _projects(path)] if path.exists() else []


def _layer(project: Mapping[str, Any]) -> Layer:
    origin = f"project {project.get('name')}"
    values = {_FIELDS[key]: Value(str(project[key] or ""), origin) for key in _FIELDS if key in project}
    return Layer(origin, values)


def _projects(path: Path) -> list[dict[str, Any]]:
    import yaml

    content = read_file(path, most=_MOST_BYTES)
    try:
        document = yaml.safe_load(decode(content, str(path))) if content.strip() else {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: a date like 2026-99-99
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise LkctlError(
            "input-malformed", f"{path} is not YAML{where}", hint="Mend it, or run: lk project list"
        ) from None
    projects = document.get("projects") if isinstance(document, dict) else None
    return (
        [project for project in projects or [] if isinstance(project, dict)] if isinstance(projects or [], list) else []
    )
