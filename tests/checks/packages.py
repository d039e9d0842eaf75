"""Packages with checks, laid out as an installer does it; no index and no build tool is asked."""

import tomllib
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "plugin"


def install(folder: Path, name: str, modules: dict[str, str], *, entry: str, about: str = "") -> Path:
    """Lay a package out as an installer does; its entry point is `entry`."""
    folder.mkdir(exist_ok=True)
    home = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    home.mkdir()
    (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{about}")
    (home / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[lkctl.checks]\nacme = {entry}\n")
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)
    return folder


def install_example(folder: Path) -> Path:
    """Install the example package, as its own pyproject.toml says."""
    told = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    urls = "".join(f"Project-URL: {label}, {url}\n" for label, url in told["urls"].items())
    (entry,) = told["entry-points"]["lkctl.checks"].values()
    modules = {"acme_checks": (EXAMPLE / "acme_checks.py").read_text()}
    return install(folder, told["name"], modules, entry=entry, about=urls)
