"""GitHub's runner, as far as lkctl meets it: workflow commands in a log, file commands, the steps of an action.

Its rules: actions/runner, ActionCommand.cs, ActionCommandManager.cs, FileCommandManager.cs, CompositeActionHandler.cs.
What it does not know it refuses, so that nothing passes here that GitHub would read otherwise.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_COMMANDS = frozenset(
    {"add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice", "remove-matcher"}
    | {"save-state", "set-env", "set-output", "stop-commands", "warning"}
)
_NEW_ESCAPES = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_OLD_ESCAPES = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")
_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")
# A shell cannot trap what its parent ignores, as one does that runs tests in the background
_DEFAULTS = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"
_INTERRUPTIBLE = (sys.executable, "-c", _DEFAULTS)
_BASH = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail")


@dataclass(frozen=True, slots=True)
class Command:
    """A workflow command, as the runner understands it."""

    name: str
    properties: dict[str, str]
    message: str


def runner_commands(text: str) -> list[Command]:
    """Find the commands in a log that the runner carries out: of either spelling, unless they are stopped."""
    found: list[Command] = []
    known, resumed_by = _COMMANDS, ""
    for line in re.split(r"\r\n|\n|\r", text):
        command = _new(line, known) or _old(line, known)
        if command is None or (resumed_by and command.name != resumed_by):
            continue
        if resumed_by:
            known, resumed_by = _COMMANDS, ""
            continue
        found.append(command)
        if command.name == "stop-commands":
            resumed_by = command.message.lower()
            assert resumed_by not in _COMMANDS
            known = _COMMANDS | {resumed_by}
    return found


def _new(line: str, known: frozenset[str]) -> Command | None:
    """Read `::name key=value,…::message`, after blanks."""
    line = line.lstrip()
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    name, _, given = line[2:end].partition(" ")
    return _command(name, given.strip().split(","), line[end + 2 :], known, _NEW_ESCAPES)


def _old(line: str, known: frozenset[str]) -> Command | None:
    """Read `##[name key=value;…]message`, anywhere in a line."""
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, given = line[start + 3 : end].partition(" ")
    return _command(name, given.split(";"), line[end + 1 :], known, _OLD_ESCAPES)


def _command(
    name: str, given: list[str], message: str, known: frozenset[str], escapes: tuple[tuple[str, str], ...]
) -> Command | None:
    if name.lower() not in known:
        return None
    pairs = [one.partition("=") for one in given]
    in_message = escapes if escapes is _OLD_ESCAPES else tuple(one for one in escapes if one[1] not in ":,")
    properties = {key: _decoded(value, escapes) for key, _, value in pairs if key and value}
    return Command(name.lower(), properties, _decoded(message, in_message))


def _decoded(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for code, sign in escapes:
        text = text.replace(code, sign)
    return text


def file_commands(text: str) -> dict[str, str]:
    """Read GITHUB_OUTPUT or GITHUB_ENV: `name=value` lines and `name<<END` documents; raise ValueError as it fails."""
    found: dict[str, str] = {}
    lines = iter(text.removesuffix("\n").split("\n") if text else ())
    for line in lines:
        if not line:
            continue
        equals, document = line.find("="), line.find("<<")
        if document < 0 <= equals or 0 <= equals < document:
            found[line[:equals]] = line[equals + 1 :]
        elif document > 0 and line[document + 2 :]:
            value = []
            for one in lines:
                if one == line[document + 2 :]:
                    break
                value.append(one)
            else:
                raise ValueError(f"no end of {line}")
            found[line[:document]] = "\n".join(value)
        else:
            raise ValueError(f"no command: {line!r}")
    return found


def evaluated(text: str, contexts: Mapping[str, Any]) -> str:
    """Put values for `${{ a.b.c }}`; of expressions it knows nothing else, and a context's unknown name is a defect."""

    def value(match: re.Match[str]) -> str:
        found: Any = contexts
        for name in match[1].strip().split("."):
            found = found[name]
        assert isinstance(found, str), match[0]
        return found

    return _EXPRESSION.sub(value, text)


@dataclass
class Outcome:
    """What came of an action: `code` of the step that failed, or 0; `log` has both streams; `commands` those in it."""

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, str]] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)

    @property
    def annotations(self) -> list[Command]:
        """What GitHub shows at the run and at lines of files."""
        return [one for one in self.commands if one.name in {"error", "warning", "notice"}]


@dataclass(frozen=True)
class Machine:
    """A runner with a workspace, and an environment that holds what a job's `env:` says."""

    action: Path  # the folder that it was checked out to
    workspace: Path
    temp: Path
    env: Mapping[str, str]

    @property
    def manifest(self) -> dict[str, Any]:
        """The action as it is written."""
        content: dict[str, Any] = yaml.safe_load((self.action / "action.yml").read_text())
        return content

    def run(
        self,
        inputs: Mapping[str, str],
        *,
        done: Mapping[str, Mapping[str, str]] | None = None,
        meanwhile: Callable[[subprocess.Popen[str]], object] | None = None,
    ) -> Outcome:
        """Run the action's steps in turn, up to the first that fails.

        `done`: outputs of steps that need not be run again; `meanwhile` gets the process of each step.
        """
        manifest, outcome = self.manifest, Outcome()
        assert inputs.keys() <= manifest["inputs"].keys(), "GitHub warns of an input that is not declared"
        given = {name: inputs.get(name, one.get("default", "")) for name, one in manifest["inputs"].items()}
        for step in manifest["runs"]["steps"]:
            assert step.keys() <= {"id", "name", "shell", "env", "run"}, "no more is known of steps here"
            outcome.steps[step["id"]] = dict((done or {}).get(step["id"], {}))
            if not outcome.steps[step["id"]]:
                self._run_step(step, {"inputs": given, "steps": _outputs(outcome)}, outcome, meanwhile)
            if outcome.code:
                break
        contexts = {"steps": {one["id"]: {"outputs": _Lenient()} for one in manifest["runs"]["steps"]}}
        contexts["steps"].update(_outputs(outcome))
        outcome.outputs = {name: evaluated(one["value"], contexts) for name, one in manifest["outputs"].items()}
        return outcome

    def _run_step(
        self,
        step: Mapping[str, Any],
        contexts: Mapping[str, Any],
        outcome: Outcome,
        meanwhile: Callable[[subprocess.Popen[str]], object] | None,
    ) -> None:
        assert step["shell"] == "bash"
        folder = self.temp / f"step-{step['id']}"
        folder.mkdir(parents=True, exist_ok=True)
        script = folder / "script.sh"
        script.write_text(evaluated(step["run"], contexts))
        files = {name: folder / name for name in _FILES}
        for file in files.values():
            file.write_text("")
        process = subprocess.Popen(
            [*_INTERRUPTIBLE, *_BASH, str(script)],
            cwd=self.workspace,
            env=self._environment(files) | {name: evaluated(str(one), contexts) for name, one in step["env"].items()},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        try:
            if meanwhile is not None:
                meanwhile(process)
            log, _ = process.communicate(timeout=120)
        finally:
            process.kill()
        outcome.log += log
        outcome.commands += runner_commands(log)
        outcome.code = process.returncode
        outcome.summary += files["GITHUB_STEP_SUMMARY"].read_text()
        outcome.steps[step["id"]] = file_commands(files["GITHUB_OUTPUT"].read_text())
        assert not any(files[name].read_text() for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"))

    def _environment(self, files: Mapping[str, Path]) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.base_prefix, 'bin')}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.temp),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(self.action),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_OS": "Linux",
            "RUNNER_TEMP": str(self.temp),
            **self.env,
            **{name: str(file) for name, file in files.items()},
        }


class _Lenient(dict[str, str]):
    """Outputs of a step: what it did not give is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def _outputs(outcome: Outcome) -> dict[str, Any]:
    return {name: {"outputs": _Lenient(outputs)} for name, outputs in outcome.steps.items()}
