"""The runner that judges our output reads as GitHub's does: cases taken from its rules."""

import pytest

from tests.ci.githubrunner import Command, evaluated, file_commands, runner_commands

LINES: list[object] = [
    pytest.param("::error::x", [Command("error", {}, "x")], id="plain"),
    pytest.param("  \t::Error::x", [Command("error", {}, "x")], id="after blanks, in any case"),
    pytest.param("a ::error::x", [], id="not at the start"),
    pytest.param("::nosuch::x", [], id="unknown"),
    pytest.param("::error", [], id="without an end"),
    pytest.param(
        "::error file=a.py,line=1,title=a%3Ab%2Cc%25%0A::m%0An%253A%3A",
        [Command("error", {"file": "a.py", "line": "1", "title": "a:b,c%\n"}, "m\nn%3A%3A")],
        id="escapes of properties and of the message",
    ),
    pytest.param("::error title=,file=a=b,x::m", [Command("error", {"file": "a=b"}, "m")], id="empty properties"),
    pytest.param("a ##[error file=a;line=2]m%5D", [Command("error", {"file": "a", "line": "2"}, "m]")], id="old"),
    pytest.param("##[x]##[error]m", [], id="old: the first mark counts"),
    pytest.param("::x::##[error]m", [Command("error", {}, "m")], id="old, behind what is no new one"),
    pytest.param("a\r::error::x\rb", [Command("error", {}, "x")], id="a carriage return ends a line"),
    pytest.param("a\u2028::error::x\x0b::error::x", [], id="nothing else does"),
    pytest.param(
        "::stop-commands::w\n::error::x\n##[error]x\n::x::\n::W::more\n::error::y",
        [Command("stop-commands", {}, "w"), Command("error", {}, "y")],
        id="stopped, and resumed",
    ),
    pytest.param("::stop-commands::w\n a ##[w]\n::error::y", 2, id="resumed in the old way"),
    pytest.param("::stop-commands::w\n::error::y", 1, id="never resumed"),
]


@pytest.mark.parametrize(("text", "commands"), LINES)
def test_workflow_commands(text: str, commands: list[Command] | int) -> None:
    """Which lines are commands, and what they say."""
    found = runner_commands(text)
    assert (len(found) if isinstance(commands, int) else found) == commands


FILES: list[object] = [
    pytest.param("", {}, id="nothing"),
    pytest.param("a=b\n\nc=d=e\n", {"a": "b", "c": "d=e"}, id="lines"),
    pytest.param("a=b<<c\n", {"a": "b<<c"}, id="a value with marks"),
    pytest.param("a<<E\nb\n\nc=d\n E\nE\nf=g", {"a": "b\n\nc=d\n E", "f": "g"}, id="a document"),
    pytest.param("a<<E\nE\n", {"a": ""}, id="an empty document"),
    pytest.param("a<<E\nb\n", ValueError, id="without an end"),
    pytest.param("a<<\nb\n", ValueError, id="without a word to end it"),
    pytest.param("a\n", ValueError, id="no value"),
]


@pytest.mark.parametrize(("text", "values"), FILES)
def test_file_commands(text: str, values: dict[str, str] | type[ValueError]) -> None:
    """What a step gives to those after it."""
    if isinstance(values, dict):
        assert file_commands(text) == values
    else:
        with pytest.raises(ValueError, match=r"no (end|command)"):
            file_commands(text)


def test_expressions() -> None:
    """A path through contexts, once; all else is refused."""
    contexts = {"inputs": {"a-b": "${{ inputs.c }}", "c": "d"}}
    assert evaluated("x ${{ inputs.a-b }} ${{inputs.c}}", contexts) == "x ${{ inputs.c }} d"
    for text in ("${{ inputs.nosuch }}", "${{ inputs.c || 'e' }}", "${{ secrets.c }}"):
        with pytest.raises(KeyError):
            evaluated(text, contexts)
