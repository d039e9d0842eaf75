"""Changes to single lines of an env file: what they make of it is read again, before anybody is told to make them.

A line is worked on by Perl, which can do so without naming the secret in it, and is spelled alike everywhere; `sed -i`
is not. All of a line but its value stays: `export`, indentation, its end.
"""

import re
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import NamedTuple

from lkctl.checks.result import Change, Fix
from lkctl.files.envfile import EnvFile, read_env_text
from lkctl.secret import mask
from lkctl.settings.layers import KEY, URL
from lkctl.settings.shape import DEFAULT_PAIR, QUOTES, shorten_key
from lkctl.settings.url import without_login

_LINE_END = re.compile(r"(\r\n|\n|\r)")  # as python-dotenv counts lines
_READ = 'BEGIN { open F, "<", shift; @v = map { s/^[^=]*=\\s*|\\s*\\z//gr } <F> } '
_ODD_NAME = re.compile(r"[\x00-\x1f\x7f<>|]|\s$")  # Perl takes `name |` for a program to run
_LONGEST = 64 * 1024  # characters; what python-dotenv needs for a file grows with the square of its length
_HARMLESS = set(QUOTES + " \t<>[]{}(),;#")


class Edit(NamedTuple):
    """What becomes of a line: `new`, or nothing (None); `script`: how Perl makes that of it, "" where it cannot."""

    line: int
    new: str | None
    script: str = ""
    source: EnvFile | None = None  # what the script copies from


def text_of(file: EnvFile, number: int) -> str:
    """Give a line without its end."""
    return "".join(_LINE_END.split(file.text)[2 * number - 2 : 2 * number - 1])


def place_of(file: EnvFile) -> str:
    """Say where a file really is: behind a link, which neither `patch` nor Perl would follow."""
    return str(file.path.resolve() if file.path.is_symlink() else file.path)


def take_away(number: int) -> Edit:
    """Take a line away."""
    return Edit(number, None, '$_ = ""')


def write(file: EnvFile, number: int, value: str) -> Edit:
    """Write a value that is no secret."""
    plain = re.fullmatch(r"[\w:/.\[\]-]+", value, re.ASCII) is not None
    return Edit(number, _named(file, number) + value, _put(f'"{value}"') if plain else "")


def keep(file: EnvFile, number: int, value: str) -> Edit:
    """Keep of a value the part that is right, by its position."""
    at = text_of(file, number).encode().find(value.encode())
    part = f"substr($_, {at}, {len(value.encode())})"
    return Edit(number, _named(file, number) + value, _put(part) if at >= 0 else "")


def copy(file: EnvFile, number: int, source: EnvFile, from_line: int) -> Edit:
    """Copy the value of another line, spelled as it is there."""
    value = text_of(source, from_line).partition("=")[2].strip()
    return Edit(number, _named(file, number) + value, _put(f"$v[{from_line - 1}]"), source)


def edited(file: EnvFile, edits: Sequence[Edit]) -> EnvFile:
    """Give the file as it is after the edits."""
    parts = [*_LINE_END.split(file.text), ""]
    for edit in edits:
        at = 2 * edit.line - 2
        parts[at : at + 2] = ["", ""] if edit.new is None else [edit.new, parts[at + 1]]
    return read_env_text("".join(parts), file.path, file.name)


def gives(file: EnvFile, edits: Sequence[Edit], wanted: Mapping[str, str | None]) -> bool:
    """Whether the edits make these values of the file, and change no others; None: it has no such value any more."""
    if len(file.text) > _LONGEST:
        return False
    after = _values(edited(file, edits))
    return all(after.get(name) == value for name, value in {**_values(file), **wanted}.items())


def fix_of(file: EnvFile, edits: Sequence[Edit], known: Sequence[str] = ()) -> Fix:
    """Make the fix of edits. `known`: the right values, which are masked for themselves where they can be told."""
    ordered = sorted(edits, key=lambda edit: edit.line)
    old = [text_of(file, edit.line) for edit in ordered]
    first, *more = [
        Change(edit.line, _shown(line, known), "" if edit.new is None else _shown(edit.new, known))
        for edit, line in zip(ordered, old, strict=True)
    ]
    hidden = any(_shown(line, known) != line for line in (*old, *(edit.new or "" for edit in ordered)))
    command = _command(file, ordered) if hidden else ""
    return Fix(command, place_of(file), *first, tuple(more))


def _values(file: EnvFile) -> dict[str, str | None]:
    return {entry.name: (entry.value or "").strip() for entry in file.entries}


def _put(value: str) -> str:
    """Let Perl put this between the name and the end of a line."""
    return rf"s{{^([^=]*=).*?(\r?\n?)\z}}{{$1 . {value} . $2}}se"


def _named(file: EnvFile, number: int) -> str:
    """Give a line up to its value."""
    return "".join(text_of(file, number).partition("=")[:2])


def _command(file: EnvFile, edits: Sequence[Edit]) -> str:
    """Write the command that makes the edits; "" where Perl counts other lines, or there is none for one of them."""
    sources = list(dict.fromkeys(edit.source for edit in edits if edit.source is not None))
    if len(sources) > 1 or not all(edit.script for edit in edits) or any(map(_is_odd, [file, *sources])):
        return ""
    script = "; ".join(f"{edit.script} if $. == {edit.line}" for edit in edits)
    files = " ".join(shell_path(place_of(one)) for one in (*sources, file))
    return f"perl -pi -e '{_READ if sources else ''}{script}' {files}"


def _is_odd(file: EnvFile) -> bool:
    """Whether Perl would count its lines otherwise, or take its name for something else."""
    return "\r" in file.text.replace("\r\n", "") or _ODD_NAME.search(place_of(file)) is not None


def shell_path(path: str) -> str:
    """Spell a path for a shell and its programs, none of which is to take it for an option."""
    return quote(f"./{path}" if path.startswith("-") else path)


def _shown(line: str, known: Sequence[str]) -> str:
    """Mask the value of a line; that of a URL loses its login only."""
    head, equals, rest = line.partition("=")
    name = head.rpartition("export")[2].strip(" \t\ufeff")
    if name == URL:
        return line if without_login(rest) == rest else f"{head}={without_login(rest)}"
    value = next((value for value in known if value and value in rest), rest.strip())
    if not set(rest.replace(value, "")) <= _HARMLESS:
        value = rest.strip()
    if not value or value in DEFAULT_PAIR:
        return line
    return f"{head}{equals}{rest.replace(value, shorten_key(value) if name == KEY else mask(value))}"
