"""Checks that other packages add, through the entry point group `lkctl.checks`.

A plug-in is foreign code. Whatever it is, gives or does, the other checks run; and that it has done its part is a check
of its own, `plugin.PACKAGE`, so that no verdict is green because something was not judged.
"""

import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lkctl.checks.admission import Company, fault_of, guarded, what
from lkctl.checks.result import Check, Package, Unknown
from lkctl.checks.world import World
from lkctl.output.aside import turn_aside

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

GROUP = "lkctl.checks"
_PATIENCE = 5.0  # seconds for the import of one
_LONGEST = 300  # characters of what a plug-in raised
_ABOUT = ("documentation", "docs", "homepage", "home page", "repository", "source")  # labels of a package's URLs


class _Plugin(NamedTuple):
    """What one package adds, and why some of it is left out."""

    package: Package
    checks: tuple[Check[World], ...]
    faults: tuple[str, ...]

    def all_checks(self) -> tuple[Check[World], ...]:
        """Give the check of the plug-in itself, and its own, which need that: asked for alone, they bring it along."""
        title = f"Plug-in {self.package} can be used"
        itself = Check(f"plugin.{self.package.name}", title, self._judge, package=self.package)
        return (itself, *(replace(check, needs=(itself.id, *check.needs)) for check in self.checks))

    def _judge(self, _: World) -> str:
        """All the checks that the package adds through the entry point group `lkctl.checks` can be run."""
        if self.faults:
            hint = f"Mend or remove the package: pip uninstall {self.package.name}"
            raise Unknown(f"{self.package} adds what cannot be judged: {'; '.join(self.faults)}", hint=hint)
        return f"it adds {', '.join(check.id for check in self.checks)}"


def plugin_checks(
    ours: Sequence[Check[World]], every: Callable[[], Sequence[Check[World]]]
) -> tuple[Check[World], ...]:
    """Give what other packages add to our checks; `every` loads those of ours that are in no run as this one.

    Of each package, by name, the check of itself comes first. Nothing is raised, whatever a plug-in does.
    """
    homes = _homes()
    if not homes:
        return ()
    turn_aside()
    found: list[Check[World]] = []
    for name, home in sorted(homes.items()):
        plugin = _plugin(name, home, Company((*ours, *found), every))
        if plugin is not None:
            found += plugin.all_checks()
    return tuple(found)


def _homes() -> dict[str, Path]:
    """Find the metadata of packages that have such an entry point; of one that is there twice, what Python imports.

    Reading these files takes a tenth of the time in which importlib.metadata is imported and asked (measured), so that
    is done only where there is a plug-in. Packages in an archive are not found.
    """
    found: dict[str, Path] = {}
    for folder in dict.fromkeys(sys.path):
        for name in _names(folder):
            if name.endswith((".dist-info", ".egg-info")) and GROUP.encode() in _content(f"{folder or '.'}/{name}"):
                bare = name.removesuffix(".dist-info").removesuffix(".egg-info").partition("-")[0]
                found.setdefault(re.sub(r"[^a-z0-9]+", "-", bare.lower()), Path(folder, name))
    return found


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")  # noqa: PTH208  (no object for each name)
    except OSError:  # of sys.path not all is there, and not all is a folder
        return []


def _content(home: str) -> bytes:
    try:
        with open(f"{home}/entry_points.txt", "rb") as file:  # noqa: PTH123  (there are hundreds)
            return file.read()
    except OSError:
        return b""


def _plugin(name: str, home: Path, company: Company) -> _Plugin | None:
    """Load what a package adds; None where it only names the group."""
    from importlib.metadata import Distribution

    package = Package(name, "", f"pip show {name}")  # its name is the folder's: nothing in it can be mistaken in a hint
    try:
        distribution = Distribution.at(home)
        entries = [entry for entry in distribution.entry_points if entry.group == GROUP]
        package = _package(package, distribution)
    except Exception as error:  # noqa: BLE001  (files that anybody may have written)
        return _Plugin(package, (), (f"{home} cannot be read: {_said(error)}",))
    return _loaded(package, entries, company) if entries else None


def _package(package: Package, distribution: "Distribution") -> Package:
    """Say what the package says of itself."""
    told = distribution.metadata
    urls = [line.partition(",") for line in told.get_all("Project-URL") or ()]
    ranked = {label.strip().lower(): url.strip() for label, _, url in reversed(urls)}
    docs = next((ranked[label] for label in _ABOUT if label in ranked), package.docs)
    return Package(package.name, str(told["Version"] or ""), docs)


def _loaded(package: Package, entries: "Sequence[EntryPoint]", company: Company) -> _Plugin:
    checks: list[Check[World]] = []
    faults: list[str] = []
    for entry in entries:
        given, fault = _given(entry)
        told = [fault] if fault else []
        for one in given:
            wrong = fault_of(one, company.joined(checks))
            if wrong:
                told.append(wrong)
            else:
                checks.append(replace(one, needs=tuple(one.needs), probe=guarded(one.probe), package=package))
        faults += (f"{entry.value}: {one}" for one in told)
    return _Plugin(package, tuple(checks), tuple(faults))


def _given(entry: "EntryPoint") -> tuple[Sequence[Any], str]:
    """Import what the entry point names, in time; give the checks, or why there are none."""
    outcome: Future[tuple[Sequence[Any], str]] = Future()
    threading.Thread(target=_import, args=(entry, outcome), daemon=True).start()
    try:
        return outcome.result(_PATIENCE)
    except TimeoutError:
        return (), f"its import did not end within {_PATIENCE:g} s"


def _import(entry: "EntryPoint", outcome: "Future[tuple[Sequence[Any], str]]") -> None:
    try:
        outcome.set_result(_read(entry.load()))
    except BaseException as error:  # noqa: BLE001  (it may also call sys.exit)
        outcome.set_result(((), f"its import failed: {_said(error)}"))


def _read(given: Any) -> tuple[Sequence[Any], str]:
    if isinstance(given, Check):
        return (given,), ""
    if not isinstance(given, (tuple, list)):
        return (), f"it is {what(given)}, and no Check or tuple of Checks"
    return given, "" if given else f"it is {what(given)}, and holds no check"


def _said(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  (its own words may fail, too)
        said = ""
    return f"{type(error).__name__}: {said}"[:_LONGEST]
