"""Man pages: the same as `--help`, in the language of man(7). `lkctl help --man room create | man -l -`."""

import re
from collections.abc import Iterator, Sequence

from lkctl import __version__
from lkctl.errors import EXIT_MEANINGS
from lkctl.manual.entry import Entry, Parameter, commands_of, entry_of, find_command, parameters_of
from lkctl.tree import Branch
from lkctl.views.topics import VARIABLES

# What roff reads as something else: its own escape, and what it would print as a typographic sign
_ESCAPES = {"\\": r"\e", "-": r"\-", "'": r"\[aq]", "`": r"\[ga]", "^": r"\[ha]", "~": r"\[ti]", '"': r"\[dq]"}


def man_page(tree: Branch, words: Sequence[str]) -> str:
    """Write the page of a command, of a group, or without words lkctl(1); the same tree gives the same bytes."""
    found = find_command(tree, words)
    lines = _branch_page(found, words) if isinstance(found, Branch) else _command_page(entry_of(" ".join(words), found))
    return "\n".join(lines) + "\n"


def roff(text: str) -> str:
    """Make a line of text safe for roff: nothing in it is a request or an escape; what is in backticks gets bold."""
    one_line = " ".join(text.split())
    escaped = "".join(_ESCAPES.get(sign) or (sign if sign.isascii() else f"\\[u{ord(sign):04X}]") for sign in one_line)
    bold = re.sub(r"\\\[ga\](.+?)\\\[ga\]", r"\\fB\1\\fR", escaped)
    return bold if bold and bold[0] != "." else f"\\&{bold}"


def _command_page(entry: Entry) -> Iterator[str]:
    arguments = [one for one in entry.parameters if not one.is_option]
    yield from _opening(entry.name.split(), entry.summary, entry.usage.removeprefix(f"lkctl {entry.name}"))
    yield from _paragraphs(entry.text)
    if arguments:
        yield ".SH ARGUMENTS"
        yield from _parameters(arguments)
    yield from _options([one for one in entry.parameters if one.is_option])
    if entry.examples:
        yield from (".SH EXAMPLES", ".nf", *map(roff, entry.examples), ".fi")
    yield from _see_also("lkctl")


def _branch_page(branch: Branch, words: Sequence[str]) -> Iterator[str]:
    name = " ".join(words)
    yield from _opening(words, branch.help or "", " COMMAND [OPTIONS]")
    yield from _paragraphs(branch.help or "")
    yield ".SH COMMANDS"
    for path, command in commands_of(branch, name):
        yield from _item(f"lkctl {path}", entry_of(path, command).summary)
    if words:
        yield from _see_also("lkctl")
        return
    yield from _options(list(parameters_of(branch)))
    yield ".SH EXIT STATUS"
    for code, meaning in EXIT_MEANINGS.items():
        yield from _item(f"{int(code)} {code.name}", meaning)
    yield ".SH ENVIRONMENT"
    for variable, meaning in VARIABLES:
        yield from _item(variable, meaning)


def _opening(words: Sequence[str], summary: str, usage: str) -> Iterator[str]:
    page = roff("-".join(["lkctl", *words]))
    yield f'.TH {page.upper()} 1 "" "lkctl {__version__}" "lkctl manual"'
    yield from (".SH NAME", rf"{page} \- {roff(summary)}", ".SH SYNOPSIS")
    yield rf"\fB{roff(' '.join(['lkctl', *words]))}\fR {roff(usage)}"
    yield ".SH DESCRIPTION"


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in filter(None, re.split(r"\n\s*\n", text.strip())):
        yield from (".PP", roff(paragraph))


def _options(options: Sequence[Parameter]) -> Iterator[str]:
    panels: dict[str, list[Parameter]] = {"": []}
    for one in options:
        panels.setdefault(one.panel, []).append(one)
    yield ".SH OPTIONS"
    for panel, parameters in panels.items():
        if panel:
            yield f".SS {roff(panel)}"
        yield from _parameters(parameters)


def _parameters(parameters: Sequence[Parameter]) -> Iterator[str]:
    for one in parameters:
        yield from _item(one.spelling, one.told)


def _item(term: str, told: str) -> Iterator[str]:
    yield from (".TP", rf"\fB{roff(term)}\fR", roff(told))


def _see_also(page: str) -> Iterator[str]:
    yield from (".SH SEE ALSO", rf"\fB{page}\fR(1)")
