"""Source files of a project, read within limits: number, bytes, depth and time. No symlink is followed."""

import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SOURCE = re.compile(
    r".+\.(?:pyi?|ipynb|[mc]?[jt]s|[jt]sx|vue|svelte|astro|html|go|rs|java|kts?|scala|swift|mm?|dart|rb|php|cs|cpp|cc|h|hpp"
    r"|exs?|lua|sh|bash|ps1|tf|ya?ml|json|toml|ini|cfg)|Dockerfile|Makefile|Procfile|\.env\.(?:example|sample|template|dist)"
)
# What a project says of itself, beside its code: dependencies and how it is built and started
PROJECT = re.compile(
    rf"(?:{_SOURCE.pattern})|requirements[\w.-]*\.(?:txt|in)|constraints[\w.-]*\.txt|Pipfile|(?:uv|poetry|yarn)\.lock"
    r"|(?:Docker|Container)file[\w.-]*|[\w.-]+\.[Dd]ockerfile|Procfile[\w.-]*"
)
# What others wrote, what is made by a build, and what tests and documents make up
SKIPPED = frozenset({
    "node_modules", "venv", "env", "dist", "build", "out", "target", "vendor", "site-packages", "coverage", "Pods",
    "__pycache__", "test", "tests", "testdata", "fixtures", "__tests__", "__mocks__", "docs", "examples",
})  # fmt: skip
_MOST_FILES = 2000
_MOST_BYTES = 32 * 1024 * 1024
_LARGEST = 512 * 1024
_DEEPEST = 8
_PATIENCE = 2.5  # seconds


@dataclass(slots=True)
class Sources:
    """The source files under a folder; while they are read, `files` counts them and `cut` says where it stopped."""

    folder: Path
    files: int = 0
    cut: str = ""
    wanted: re.Pattern[str] = _SOURCE  # the names of the files that are read

    def read(self) -> Iterator[tuple[str, str]]:
        """Give relative path and text of each file, bytes that are not UTF-8 replaced; binary files are left out."""
        end = time.monotonic() + _PATIENCE
        taken = 0
        for path in self._walk(end):
            if self.files >= _MOST_FILES or taken >= _MOST_BYTES:
                self.cut = f"{self.files} files"
                return
            content = _content(path)
            if content is not None:
                self.files += 1
                taken += len(content)
                yield path.relative_to(self.folder).as_posix(), content.decode(errors="replace")

    def _walk(self, end: float) -> Iterator[Path]:
        """Go through folders and files in order of their names; folders that cannot be opened are passed over."""
        for where, folders, names in os.walk(self.folder):
            here = Path(where)
            depth = len(here.relative_to(self.folder).parts)
            folders[:] = sorted(name for name in folders if depth < _DEEPEST and not _left_out(here, name))
            for name in sorted(names):
                if time.monotonic() > end:
                    self.cut = f"{_PATIENCE:g} s"
                    return
                if self.wanted.fullmatch(name):
                    yield here / name


def _left_out(here: Path, name: str) -> bool:
    return name.startswith(".") or name in SKIPPED or os.path.lexists(here / name / "pyvenv.cfg")


def _content(path: Path) -> bytes | None:
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST:
            return None
        with path.open("rb") as file:
            content = file.read(_LARGEST)
    except OSError:
        return None
    return None if b"\0" in content[:8192] else content
