"""Wheels of what is installed here, so that pip can install lkctl into a fresh environment and ask no index."""

import csv
import io
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement


def fill(folder: Path, *requirements: str) -> Path:
    """Pack what the requirements need, as it is installed here, into wheels in a folder."""
    for name in sorted(_closure(requirements)):
        _pack(distribution(name), folder)
    return folder


def pip_settings(wheels: Path) -> dict[str, str]:
    """Give the environment in which pip takes all from there, also what builds a package."""
    chosen = {
        "NO_INDEX": "1",
        "FIND_LINKS": str(wheels),
        "CONFIG_FILE": "/dev/null",
        "NO_CACHE_DIR": "1",
        "NO_COMPILE": "1",
    }
    return {f"PIP_{name}": value for name, value in chosen.items()}


def _closure(requirements: Iterable[str]) -> set[str]:
    found: set[str] = set()
    seen: set[str] = set()
    waiting = list(requirements)
    while waiting:
        text = waiting.pop()
        if text in seen:
            continue
        seen.add(text)
        wanted = Requirement(text)
        one = distribution(wanted.name)
        found |= {one.name} - {"lkctl"}
        needs = [Requirement(need) for need in one.requires or ()]
        waiting += [str(need).partition(";")[0] for need in needs if _applies(need, wanted.extras)]
    return found


def _applies(need: Requirement, extras: set[str]) -> bool:
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras or {""})


def _pack(one: Distribution, folder: Path) -> None:
    root = Path(str(one.locate_file("")))
    files = [str(file) for file in one.files or () if not str(file).startswith("..") and file.suffix != ".pyc"]
    info = next(file.partition("/")[0] for file in files if file.endswith(".dist-info/WHEEL"))
    tags = [
        line[5:].split("-") for line in (root / info / "WHEEL").read_text().splitlines() if line.startswith("Tag: ")
    ]
    tag = "-".join(".".join(dict.fromkeys(part)) for part in zip(*tags, strict=True))  # py2.py3-none-any
    record = f"{info}/RECORD"
    with zipfile.ZipFile(folder / f"{info.removesuffix('.dist-info')}-{tag}.whl", "w") as wheel:
        for file in files:
            if file != record:
                wheel.write(root / file, file)
        rows = io.StringIO()
        csv.writer(rows).writerows([file, "", ""] for file in files)
        wheel.writestr(record, rows.getvalue())
