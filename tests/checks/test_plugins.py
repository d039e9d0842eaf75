"""Checks that other packages add: they run among ours, and whatever a package is or does, no run breaks on it."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import lkctl.checks as checks_face
from lkctl.checks import catalogue, plugins
from lkctl.checks.admission import AREAS
from lkctl.checks.engine import run
from lkctl.checks.report import is_failure
from lkctl.checks.result import Check, Result, Status
from lkctl.checks.world import NO_SCOPE, World
from tests.checks.packages import install, install_example
from tests.checks.worlds import SECRET, env_text, put, world_of
from tests.harness import SECRETS, spawn
from tests.test_imports import modules_of

HEAD = "from lkctl.checks import *\ndef fine(world):\n    'It is.'\n    return 'fine'\n"
Install = Callable[..., Path]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example package is installed, as its own pyproject.toml says, for processes of the test's."""
    folder = install_example(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install packages for this process, and forget their modules."""
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # it is replaced where there is a plug-in
    monkeypatch.syspath_prepend(tmp_path / "site")
    for name in ("acme", "other"):
        sys.modules.pop(name, None)

    def add(source: str, name: str = "acme-checks", module: str = "acme", *, entry: str = "") -> Path:
        folder = install(tmp_path / "site", name, {module: HEAD + source}, entry=entry or f"{module}:CHECKS")
        importlib.invalidate_caches()
        return folder

    return add


def added() -> dict[str, Check[World]]:
    """Give what plug-ins add to a plain run."""
    return {one.id: one for one in plugins.plugin_checks(catalogue.checks_of(NO_SCOPE), lambda: catalogue.ALL_CHECKS)}


def judged(checks: dict[str, Check[World]]) -> dict[str, Result]:
    return {one.id: one for one in run(tuple(checks.values()), world_of({}), timeout=10)}


# What is no plug-in: the import, what is given, its checks


GOOD = "Check('acme.good', 'Good', fine)"
FAULTS = [
    pytest.param("import no_such_thing", "its import failed: ModuleNotFoundError: No module named 'no_such_thing'",
                 id="import fails"),
    pytest.param("raise SystemExit(0)", "its import failed: SystemExit: 0", id="import exits"),
    pytest.param("raise KeyboardInterrupt", "its import failed: KeyboardInterrupt", id="import interrupts"),
    pytest.param("CHECKS = (", "its import failed: SyntaxError", id="no Python"),
    pytest.param("", "its import failed: AttributeError", id="no such name"),
    pytest.param("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "its import failed: E: ",
                 id="import fails without a word"),
    pytest.param("class T:\n    def __eq__(self, _): raise ValueError('ambiguous')\nCHECKS = T()",
                 "it is a thing of type T, and no Check", id="a thing that cannot be compared"),
    pytest.param("CHECKS = None", "it is a thing of type NoneType, and no Check", id="nothing"),
    pytest.param("CHECKS = 'acme'", "it is a thing of type str, and no Check", id="a text"),
    pytest.param("CHECKS = ()", "it is a thing of type tuple, and holds no check", id="no check"),
    pytest.param(f"CHECKS = [{GOOD}, fine]", "a thing of type function is no Check", id="a function among them"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme', 'A', fine)]", "'acme' is not of the form area.name", id="no area"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.\\x1b[2J', 'A', fine)]", "is not of the form", id="escapes in the id"),
    pytest.param(f"CHECKS = [{GOOD}, Check(7, 'A', fine)]", "7 is not of the form area.name", id="a number as id"),
    pytest.param(f"CHECKS = [{GOOD}, {GOOD}]", "acme.good is there already, from acme-checks 1.0", id="twice"),
    pytest.param(f"CHECKS = [{GOOD}, Check('net.tcp', 'A', fine)]", "the area net is lkctl's own", id="ours"),
    pytest.param(f"CHECKS = [{GOOD}, Check('room.mine', 'A', fine)]", "the area room is lkctl's own",
                 id="our area, of another scope"),
    pytest.param(f"CHECKS = [{GOOD}, Check('plugin.x', 'A', fine)]", "the area plugin is lkctl's own", id="our names"),
    pytest.param(f"CHECKS = [Check('acme.a', 'A', fine, needs=('acme.good',)), {GOOD}]",
                 "acme.a needs 'acme.good', which is not there, or comes later", id="needs a later one"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.a', 'A', fine, after=('no.such',))]", "needs 'no.such'",
                 id="comes after none"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.a', 'A', fine, needs=('api.auth'))]", "needs a tuple of texts",
                 id="needs a text"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.a', None, fine)]", "of the wrong type", id="no title"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.a', 'A', 'fine')]", "of the wrong type", id="no probe"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.a', 'A', fine, severity='fail')]", "wrong type", id="no severity"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.a', 'A', fine, timeout=0)]", "wrong type", id="no time"),
    pytest.param(f"CHECKS = [{GOOD}, Check('acme.a', 'A', fine, scope='roome')]", "there is no scope 'roome'",
                 id="unknown scope"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "says"), FAULTS)
def test_what_cannot_be_used_is_told(source: str, says: str, add: Install) -> None:
    """It counts as a failure, which names the package; what else it adds waits for that, so nothing ends well."""
    add(source)
    results = judged(added())
    told = results.pop("plugin.acme-checks")
    assert (told.status, is_failure(told)) == (Status.unknown, True)
    assert told.detail.startswith("acme-checks 1.0 adds what cannot be judged: acme:CHECKS: ")
    assert says in told.detail
    assert "acme-checks" in (told.hint or "")
    assert [(one.id, one.status) for one in results.values()] == (
        [("acme.good", Status.skip)] * ("acme.good" in source)
    )


def test_a_check_alone_and_what_it_may_need(add: Install) -> None:
    """One Check needs no tuple; it may need any of ours, also such as only an option brings into a run."""
    add("CHECKS = Check('acme.a', 'A', fine, needs=['api.auth', 'room.live', 'net.dns'], scope='room')")
    checks = added()
    assert checks["acme.a"].needs == ("plugin.acme-checks", "api.auth", "room.live", "net.dns")
    assert judged({"plugin.acme-checks": checks["plugin.acme-checks"]})["plugin.acme-checks"].detail == "it adds acme.a"


def test_two_packages(add: Install) -> None:
    """They come by name; of two checks with one id the first stays. One may need what the other has."""
    add("CHECKS = [Check('b.x', 'Mine', fine), Check('b.y', 'Y', fine, needs=('acme.good',))]", "b-checks", "other")
    add(f"CHECKS = [{GOOD}, Check('b.x', 'X', fine)]")
    checks = added()
    assert [*checks] == ["plugin.acme-checks", "acme.good", "b.x", "plugin.b-checks", "b.y"]
    assert checks["b.x"].title == "X"
    assert "b.x is there already, from acme-checks 1.0" in judged(checks)["plugin.b-checks"].detail


def test_an_import_that_does_not_end(add: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_PATIENCE", 0.2)
    add("import threading\nthreading.Event().wait(5)")
    assert "its import did not end within 0.2 s" in judged(added())["plugin.acme-checks"].detail


RUBBISH = [
    pytest.param("entry_points.txt", b"[lkctl.checks]\nx = \xff:y\n", "UnicodeDecodeError", id="no UTF-8"),
    pytest.param("entry_points.txt", b"[lkctl.checks]\nx = a b c\n", "import failed: AttributeError", id="no entry"),
    pytest.param("entry_points.txt", b"[lkctl.checks]\nnothing\n", "", id="a line of nothing"),
    pytest.param("entry_points.txt", b"[lkctl.checks2]\nx = acme:CHECKS\n", None, id="another group"),
    pytest.param("METADATA", b"\x00\xff", "cannot be read", id="metadata of bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "says"), RUBBISH)
def test_broken_metadata(name: str, content: bytes, says: str | None, add: Install) -> None:
    folder = add(f"CHECKS = [{GOOD}]")
    (folder / "acme_checks-1.0.dist-info" / name).write_bytes(content)
    results = judged(added())
    if says is None:
        assert not results
    else:
        assert says in results["plugin.acme-checks"].detail
        assert is_failure(results["plugin.acme-checks"])


def test_the_areas_are_those_of_the_catalogue() -> None:
    assert {check.area for check in catalogue.ALL_CHECKS} | {"plugin"} == AREAS


# What its probes do


PROBES = [
    pytest.param("raise ValueError('x')", Status.crash, "the check itself failed: ValueError", id="raises"),
    pytest.param("import sys; sys.exit(0)", Status.crash, "the check itself failed: SystemExit", id="exits"),
    pytest.param("return None", Status.crash, "the check itself failed: TypeError", id="gives nothing"),
    pytest.param("raise Problem('x', evidence=[7])", Status.crash, "TypeError", id="evidence that is no text"),
    pytest.param("raise Problem('x', hint=7)", Status.crash, "TypeError", id="a hint that is no text"),
    pytest.param("raise Problems([Finding(7)])", Status.crash, "TypeError", id="a finding that is no text"),
    pytest.param("raise Unknown('x', hint=None)", Status.crash, "TypeError", id="no hint at all"),
    pytest.param("raise Problem('x', fix=Fix(new=7))", Status.crash, "TypeError", id="a fix that is no text"),
    pytest.param("raise Problem('x', fix=Fix(line='3'))", Status.crash, "TypeError", id="a line that is no number"),
    pytest.param("raise Problem('x', severity='fail')", Status.crash, "TypeError", id="a severity that is a text"),
    pytest.param("raise Problem('x', severity='warn')", Status.crash, "TypeError", id="advice that is a text"),
    pytest.param("raise Problems([])", Status.crash, "TypeError", id="no finding"),
    pytest.param("import time; time.sleep(3)", Status.unknown, "no verdict within 0.3 s", id="hangs"),
    pytest.param("raise Problem('bad', explains=['api.auth'])", Status.fail, "bad", id="a problem"),
    pytest.param("raise Unknown('who knows')", Status.unknown, "who knows", id="unknown"),
    pytest.param("raise NotApplicable('no')", Status.skip, "no", id="not applicable"),
    pytest.param("return world.value('LIVEKIT_URL') or 'no URL'", Status.passed, "no URL", id="a pass"),
]


@pytest.mark.parametrize(("body", "status", "says"), PROBES)
def test_what_a_probe_does(body: str, status: Status, says: str, add: Install) -> None:
    """Each has its result; the check beside it is run."""
    add(f"def probe(world):\n    {body}\nCHECKS = [Check('acme.a', 'A', probe, timeout=0.3), {GOOD}]")
    results = judged(added())
    assert (results["acme.a"].status, results["acme.good"].status) == (status, Status.passed)
    assert says in results["acme.a"].detail
    if status is Status.crash:
        assert results["acme.a"].hint == "Report this as a defect of acme-checks 1.0"
        assert "acme.py:" in results["acme.a"].proof.evidence[0] or "TypeError" in results["acme.a"].detail


# As people use it


def test_the_example_is_in_the_lists(example: Path) -> None:
    """With the package that each check is from, and where that says more."""
    listed = {one["id"]: one for one in json.loads(spawn("diagnose", "--list", "-o", "json").out)}
    assert [*listed][-3:] == ["plugin.acme-checks", "acme.host", "acme.rooms"]
    assert (listed["acme.host"]["package"], listed["api.auth"]["package"]) == ("acme-checks 1.0", None)
    assert listed["acme.host"]["docs"] == "https://acme.example/checks"
    assert spawn("diagnose", "--list", "--only", "acme.*", "-o", "name").out.split() == ["acme.host", "acme.rooms"]
    explained = spawn("diagnose", "--explain", "acme.rooms").out
    assert "judges\tEvery room is named as our billing wants it: acme-CUSTOMER." in explained
    assert "from\tacme-checks 1.0" in explained
    assert "acme.host\tServer is ours (fail, from acme-checks 1.0)" in spawn("help", "checks").out


def test_it_is_completed(example: Path) -> None:
    typed = {"_LKCTL_COMPLETE": "complete_bash", "COMP_WORDS": "lkctl diagnose --only acme", "COMP_CWORD": "3"}
    assert spawn(env=typed).out.split() == ["acme.*", "acme.host", "acme.rooms"]


def test_a_run(example: Path) -> None:
    """Ours come first and decide whether its checks run; --skip leaves them out."""
    put({".env": env_text("ws://127.0.0.1:9")})
    SECRETS.add(SECRET)
    done = spawn("diagnose", "--skip", "env.*", "-o", "json")
    results = {one["id"]: one for one in json.loads(done.out)["results"]}
    assert done.code == 1
    assert [results[name]["status"] for name in ("plugin.acme-checks", "acme.host", "acme.rooms")] == [
        "pass", "pass", "skip",
    ]  # fmt: skip
    assert results["acme.host"]["detail"] == "127.0.0.1 is ours"
    left = spawn("diagnose", "--skip", "env.*", "--skip", "acme.*", "--skip", "plugin.*", "-o", "json")
    assert not [one for one in json.loads(left.out)["results"] if one["area"] in {"acme", "plugin"}]


def test_a_problem_of_its_own_is_the_cause(example: Path) -> None:
    """With its evidence; it is the cause where nothing of ours is."""
    put({".env": env_text("wss://demo-1a2b3c4d.livekit.cloud")})
    SECRETS.add(SECRET)
    done = spawn("diagnose", "--only", "acme.host", "-o", "json")
    cause = json.loads(done.out)["probable_cause"]
    assert (done.code, cause["check"]) == (1, "acme.host")
    assert cause["message"] == "demo-1a2b3c4d.livekit.cloud is none of our servers"
    assert cause["evidence"] == ["it is from .env:1"]
    assert cause["docs"] == "https://acme.example/checks"


def test_asked_for_alone_it_brings_its_package_along(tmp_path: Path) -> None:
    """No run of what is left of a broken plug-in ends well, unless the user vouches for it."""
    modules = {"acme": HEAD + f"CHECKS = [{GOOD}, None]"}
    site = {"PYTHONPATH": str(install(tmp_path / "site", "acme-checks", modules, entry="acme:CHECKS"))}
    done = spawn("diagnose", "--only", "acme.good", "-o", "json", env=site)
    assert (done.code, json.loads(done.out)["probable_cause"]["check"]) == (1, "plugin.acme-checks")
    assert spawn("diagnose", "--only", "acme.good", "--skip", "plugin.*", env=site).code == 0


PRINTING = f"""
import sys
def say(word):
    print(word, "printed")
    sys.stdout.write(word + " written\\n")
    sys.stdout.writelines([word + " lines\\n"])
    sys.stdout.flush()
    sys.stdout.buffer.write(b"bytes\\n")
say("import")
def probe(world):
    '''It talks.'''
    say("probe")
    print("\\x1b[2J", "{SECRET}")
    return "fine"
CHECKS = Check("acme.loud", "Loud", probe)
"""


def test_what_it_prints_is_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes to stderr, without secrets and escape sequences; stdout holds the one document."""
    install(tmp_path / "site", "acme-checks", {"acme": HEAD + PRINTING}, entry="acme:CHECKS")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    put({".env": env_text()})
    SECRETS.add(SECRET)
    done = spawn("diagnose", "--only", "acme.*", "-o", "json")
    assert [one["id"] for one in json.loads(done.out)["results"]] == ["acme.loud"]
    assert done.code == 0
    for word in ("import printed", "import written", "probe printed", "probe lines", "bytes"):
        assert word in done.err
    assert "\x1b" not in done.err


def test_nothing_else_looks_for_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run no such check import no plug-in; diagnose without one does not pay for importlib.metadata."""
    mark = tmp_path / "imported"
    install(tmp_path / "site", "acme-checks", {"acme": f"open({str(mark)!r}, 'w')"}, entry="acme:CHECKS")
    for words in (["version"], ["env", "check"], ["token", "mint", "--user-id", "new"], ["help", "exit-codes"]):
        spawn(*words, env={"PYTHONPATH": str(tmp_path / "site")})
        assert not mark.exists(), words
    spawn("diagnose", "--list", env={"PYTHONPATH": str(tmp_path / "site")})
    assert mark.exists()
    loaded = modules_of(["diagnose", "--list"], tmp_path)
    assert "lkctl.checks.plugins" in loaded
    assert "importlib.metadata" not in loaded


def test_the_reference_is_about_lkctl_alone(example: Path) -> None:
    """What happens to be installed where the README is made does not stand in it."""
    script = "from lkctl.checks.catalogue import ALL_CHECKS; print(sorted({one.area for one in ALL_CHECKS}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert "acme" not in done.stdout


@pytest.mark.parametrize("name", checks_face.__all__)
def test_the_public_face(name: str) -> None:
    assert getattr(checks_face, name)
