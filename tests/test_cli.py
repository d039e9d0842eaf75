"""The edge: usage errors, pipes, terminals, signals; what every command has in common."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lkctl import __version__
from lkctl.cli import NOUNS
from lkctl.errors import CATALOGUE, EXIT_MEANINGS, ExitCode
from lkctl.tree import first_line
from tests import fakes
from tests.harness import command, environment, invoke, on_terminal, spawn
from tests.reference import walk

SNAPSHOT = '{"room": {"name": "mcp-chrome-user-user_1704067200000_abc123"}}'

USAGE = [
    pytest.param([], "lkctl needs a command", id="nothing"),
    pytest.param(["token"], "lkctl token needs a command", id="a noun alone"),
    pytest.param(["tokn"], "lkctl has no command 'tokn'\nhint:  Did you mean: lkctl token?", id="typo of a noun"),
    pytest.param(["room", "lst"], "Did you mean: lkctl room list?", id="typo of a verb"),
    pytest.param(["room", "get"], "Did you mean: lkctl room inspect?", id="lk's verb"),
    pytest.param(["room", "rm"], "Did you mean: lkctl room delete?", id="a shell's verb"),
    pytest.param(["participant", "rm"], "Did you mean: lkctl participant remove?", id="the same of another noun"),
    pytest.param(["participant", "kick"], "Did you mean: lkctl participant remove?", id="everybody's verb"),
    pytest.param(["env", "get"], "Run: lkctl env --help", id="lk's verb where we have none"),
    pytest.param(["room", "list", "--outptu", "json"], "no such option: --outptu", id="typo of an option"),
    pytest.param(["room", "list", "-o", "xml"], "'xml' is not one of", id="unknown format"),
    pytest.param(["room", "list", "-o", "csv"], "'table', 'tsv', 'json', 'jsonl', 'name'\nhint", id="another's format"),
    pytest.param(["room", "list", "--timeout", "soon"], "--timeout is 'soon', which is no duration", id="no duration"),
    pytest.param(["room", "list", "--color", "pink"], "--color (or LKCTL_COLOR) is 'pink'", id="no colour"),
    pytest.param(["room", "inspect"], "missing argument 'ROOM'", id="missing argument"),
    pytest.param(["room", "inspect", ""], "ROOM is empty", id="empty argument"),
    pytest.param(["token", "mint", "--identity", ""], "--identity is empty", id="empty option"),
    pytest.param(["token", "mint", "--attribute", ""], "--attribute is empty", id="empty list option"),
    pytest.param(["room", "inspect", "a", "b"], "unexpected extra argument", id="one room too many"),
    pytest.param(["help", "nothing"], "there is no help topic 'nothing'", id="unknown topic"),
    pytest.param(["--show-completion", "tcsh"], "there is no completion for 'tcsh'", id="unknown shell"),
    pytest.param(["agent", "resolve"], "no room was named", id="resolve what"),
    pytest.param(["diagnose", "--only", "x.y"], "no check is called 'x.y'", id="unknown check"),
    pytest.param(["diagnose", "--skip", "*"], "no check is left to run", id="no check left"),
    pytest.param(["demo", "--url", "ws://127.0.0.1:1"], "a throw-away server of its own", id="demo on another server"),
    pytest.param(["room", "list", "--timeout", "0"], "--timeout is 0", id="no time"),
    pytest.param(["room", "create", "r", "--empty-timeout", "200000d"], "longer than", id="too long"),
    pytest.param(["room", "create", "r", "--max-participants", "4294967296"], "4294967296 is not in", id="too many"),
    pytest.param(
        ["token", "mint", "--user-id"], "requires an argument\nhint:  Run: lkctl token mint --help", id="no value"
    ),
]


@pytest.mark.parametrize(("arguments", "says"), USAGE)
def test_usage_errors(arguments: list[str], says: str) -> None:
    """Exit 2, words and a next step on stderr, nothing on stdout."""
    done = invoke(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert says in done.err
    assert "hint:" in done.err


def test_a_usage_error_as_json() -> None:
    """One object on stderr, whole."""
    done = invoke("room", "lst", "-o", "json")
    assert (done.code, done.out) == (2, "")
    assert json.loads(done.err) == {
        "error": {
            "code": "usage",
            "message": "lkctl room has no command 'lst'",
            "hint": "Did you mean: lkctl room list?",
            "docs": "README.md#usage",
        }
    }


@pytest.mark.parametrize("arguments", [["-o", "json"], ["-ojson"], ["--output=json"], ["--output", "jsonl"]])
def test_json_errors_however_it_is_spelled(arguments: list[str]) -> None:
    """The wish for JSON is heard also when the command line cannot be parsed."""
    assert json.loads(invoke("room", "list", "--nonsense", *arguments).err)["error"]["code"] == "usage"


def test_json_errors_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """LKCTL_OUTPUT counts, and a flag beats it."""
    monkeypatch.setenv("LKCTL_OUTPUT", "json")
    assert json.loads(invoke("room", "lst").err)["error"]["code"] == "usage"
    assert invoke("room", "lst", "-o", "table").err.startswith("error: ")


@pytest.mark.parametrize("path", [path for path, _ in walk()])
def test_every_command_has_help_with_examples(path: str) -> None:
    """Each command says what it does and shows what to type; the examples name the command itself."""
    done = invoke(*path.split(), "--help")
    assert done.code == 0
    assert f"lkctl {path}" in done.out.partition("Examples:")[2]
    assert "--output" in done.out


def test_the_tree_is_whole() -> None:
    """Every noun that the root offers can be imported, and has commands."""
    assert {path.partition(" ")[0] for path, _ in walk()} == set(NOUNS)


def test_version_everywhere(tmp_path: Path) -> None:
    """Flag, command, JSON, module."""
    assert invoke("--version").out == spawn("--version").out == spawn("-V").out == f"lkctl {__version__}\n"
    assert invoke("version", "-o", "name").out == f"{__version__}\n"
    assert json.loads(invoke("version", "-o", "json").out)["lkctl"] == __version__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    """Each shell gets a script that calls us back."""
    script = invoke("--show-completion", shell)
    assert script.code == 0
    assert "_LKCTL_COMPLETE=complete_" + shell in script.out


def test_bash_completes() -> None:
    """Nouns, verbs and options are completed, as bash asks for them."""

    def complete(words: str, index: int) -> list[str]:
        return spawn(
            env={"_LKCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(index)}
        ).out.split()

    assert complete("lkctl pa", 1) == ["participant"]
    assert complete("lkctl room in", 2) == ["inspect"]
    assert "--max-participants" in complete("lkctl room create --max", 3)
    assert complete("lkctl token mint --role room", 4) == ["room-admin"]
    assert complete("lkctl token mint --kind s", 4) == ["standard", "sip"]
    assert complete("lkctl token mint --source sc", 4) == ["screen_share", "screen_share_audio"]
    assert complete("lkctl help li", 2) == ["lint"]


def test_zsh_and_fish_complete() -> None:
    """The same for the other two shells, in the form that each of them asks for."""
    zsh = spawn(env={"_LKCTL_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "lkctl pa"})
    assert (zsh.code, '"participant"' in zsh.out) == (0, True)
    asked = {"_LKCTL_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    fish = spawn(env={**asked, "_TYPER_COMPLETE_ARGS": "lkctl room in"})
    assert (fish.code, fish.out.split()[0]) == (0, "inspect")


def test_completion_is_installed(tmp_path: Path) -> None:
    """Into the user's own files, and told on stderr."""
    done = spawn("--install-completion", "bash", env={"HOME": str(tmp_path)})
    assert (done.code, done.out) == (0, "")
    assert "bash completion is installed" in done.err
    assert (tmp_path / ".bash_completions" / "lkctl.sh").exists()


def test_a_closed_pipe_is_quiet() -> None:
    """`lkctl … | head -1`: exit 141 and no word."""
    process = subprocess.Popen(
        command("help", "errors"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), complaint) == (ExitCode.PIPE, b"")


def test_a_full_disk_is_told() -> None:
    """Output that cannot be written is no success."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("version"), stdout=full, stderr=subprocess.PIPE, env=environment(), check=False, timeout=60
        )
    assert done.returncode == 2
    assert b"cannot write the output: No space left on device" in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_the_version_into_a_full_disk_or_a_closed_pipe(unbuffered: str) -> None:
    """The fast answer fails like the others, buffered or not."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    env = environment({"PYTHONUNBUFFERED": unbuffered})
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("--version"), stdout=full, stderr=subprocess.PIPE, env=env, check=False, timeout=60
        )  # fmt: skip
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)
    line = f"{' '.join(command('--version'))} | true; exit ${{PIPESTATUS[0]}}"
    piped = subprocess.run(["bash", "-c", line], env=env, capture_output=True, check=False, timeout=60)
    assert piped.returncode in {0, 141}  # 0: written before `true` was gone
    assert piped.stderr == b""


def test_the_exit_code_survives_a_full_stderr() -> None:
    """What cannot be told in words is told by the code."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command("room", "lst"), stderr=full, env=environment(), check=False, timeout=60)
    assert done.returncode == 2


def test_completion_that_cannot_be_written(tmp_path: Path) -> None:
    """A home that is none is no defect of ours."""
    (tmp_path / "file").write_text("")
    done = spawn("--install-completion", "bash", env={"HOME": str(tmp_path / "file")})
    assert (done.code, "lkctl --show-completion bash" in done.err) == (2, True)


@pytest.mark.parametrize("words", ["version", "--version", "help errors", "--help"])
@pytest.mark.parametrize(("closing", "code"), [(">&-", 2), ("2>&-", 0), ("<&-", 0), (">&- 2>&- <&-", 2)])
def test_closed_streams(words: str, closing: str, code: int) -> None:
    """Only what should have been written to a closed stdout is a failure: it would be lost unheard."""
    line = f"exec {' '.join(command(*words.split()))} {closing}"
    done = subprocess.run(["/bin/sh", "-c", line], env=environment(), capture_output=True, check=False, timeout=60)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
@pytest.mark.parametrize("delay", [0.0, 0.5])
def test_signals(number: signal.Signals, code: int, delay: float) -> None:
    """^C, SIGTERM and SIGHUP end a wait at once, with their exit codes and without a traceback."""
    asked = threading.Event()

    def talk(link: socket.socket) -> None:
        asked.set()
        fakes.silent(link)

    with fakes.serving(talk) as port:
        settings = {"LIVEKIT_URL": f"ws://127.0.0.1:{port}", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}
        process = subprocess.Popen(
            command("room", "list", "--timeout", "60"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(settings),
        )
        assert asked.wait(60)
        time.sleep(delay)
        process.send_signal(number)
        started = time.monotonic()
        out, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 20  # and not 60
    assert (process.returncode, out) == (code, b"")
    assert b"Traceback" not in err


def test_an_early_interrupt() -> None:
    """^C before anything is imported: no traceback of ours, and no exit code that looks like success."""
    for delay in (0.0, 0.02, 0.05, 0.1, 0.15):
        process = subprocess.Popen(
            command("help", "errors"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
        )
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        # 0: it was done before; 1: Python itself was still starting, and calls that a fatal error
        assert process.returncode in {0, 1, 130, -signal.SIGINT}
        assert process.returncode != 1 or b"lkctl/" not in err


def test_on_a_terminal_a_table_in_a_pipe_tsv() -> None:
    """The same command, for people and for scripts."""
    screen = on_terminal("help", "exit-codes")
    assert "\x1b[1mCODE" in screen.out
    assert "0 OK" in screen.out
    assert spawn("help", "exit-codes").out.splitlines()[0] == '0 OK\tdone; also "no rooms"'


def test_colour() -> None:
    """Never in a pipe unless wished, never with NO_COLOR, always with --color always."""
    assert "\x1b[" not in on_terminal("help", "exit-codes", env={"NO_COLOR": "1"}).out
    assert "\x1b[" not in on_terminal("help", "exit-codes", "--color", "never").out
    assert "\x1b[1m" in spawn("help", "exit-codes", "-o", "table", "--color", "always").out
    assert "\x1b[31merror:" in on_terminal("help", "x").out


def test_a_defect_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception is exit 70: it names the place, and the traceback comes with --debug only."""
    monkeypatch.setattr("lkctl.views.topics.topics_view", lambda: 1 / 0)
    done = invoke("help")
    assert done.code == ExitCode.BUG
    assert "lkctl has a defect: ZeroDivisionError at test_cli.py" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in invoke("help", "--debug").err


def test_exit_codes_are_told_and_used() -> None:
    """The topic has every code; the catalogue uses nothing else."""
    told = invoke("help", "exit-codes").out
    for code, meaning in EXIT_MEANINGS.items():
        assert f"{int(code)} {code.name}\t{meaning}" in told
    assert set(EXIT_MEANINGS) == set(ExitCode)
    assert {kind.exit_code for kind in CATALOGUE.values()} <= set(ExitCode)


def test_help_lines_of_packages_are_those_of_their_commands() -> None:
    """A group that imports only the command that is called holds the help lines of all; they may not drift."""
    from lkctl.commands.token import VERBS

    found = {path.removeprefix("token "): command for path, command in walk() if path.startswith("token ")}
    assert {name: first_line(command.callback) for name, command in found.items()} == VERBS


def test_every_error_code_in_the_source_is_in_the_catalogue() -> None:
    """A code that is not listed would be a KeyError at the worst moment; a listed one that nobody raises is a lie."""
    import re

    source = "\n".join(path.read_text() for path in (Path(__file__).parents[1] / "lkctl").rglob("*.py"))
    raised = set(re.findall(r"""(?:LkctlError|kind)\(\s*["']([A-Za-z0-9-]+)["']""", source))
    assert raised <= set(CATALOGUE)
    used = {code for code in CATALOGUE if source.count(f'"{code}"') > 1}
    assert used == set(CATALOGUE)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_knows_no_unicode(encoding: str, tmp_path: Path) -> None:
    """What cannot be encoded is escaped; nothing fails."""
    (tmp_path / "s.json").write_text(SNAPSHOT)
    done = spawn(
        "agent", "resolve", "--snapshot", str(tmp_path / "s.json"), "--explain", env={"PYTHONIOENCODING": encoding}
    )
    assert done.code == 0
    assert "\\U0001f517 Using user ID from room name" in done.out


def test_root_needs_no_home() -> None:
    """Without HOME nothing breaks."""
    bare = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run(command("version"), env=bare, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
