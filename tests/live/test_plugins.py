"""The checks of another package, in a run against a real server."""

import json
from pathlib import Path

import pytest

from lkctl.localserver.process import LocalServer
from tests.checks.packages import install_example
from tests.harness import invoke, spawn

pytestmark = pytest.mark.live


def test_the_example_judges_the_server(
    server: LocalServer, room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its checks use what ours use; it says what it is there to say, and its advice is no failure."""
    invoke("room", "create", room)
    monkeypatch.setenv("PYTHONPATH", str(install_example(tmp_path / "site")))
    done = spawn("diagnose", "-o", "json")
    results = {one["id"]: one for one in json.loads(done.out)["results"]}
    assert (done.code, results["acme.host"]["status"]) == (0, "pass")
    assert results["acme.rooms"]["status"] == "warn"
    assert f"room {room} is nobody's" in {one["message"] for one in results["acme.rooms"]["findings"]}
    assert results["plugin.acme-checks"]["detail"] == "it adds acme.host, acme.rooms"


def test_smoke_runs_it_too(server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It keeps a deployment back that its owner would not have."""
    folder = install_example(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    assert "Server is ours: 127.0.0.1 is ours" in spawn("smoke").out
    source = (folder / "acme_checks.py").read_text()
    (folder / "acme_checks.py").write_text(source.replace('"127.0.0.1"', '"elsewhere"'))
    done = spawn("smoke", "-o", "json")
    assert (done.code, json.loads(done.out)["probable_cause"]["check"]) == (1, "acme.host")


def test_a_report_of_it_can_be_written_and_judged_again(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reports and bundles hold its results; who opens them needs no plug-in."""
    monkeypatch.setenv("PYTHONPATH", str(install_example(tmp_path / "site")))
    spawn("diagnose", "--report", "junit=a.xml", "--report", "html=a.html", "--bundle", "a.zip")
    assert "acme.host" in Path("a.xml").read_text()
    assert "acme.host" in Path("a.html").read_text()
    monkeypatch.delenv("PYTHONPATH")
    replayed = spawn("diagnose", "--from", "a.zip", "-o", "json")
    assert "acme.host" in {one["id"] for one in json.loads(replayed.out)["results"]}
