"""Env files, read as python-dotenv reads them (as an agent's `load_dotenv()` would), with line numbers."""

import os
from pathlib import Path
from typing import NamedTuple

from lkctl.files.content import decode, read_file
from lkctl.settings.layers import ENV_FILES, NAMES, Layer, Value

MOST_BYTES = 1024 * 1024


class Entry(NamedTuple):
    """A line `NAME=value`; `value` is None where there is no `=`."""

    name: str
    value: str | None
    line: int


class EnvFile(NamedTuple):
    """An env file: its entries, the lines that are none, and its raw text for those who look at the spelling."""

    name: str
    path: Path
    text: str
    entries: tuple[Entry, ...]
    broken_lines: tuple[int, ...]

    def layer(self) -> Layer:
        """Give its LIVEKIT_ values; of a name given twice the last one counts, as in python-dotenv."""
        values = {
            entry.name: Value(entry.value, f"{self.name}:{entry.line}")
            for entry in self.entries
            if entry.name in NAMES and entry.value is not None
        }
        return Layer(self.name, values)


def read_env_file(path: Path, name: str | None = None) -> EnvFile:
    """Read one env file; raise `file-unreadable` or `input-encoding`."""
    content = read_file(path, most=MOST_BYTES)
    text = decode(content, str(path)) if content.strip() else ""
    return read_env_text(text, path, name or str(path))


def read_env_text(text: str, path: Path, name: str) -> EnvFile:
    """Take a text for that of an env file."""
    entries, broken = _parse(text)
    return EnvFile(name, path, text, entries, broken)


def default_env_files(folder: Path) -> list[EnvFile]:
    """Read `.env.local` and `.env` of a folder, those that are there."""
    there = [name for name in ENV_FILES if os.path.lexists(folder / name)]  # a link to nowhere is an error, not nothing
    return [read_env_file(folder / name, name) for name in there]


def _parse(text: str) -> tuple[tuple[Entry, ...], tuple[int, ...]]:
    import io

    from dotenv.main import resolve_variables
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(io.StringIO(text)))
    named = [(binding.key, binding.value) for binding in bindings if binding.key is not None]
    resolved = dict(resolve_variables(named, override=False))
    entries = tuple(
        Entry(b.key, resolved.get(b.key) if len(b.value or "") and "${" in (b.value or "") else b.value, _line(b))
        for b in bindings
        if b.key is not None
    )
    return entries, tuple(_line(binding) for binding in bindings if binding.error)


def _line(binding: object) -> int:
    """The line of the name itself: dotenv counts the blank lines before it to the binding."""
    original = binding.original  # type: ignore[attr-defined]  # a NamedTuple of python-dotenv
    leading = original.string[: len(original.string) - len(original.string.lstrip())]
    return int(original.line) + int(leading.count("\n"))
