"""What a project depends on, and in which versions: requirements.txt, pyproject.toml, package.json and lock files."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lkctl.checks.source.project import Project, line_at

_REQUIREMENTS = r"requirements[\w.-]*\.(?:txt|in)"
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?([^;#)]*)")
_CLAUSE = re.compile(r"(~=|===?|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.(?:\d+|\*))*)")
_LOCKED = re.compile(r"""["'/\s]?livekit-client@(?:npm:)?(\d+\.\d+\.\d+)""")
_LOCKED_PYTHON = r'name = "{name}"\s*\nversion = "([\d.]+)"'
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A dependency as a file asks for it; `spec` such as `>=1.2,<2`, "" for any version."""

    name: str
    spec: str
    file: str
    line: int

    def lowest(self) -> Version:
        """Give the lower bound; () where there is none."""
        bounds = [version for mark, version in self._clauses() if mark in {"~=", "==", "===", ">=", ">", "^", "~", ""}]
        return max(bounds, default=())

    def allows(self, major: int) -> bool:
        """Whether some version `major.x` may be installed."""
        return all(_lets(mark, version, major) for mark, version in self._clauses())

    def exact(self) -> Version:
        """Give the one version that is asked for; () where there may be others."""
        clauses = list(self._clauses())
        return (
            clauses[0][1] if len(clauses) == 1 and clauses[0][0] in {"==", "===", ""} and "*" not in self.spec else ()
        )

    def _clauses(self) -> Iterator[tuple[str, Version]]:
        for mark, version in _CLAUSE.findall(self.spec):
            yield mark, tuple(int(part[:6]) for part in version.split(".") if part != "*")


def python_requirements(project: Project) -> list[Requirement]:
    """Give what Python files ask for, names in lower case with dashes."""
    found = [one for name in project.named(_REQUIREMENTS) for one in _from_lines(name, project.texts[name])]
    for name in project.named(r"pyproject\.toml|Pipfile"):
        found += _from_toml(name, project.texts[name])
    return found


def script_requirements(project: Project) -> list[Requirement]:
    """Give what package.json files ask for."""
    found: list[Requirement] = []
    for name in project.named(r"package\.json"):
        text = project.texts[name]
        document = _json(text)
        for section in ("dependencies", "devDependencies"):
            for package, spec in _table(document, section).items():
                position = text.find(f'"{package}"')
                line = line_at(text, max(position, 0))
                found.append(Requirement(package, spec if isinstance(spec, str) else "", name, line))
    return found


def locked_client(project: Project) -> tuple[Version, str, int]:
    """Give the version of livekit-client that a lock file has settled, with file and line; () where there is none."""
    for name in project.named(r"package-lock\.json|yarn\.lock|pnpm-lock\.yaml"):
        text = project.texts[name]
        found = _LOCKED.search(text) if not name.endswith(".json") else _in_package_lock(text)
        if found is not None:
            return _version(found[1]), name, line_at(text, found.start(1))
    return (), "", 0


def locked_python(project: Project, package: str) -> Version:
    """Give the version of a Python package that uv.lock or poetry.lock has settled; () where there is none."""
    for name in project.named(r"(?:uv|poetry)\.lock"):
        found = re.search(_LOCKED_PYTHON.format(name=re.escape(package)), project.texts[name])
        if found is not None:
            return _version(found[1])
    return ()


def _in_package_lock(text: str) -> "re.Match[str] | None":
    return re.search(r'"node_modules/livekit-client":\s*\{\s*"version":\s*"(\d+\.\d+\.\d+)', text)


def _version(text: str) -> Version:
    return tuple(int(part[:6]) for part in text.split(".") if part)


def _from_lines(name: str, text: str) -> Iterator[Requirement]:
    for number, line in enumerate(text.splitlines(), 1):
        found = _REQUIREMENT.match(line)
        if found is not None and not line.lstrip().startswith(("-", "#")):
            yield Requirement(_normal(found[1]), found[2].strip(), name, number)


def _from_toml(name: str, text: str) -> Iterator[Requirement]:
    """Read PEP 621, dependency groups, Poetry and Pipfile."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return
    project, poetry = _table(document, "project"), _table(_table(document, "tool"), "poetry")
    lists = [project.get("dependencies"), *_table(project, "optional-dependencies").values()]
    lists += _table(document, "dependency-groups").values()
    for item in (item for listed in lists if isinstance(listed, list) for item in listed if isinstance(item, str)):
        found = _REQUIREMENT.match(item)
        if found is not None:
            yield Requirement(_normal(found[1]), found[2].strip(), name, line_at(text, max(text.find(item), 0)))
    groups = [_table(group, "dependencies") for group in _table(poetry, "group").values()]
    for table in (_table(poetry, "dependencies"), *groups, _table(document, "packages")):
        for package, spec in table.items():
            wanted = spec.get("version", "") if isinstance(spec, dict) else spec
            line = line_at(text, max(text.find(package), 0))
            yield Requirement(_normal(package), wanted if isinstance(wanted, str) else "", name, line)


def _lets(mark: str, version: Version, major: int) -> bool:
    """Whether one clause leaves some version `major.x`."""
    if mark == "<":
        return version > (major,) if len(version) > 1 and any(version[1:]) else bool(version) and version[0] > major
    if mark in {"<=", "==", "===", ""}:
        return version[0] >= major if mark == "<=" else version[0] == major
    if mark in {"~=", "^", "~"}:
        return version[0] == major
    return mark == "!=" or version[0] <= major


def _table(document: Any, name: str) -> Mapping[str, Any]:
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
