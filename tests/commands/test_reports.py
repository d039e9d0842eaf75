"""`--report`, `--bundle`, `--from`, `--diff` and `--expect`, as they are typed; no server is needed."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lkctl.commands.checkoptions import complete_report
from lkctl.reports.catalogue import FORMATS
from tests import fakes
from tests.checks.worlds import SECRET, env_text, put
from tests.ci.githubrunner import runner_commands
from tests.fakes import closed_port
from tests.harness import command, environment, invoke, spawn
from tests.reports.readers import SKELETONS

OFFLINE = ("--only", "env.settings", "--only", "env.shape", "--only", "url.form")

USAGE: list[object] = [
    pytest.param(["--report", "xml"], "--report 'xml' is no format", id="format"),
    pytest.param(["--report", "junit="], "--report junit= names no file", id="no file"),
    pytest.param(["--report", ""], "--report is empty", id="empty"),
    pytest.param(["--report", "junit", "--report", "html=-"], "two reports want stdout", id="two to stdout"),
    pytest.param(["--report", "junit", "-o", "json"], "-o json and a report both want stdout", id="with -o"),
    pytest.param(["--report", "junit", "--watch", "5"], "--watch and a report both want stdout", id="with --watch"),
    pytest.param(["--report", "junit", "--fix"], "--fix and a report both want stdout", id="with --fix"),
    pytest.param(["--report", "junit=a", "--report", "html=a"], "two reports want a", id="same file"),
    pytest.param(["--report", "junit=nowhere/a"], "cannot write nowhere/a: there is no folder nowhere", id="no folder"),
    pytest.param(["--report", "junit=folder"], "cannot write folder: it is a folder", id="a folder"),
    pytest.param(["--bundle", "nowhere/a.zip"], "cannot write nowhere/a.zip", id="bundle nowhere"),
    pytest.param(["--bundle", "a", "--report", "html=a"], "two reports want a", id="bundle and report"),
    pytest.param(["--from", "a.zip", "--room", "x"], "--from excludes --room", id="from and room"),
    pytest.param(["--from", "a.zip", "--url", "ws://x"], "--from excludes --url", id="from and url"),
    pytest.param(["--diff", "a", "b", "--strict"], "--diff excludes --strict", id="diff and strict"),
    pytest.param(["--from", "nowhere.zip"], "cannot read nowhere.zip", id="from nothing"),
    pytest.param(["--from", "file"], "file is no bundle or report of lkctl", id="from something else"),
    pytest.param(["--diff", "file", "file"], "file is no bundle or report of lkctl", id="diff of something else"),
    pytest.param(["--expect", "nowhere"], "cannot read nowhere", id="no expectations"),
    pytest.param(["--expect", "file"], "file is no TOML: ", id="no TOML"),
    pytest.param(["--only", "expect.*"], "expect.* is judged only with --expect FILE", id="out of scope"),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE)
def test_what_cannot_be(arguments: list[str], says: str) -> None:
    """Said before anything is done; exit 2."""
    put({".env": env_text(), "file": "x y z"})
    Path("folder").mkdir()
    done = invoke("diagnose", *arguments, *(["-o", "json"] if "-o" not in arguments else []))
    if "both want" not in says or "-o" in arguments:
        assert says in json.loads(done.err)["error"]["message"]
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("wish", ["--watch", "--fix"])
def test_what_takes_stdout(wish: str) -> None:
    """A report to stdout has no place beside it."""
    done = invoke("diagnose", "--report", "junit", wish, *(["5"] if wish == "--watch" else []))
    assert (done.code, done.out) == (2, "")
    assert f"{wish} and a report both want stdout" in done.err


def test_several_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is written, beside what people read; the secret is in none. They replace earlier ones."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_text("of an earlier command\n")
    put({".env": env_text(url="wss://livekit.io"), "r.junit": "old"})
    wishes = [word for name in FORMATS for word in ("--report", f"{name}=r.{name}")]
    done = invoke("diagnose", "--only", "env.*", "--only", "url.*", *wishes, "--bundle", "r.zip")
    assert done.code == 1
    assert done.out.splitlines()[0].startswith("Probable cause: .env:1: livekit.io is a web site")
    for name in FORMATS:
        text = Path(f"r.{name}").read_text()
        assert SKELETONS[name](text), name
        assert "url.cloud" in text
        assert SECRET not in text
    assert (Path("r.junit").stat().st_mode & 0o777, Path("r.zip").stat().st_mode & 0o777) == (0o644, 0o600)
    assert SECRET.encode() not in Path("r.zip").read_bytes()
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith("of an earlier command\n## lkctl diagnose: FAIL\n")
    assert not [name for name in Path().iterdir() if name.name.startswith(".lkctl-")]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("wish", ["{}", "{}=-"])
def test_to_stdout(name: str, wish: str) -> None:
    """The report is what stdout has, and nothing else."""
    put({".env": env_text(secret=None)})
    done = invoke("diagnose", *OFFLINE, "--report", wish.format(name))
    assert done.code == (2 if name == "nagios" else 1)
    assert SKELETONS[name](done.out)
    assert done.err == ""


def test_env_check_has_them() -> None:
    """The same options."""
    put({".env": env_text()})
    done = invoke("env", "check", "--only", "url.*", "--report", "nagios", "--bundle", "b.zip")
    assert (done.code, done.out.partition(",")[0]) == (0, "OK - 5 pass")
    shown = json.loads(invoke("diagnose", "--from", "b.zip", "-o", "json").out)
    assert (shown["command"], shown["verdict"]) == ("env check", "pass")


NAGIOS: list[object] = [
    pytest.param(env_text(), (), 0, "OK - ", id="ok"),
    pytest.param(env_text(url="ws://media.acme.dev"), (), 1, "WARNING - ", id="warning"),
    pytest.param(env_text(secret=None), (), 2, "CRITICAL - ", id="critical"),
]


@pytest.mark.parametrize(("text", "more", "code", "start"), NAGIOS)
def test_exit_codes_for_nagios(text: str, more: tuple[str, ...], code: int, start: str) -> None:
    """Those of a plugin where it reads stdout; lkctl's own where the line goes to a file."""
    put({".env": text})
    done = spawn("diagnose", "--only", "env.settings", "--only", "url.*", "--report", "nagios", *more)
    assert (done.code, done.out.startswith(start)) == (code, True)
    to_file = spawn("diagnose", "--only", "env.settings", "--only", "url.*", "--report", "nagios=n.txt")
    assert to_file.code == int(code > 1)
    assert Path("n.txt").read_text().startswith(start)


NO_VERDICTS: list[object] = [
    pytest.param("smoke --report nagios --wait bogus", "--wait is 'bogus', which is no duration", id="value"),
    pytest.param("smoke --report=nagios --bogus", "no such option: --bogus", id="option"),
    pytest.param("diagnose --report nagios=- -o json", "-o json and a report both want stdout", id="two for stdout"),
    pytest.param("diagnose --report nagios --report junit=no/a", "no/a", id="unwritable"),
    pytest.param("diagnose --report nagios --token a|b@ --probe", "--probe starts a job", id="scope"),
    pytest.param("env check --report nagios --only zz", "no check is called 'zz'", id="env check"),
]


@pytest.mark.parametrize(("words", "told"), NO_VERDICTS)
def test_an_error_where_nagios_reads(words: str, told: str) -> None:
    """A line, and UNKNOWN: exit 2 without a word would be CRITICAL. People have their words on stderr as ever."""
    done = invoke(*words.split())
    assert (done.code, done.out.startswith("UNKNOWN - "), done.out.count("\n")) == (3, True, 1)
    assert told in done.out
    assert told in done.err
    elsewhere = invoke(*words.replace("nagios=-", "nagios").replace("nagios", "nagios=n.txt").split(), "--bogus")
    assert (elsewhere.code, elsewhere.out) == (2, "")


CUTS = [
    pytest.param(signal.SIGINT, 130, "interrupted", id="^C"),
    pytest.param(signal.SIGTERM, 143, "terminated", id="TERM"),
]


@pytest.mark.parametrize(("number", "code", "word"), CUTS)
def test_a_cut_run_leaves_its_reports(number: int, code: int, word: str) -> None:
    """What is there is written, whole files, marked as cut; the exit code stays that of the signal."""
    with fakes.serving(fakes.silent) as port:
        put({".env": env_text(url=f"ws://127.0.0.1:{port}")})
        running = subprocess.Popen(
            command("diagnose", "-o", "jsonl", "--report", "junit=r.xml", "--report", "json=r", "--bundle", "r.zip"),
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert running.stdout is not None
        running.stdout.readline()
        os.kill(running.pid, number)
        running.communicate(timeout=20)
    shown = json.loads(Path("r").read_text())
    assert (running.returncode, shown["cut"], shown["verdict"], shown["exit_code"]) == (code, word, "fail", code)
    assert shown["results"][0]["id"] == "env.settings"
    assert 0 < len(shown["results"]) < 20
    assert f"cut ({word})" in Path("r.xml").read_text()
    assert SKELETONS["junit"](Path("r.xml").read_text())
    assert json.loads(invoke("diagnose", "--from", "r.zip", "-o", "json").out)["cut"] == word


def test_a_reader_who_leaves() -> None:
    """A closed pipe ends the telling; the reports are whole, and nothing is marked as cut."""
    put({".env": env_text()})
    done = subprocess.run(
        ["sh", "-c", '"$@" | true', "sh", *command("diagnose", *OFFLINE, "--report", "json=r.json")],
        env=environment(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert json.loads(Path("r.json").read_text())["cut"] is None


def test_a_report_that_cannot_be_written_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are written all the same; exit 2, and it is said which."""
    put({".env": env_text()})
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "nowhere/summary.md")
    done = invoke("diagnose", *OFFLINE, "--report", "github=g.txt", "--report", "json=r.json")
    assert (done.code, "cannot write nowhere/summary.md" in done.err) == (2, True)
    assert json.loads(Path("r.json").read_text())["verdict"] == "pass"


def test_watch_keeps_a_file_fresh() -> None:
    """As the textfile collector wants it: whole at every time, of the last run."""
    put({".env": env_text()})
    watching = subprocess.Popen(
        command("diagnose", *OFFLINE, "--watch", "0.2s", "-o", "jsonl", "--report", "prometheus=lkctl.prom"),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert watching.stdout is not None
    watching.stdout.readline()
    assert "\nlkctl_run_failed{" in Path("lkctl.prom").read_text()
    put({".env": env_text(secret=None)})
    watching.stdout.readline()
    os.kill(watching.pid, signal.SIGINT)
    watching.communicate(timeout=10)
    text = Path("lkctl.prom").read_text()
    assert "} 1\n" in text[text.index("\nlkctl_run_failed{") :].splitlines(keepends=True)[1]
    assert "lkctl_run_complete" in text
    assert watching.returncode == 130


def bundles() -> None:
    """Make one of a good place and one of a broken one."""
    put({".env": env_text()})
    assert invoke("diagnose", *OFFLINE, "--bundle", "good.zip").code == 0
    put({".env": env_text(url="wss://livekit.io:x")})
    assert invoke("diagnose", *OFFLINE, "--bundle", "bad.zip").code == 1
    Path(".env").unlink()


def test_from_a_bundle() -> None:
    """The same report, whatever this folder holds, in every format; what it is stands on stderr."""
    bundles()
    done = invoke("diagnose", "--from", "bad.zip")
    assert done.code == 1
    assert done.out.splitlines()[0] == done.out.splitlines()[-1]
    assert done.err.startswith("from bad.zip, of 20")
    assert done.err.endswith("; nobody is asked\n")
    assert invoke("diagnose", "--from", "good.zip").code == 0
    assert runner_commands(invoke("diagnose", "--from", "bad.zip", "--report", "github").out)[-1].name == "error"
    assert invoke("diagnose", "--from", "bad.zip", "--report", "nagios", "-q").code == 2


DIFFERENCES: list[object] = [
    pytest.param("good.zip", "bad.zip", 1, "worse", ["worse"], id="worse"),
    pytest.param("bad.zip", "good.zip", 0, "better", ["better"], id="better"),
    pytest.param("good.zip", "good.zip", 0, "no difference", [], id="same"),
]


@pytest.mark.parametrize(("before", "after", "code", "told", "changes"), DIFFERENCES)
def test_difference(before: str, after: str, code: int, told: str, changes: list[str]) -> None:
    """What is another, with the exit code of a gate."""
    bundles()
    done = invoke("diagnose", "--diff", before, after, "-o", "json")
    found = json.loads(done.out)
    assert (done.code, found["worse"]) == (code, code == 1)
    assert [one["change"] for one in found["changes"]] == changes
    assert [one["check"] for one in found["changes"]] == ["url.form"] * len(changes)
    assert invoke("diagnose", "--diff", before, after, "-o", "name").out == f"{told}\n"
    assert f"difference\t{told}\n" in invoke("diagnose", "--diff", before, after).out


def test_difference_of_other_checks() -> None:
    """New and gone; a new one that fails is worse."""
    put({".env": env_text(secret=None)})
    invoke("diagnose", "--only", "url.form", "--report", "json=a.json")
    invoke("diagnose", "--only", "env.settings", "--report", "json=b.json")
    found = json.loads(invoke("diagnose", "--diff", "a.json", "b.json", "-o", "json").out)
    assert [(one["check"], one["change"]) for one in found["changes"]] == [
        ("env.settings", "new"),
        ("url.form", "gone"),
    ]
    assert found["worse"]


def test_no_server_at_all() -> None:
    """The cause is in every report."""
    put({".env": env_text(url=f"ws://127.0.0.1:{closed_port()}")})
    done = invoke("diagnose", "--only", "api.auth", "--report", "markdown")
    assert done.code == 1
    assert "**Probable cause: 127.0.0.1" in done.out


def test_completion() -> None:
    """Of formats."""
    assert complete_report("") == list(FORMATS)
    assert complete_report("j") == ["json", "jsonl", "junit"]


HELPS: list[Callable[[str], bool]] = [lambda text: "--report FORMAT[=FILE]" in text, lambda text: "--bundle" in text]


@pytest.mark.parametrize("path", [("diagnose",), ("env", "check")], ids=" ".join)
def test_help(path: tuple[str, ...]) -> None:
    """The options and the formats stand in the help."""
    text = " ".join(invoke(*path, "--help").out.split())
    assert all(says(text) for says in HELPS)
    assert all(name in text for name in FORMATS)
