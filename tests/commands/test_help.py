"""`lkctl help`: topics, commands, the whole tree as JSON, man pages."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from lkctl import __version__
from lkctl.cli import NOUNS
from lkctl.errors import EXIT_MEANINGS
from lkctl.views.topics import TOPICS, VARIABLES
from tests.harness import invoke, on_terminal, spawn
from tests.reference import walk

COMMANDS = [path for path, _ in walk()]
PAGES = [[], *([noun] for noun in NOUNS), *(path.split() for path in COMMANDS if " " in path)]


def told(*words: str) -> dict[str, Any]:
    """Give what `--json` tells."""
    done = invoke("help", "--json", *words)
    assert (done.code, done.err) == (0, "")
    document: dict[str, Any] = json.loads(done.out)
    return document


TREE = told()
# Once is enough of what all commands have
CHOICES = [
    pytest.param(command, option, id=f"{command['name']} {option['name']}")
    for command in TREE["commands"]
    for option in command["options"]
    if option["choices"] and (option["heading"] != "Output" or command["name"] == "room list")
]


def test_the_whole_tree() -> None:
    """Every command, in the order of --help; and what goes for all of them."""
    assert (TREE["schema"], TREE["version"]) == ("lkctl.help/1", __version__)
    assert [command["name"] for command in TREE["commands"]] == COMMANDS
    groups = {path.partition(" ")[0] for path in COMMANDS if " " in path}
    assert [group["name"] for group in TREE["groups"]] == [noun for noun in NOUNS if noun in groups]
    assert [code["code"] for code in TREE["exit_codes"]] == [int(code) for code in EXIT_MEANINGS]
    assert [option["name"] for option in TREE["options"]] == [
        "--version",
        "--show-completion",
        "--install-completion",
    ]


def test_a_command_whole() -> None:
    """The shape that programs rely on."""
    (command,) = told("track", "mute")["commands"]
    assert [argument["name"] for argument in command["arguments"]] == ["room", "identity", "sid"]
    assert command["usage"] == "lkctl track mute [OPTIONS] ROOM IDENTITY [SID]..."
    assert command["summary"] == "Mute tracks of a participant"
    assert command["description"].startswith("Mute tracks of a participant.\n\nExit 1 when")
    assert command["examples"][0] == "lkctl track mute demo alice --source microphone"
    assert command["arguments"][2] == {
        "name": "sid",
        "aliases": [],
        "off_name": None,
        "metavar": "[SID]...",
        "help": "The tracks, by SID",
        "type": "text",
        "min": None,
        "max": None,
        "choices": None,
        "completions": [],
        "values": 1,
        "repeatable": True,
        "required": False,
        "default": None,
        "env": None,
        "heading": None,
    }


@pytest.mark.parametrize(
    ("path", "name", "facts"),
    [
        pytest.param(
            "room list", "--output", {"aliases": ["-o"], "type": "choice", "default": "auto", "env": "LKCTL_OUTPUT"},
            id="a choice",
        ),
        pytest.param("room list", "--url", {"env": "LIVEKIT_URL", "default": None}, id="a setting"),
        pytest.param("room list", "--url", {"heading": "Connection"}, id="a heading"),
        pytest.param("room list", "--concurrency", {"type": "integer", "min": 1, "max": 128, "default": 32}, id="int"),
        pytest.param("diagnose", "--diff", {"values": 2, "metavar": "A B"}, id="two values"),
        pytest.param("track list", "--muted", {"off_name": "--unmuted", "type": "flag", "values": 0}, id="a pair"),
        pytest.param("agent resolve", "--via", {"choices": ["api", "rtc"]}, id="choices in the metavar"),
        pytest.param("room list", "--sort", {"choices": None}, id="a metavar that does not list all"),
        pytest.param("agent launch", "--wait", {"choices": None, "completions": ["participant", "none"]}, id="open"),
        pytest.param("env init", "path", {"type": "path", "required": False}, id="a path"),
    ],
)  # fmt: skip
def test_what_is_told_of_a_parameter(path: str, name: str, facts: dict[str, Any]) -> None:
    """Types, defaults, choices, variables, as the command has them."""
    (command,) = told(*path.split())["commands"]
    (parameter,) = [one for one in (*command["arguments"], *command["options"]) if one["name"] == name]
    assert {key: parameter[key] for key in facts} == facts


@pytest.mark.parametrize("command", TREE["commands"], ids=lambda command: command["name"])
def test_every_parameter_has_every_key(command: dict[str, Any]) -> None:
    """No key comes and goes, and each is of its type."""
    for parameter in (*command["arguments"], *command["options"]):
        assert list(parameter) == list(TREE["options"][0])
        assert parameter["type"] in {"flag", "text", "integer", "choice", "path"}
        assert parameter["help"]
        assert all(isinstance(parameter[key], list) for key in ("aliases", "completions"))
        assert parameter["env"] in {None, *(name for name, _ in VARIABLES)}
        assert (parameter["metavar"] is None) == (parameter["values"] == 0) == (parameter["type"] == "flag")


@pytest.mark.parametrize(("command", "option"), CHOICES)
def test_choices_are_all_that_is_taken(command: dict[str, Any], option: dict[str, Any]) -> None:
    """Another value is refused, by its name."""
    needed = ["x" for argument in command["arguments"] if argument["required"]]
    done = invoke(*command["name"].split(), *needed, option["name"], "no-such-value")
    assert (done.code, done.out) == (2, "")
    assert "no-such-value" in done.err


@pytest.mark.parametrize("command", TREE["commands"], ids=lambda command: command["name"])
def test_options_are_those_of_the_help(command: dict[str, Any]) -> None:
    """What --help lists is what JSON lists, and nothing else."""
    listed = re.findall(r"^  (?:-\w, )?(--[a-z][a-z-]+)", invoke(*command["name"].split(), "--help").out, re.MULTILINE)
    assert sorted({*listed} - {"--help"}) == sorted(option["name"] for option in command["options"])


def test_it_is_the_same_each_time() -> None:
    """Whatever the hash seed is, and however wide the terminal."""
    first, second = (
        spawn("help", "--json", env={"PYTHONHASHSEED": seed, "COLUMNS": wide})
        for seed, wide in (("1", "40"), ("2", "200"))
    )
    assert first == second
    assert json.loads(first.out) == TREE


@pytest.mark.parametrize(
    "words", [["--json"], ["-o", "json"], ["--json", "-o", "table"]], ids=["--json", "-o json", "--json before -o"]
)
def test_one_command_as_json(words: list[str]) -> None:
    """However it is asked for."""
    document = json.loads(invoke("help", "room", "create", *words).out)
    assert [command["name"] for command in document["commands"]] == ["room create"]


def test_json_in_one_line() -> None:
    """-o jsonl."""
    done = invoke("help", "room", "-o", "jsonl")
    assert done.out.count("\n") == 1
    assert [command["name"] for command in json.loads(done.out)["commands"]] == [
        path for path in COMMANDS if path.startswith("room ")
    ]


@pytest.mark.parametrize("words", [["room"], ["room", "create"], ["version"]], ids=" ".join)
def test_a_command_is_read_about(words: list[str]) -> None:
    """The same as its --help, also on a terminal."""
    assert invoke("help", *words).out == invoke(*words, "--help").out
    assert on_terminal("help", *words).out == on_terminal(*words, "--help").out


def test_topics_and_commands_have_names_of_their_own() -> None:
    """`lkctl help NAME` means one of them."""
    assert not {topic.name for topic in TOPICS} & set(NOUNS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["nothing"], "there is no help topic 'nothing', and no command of this name", id="neither"),
        pytest.param(["exit-codes", "more"], "there is no help topic 'exit-codes more'", id="two topics"),
        pytest.param(
            ["room", "lst"], "lkctl room has no command 'lst'\nhint:  Did you mean: lkctl room list?", id="verb"
        ),
        pytest.param(["room", "list", "x"], "lkctl room list has no commands, so no 'x' either", id="below a command"),
        pytest.param(["--json", "exit-codes"], "lkctl has no command 'exit-codes'", id="a topic as a command"),
        pytest.param(
            ["--man", "rooms"], "lkctl has no command 'rooms'\nhint:  Did you mean: lkctl room?", id="near miss"
        ),
        pytest.param(["--man", "--json"], "--json excludes --man", id="both"),
    ],
)
def test_what_there_is_no_help_for(words: list[str], says: str) -> None:
    """Exit 2, and nothing on stdout."""
    done = invoke("help", *words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


@pytest.mark.parametrize(
    ("words", "index", "completed"),
    [
        pytest.param("lkctl help ro", 2, ["roles", "room"], id="topics and groups"),
        pytest.param("lkctl help room cr", 3, ["create"], id="a command of a group"),
        pytest.param("lkctl help --man room cr", 4, ["create"], id="behind an option"),
        pytest.param("lkctl help version x", 3, [], id="below a command"),
        pytest.param("lkctl help nonsense cr", 3, [], id="below nothing"),
        pytest.param("lkctl help --m", 2, ["--man"], id="an option"),
    ],
)
def test_completion(words: str, index: int, completed: list[str]) -> None:
    """Topics and commands, word by word."""
    done = spawn(env={"_LKCTL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(index)})
    assert (done.code, done.out.split()) == (0, completed)


@pytest.mark.parametrize("words", PAGES, ids=lambda words: " ".join(words) or "lkctl")
def test_man_pages_are_roff(words: list[str]) -> None:
    """Only requests, escapes and signs that man(7) knows; where groff is, it has nothing to say against it."""
    done = invoke("help", "--man", *words)
    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert lines[0].startswith(f".TH {'-'.join(['lkctl', *words]).upper()} 1 ".replace("-", r"\-"))
    assert done.out.isascii()
    requests = r"\.(TH .+|SH [A-Z ]+|SS .+|PP|TP|nf|fi)"
    assert not [line for line in lines if not line or (line[0] in ".'" and not re.fullmatch(requests, line))]
    assert not re.sub(r"\\(?:[-e&]|f[BR]|\[(?:aq|ga|ha|ti|dq|u[0-9A-F]{4,5})\])", "", done.out).count("\\")
    assert [line for line in lines if line in {".nf", ".fi"}] in ([], [".nf", ".fi"])
    if groff := shutil.which("groff"):
        command = [groff, "-man", "-ww", "-Tutf8"]
        shown = subprocess.run(command, input=done.out, capture_output=True, text=True, timeout=60, check=True)
        assert shown.stderr == ""


@pytest.mark.parametrize("path", COMMANDS)
def test_a_man_page_tells_what_the_help_tells(path: str) -> None:
    """Every option and every example stands in it, ready to be copied."""
    page = invoke("help", "--man", *path.split()).out
    for sign, escape in (("-", r"\-"), ("'", r"\[aq]"), ('"', r"\[dq]"), ("~", r"\[ti]"), ("…", r"\[u2026]")):
        page = page.replace(escape, sign)
    (command,) = (command for command in TREE["commands"] if command["name"] == path)
    for option in command["options"]:
        assert option["name"] in page
    for example in command["examples"]:
        assert f"\n{' '.join(example.split())}\n" in page
