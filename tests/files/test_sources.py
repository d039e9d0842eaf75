"""Source files are read within limits."""

from pathlib import Path

import pytest

from lkctl.files import sources
from lkctl.files.sources import Sources


def put(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def names_of(found: Sources) -> list[str]:
    return [name for name, _ in found.read()]


def test_what_is_source() -> None:
    """Code and configuration; not what others wrote, what is hidden, made or made up."""
    put("a.py", "Dockerfile", "web/src/b.tsx", "c.yaml", ".env.example", "go.mod", "README.md", "d.png", ".hidden/e.py")
    put("node_modules/f.js", ".venv/g.py", "venv/h.py", "dist/i.js", "build/j.js", "__pycache__/k.py", "tests/l.py")
    put("myenv/m.py", "myenv/pyvenv.cfg")
    found = Sources(Path())
    assert names_of(found) == [".env.example", "Dockerfile", "a.py", "c.yaml", "web/src/b.tsx"]
    assert (found.files, found.cut) == (5, "")


def test_bytes() -> None:
    """Broken UTF-8 is replaced; binary and huge files are left out."""
    Path("a.py").write_bytes(b"a\xffb")
    Path("b.py").write_bytes(b"a\0b")
    Path("c.py").write_bytes(b"a" * (512 * 1024 + 1))
    assert list(Sources(Path()).read()) == [("a.py", "a\ufffdb")]


def test_links_and_depth() -> None:
    """No link is followed, and no folder below the eighth level."""
    deep = "/".join("123456789")
    put(f"{deep}/deep.py", f"{deep[:-2]}/ok.py", "real.py")
    Path("link.py").symlink_to("real.py")
    Path("folder").symlink_to("1")
    Path("loop").symlink_to(".")
    assert names_of(Sources(Path())) == ["real.py", f"{deep[:-2]}/ok.py"]


@pytest.mark.parametrize(
    ("limit", "value", "cut"),
    [("_MOST_FILES", 3, "3 files"), ("_MOST_BYTES", 4, "1 files"), ("_PATIENCE", -1.0, "-1 s")],
    ids=["files", "bytes", "time"],
)
def test_limits(limit: str, value: float, cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stops is told."""
    put(*(f"{number}.py" for number in range(9)))
    monkeypatch.setattr(sources, limit, value)
    found = Sources(Path())
    assert len(names_of(found)) == found.files < 9
    assert found.cut == cut


def test_no_folder() -> None:
    """A folder that is gone has no files."""
    assert names_of(Sources(Path("nowhere"))) == []
