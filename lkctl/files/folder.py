"""What lies around the env files in force: other env files, compose files, the server's own configuration.

Looked for in a folder and one level below it, within limits, without following symlinks.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lkctl.errors import LkctlError
from lkctl.files.compose import Declared, ServerKey, keys_in, read_compose, read_server_keys
from lkctl.files.envfile import EnvFile, read_env_file
from lkctl.files.sources import SKIPPED

_ENV_FILE = re.compile(r"\.env(?:\..+)?|[^.].*\.env")
_EXAMPLE = re.compile(r"(?:^|[._-])(?:examples?|sample|template|tmpl|dist|schema|vault|enc|encrypted|swp)(?=[._-]|$)")
_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml")
_SERVER = re.compile(r"livekit(?:[.-][\w.-]+)?\.ya?ml")
SERVER_KEYS = "LIVEKIT_KEYS"  # of livekit-server, not of its clients
_MOST_FOLDERS = 100
_MOST_NAMES = 2000  # of one folder
_MOST_FILES = 40  # of one kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found, and in `unread` what could not be read, and why."""

    env_files: tuple[EnvFile, ...] = ()
    declared: tuple[Declared, ...] = ()
    server_keys: tuple[ServerKey, ...] = ()
    unread: tuple[str, ...] = ()


def look_around(folder: Path, in_force: Sequence[EnvFile]) -> Surroundings:
    """Read what lies in a folder and one level below it; the env files in force are left out."""
    known = {_identity(file.path) for file in in_force} - {None}
    names = list(_names(folder))
    unread: list[str] = []
    env_names = [name for name in names if is_env_name(_base(name)) and _identity(folder / name) not in known]
    env_files = _read(folder, env_names, read_env_file, unread)
    compose_names = [name for name in names if _COMPOSE.fullmatch(_base(name))]
    declared = _flat(_read(folder, compose_names, read_compose, unread))
    server_names = [name for name in names if _SERVER.fullmatch(_base(name))]
    own = _flat(_read(folder, server_names, read_server_keys, unread))
    given = _flat(keys_in(it.text, it.place) for it in declared if it.name == SERVER_KEYS)
    set_ = _flat(_keys_of(file) for file in (*in_force, *env_files))
    return Surroundings(tuple(env_files), declared, (*own, *given, *set_), tuple(unread))


def is_env_name(name: str) -> bool:
    """Whether a file name is that of an env file with real values; examples and templates are none."""
    return _ENV_FILE.fullmatch(name) is not None and not is_example(name)


def is_example(name: str) -> bool:
    """Whether a file is there to be copied, such as `.env.example`: placeholders are right in it."""
    return _EXAMPLE.search(_base(name)) is not None


def _names(folder: Path) -> Iterator[str]:
    """Give the relative names of the regular files here and one level below, in order."""
    files, folders = _entries(folder)
    yield from files
    for name in folders[:_MOST_FOLDERS]:
        yield from (f"{name}/{file}" for file in _entries(folder / name)[0])


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_MOST_NAMES), entries, strict=False):
                if entry.is_file(follow_symlinks=False):
                    files.append(entry.name)
                elif entry.is_dir(follow_symlinks=False) and entry.name[0] != "." and entry.name not in SKIPPED:
                    folders.append(entry.name)
    except OSError:
        return [], []
    return sorted(files), sorted(folders)


def _keys_of(file: EnvFile) -> tuple[ServerKey, ...]:
    lines = [entry for entry in file.entries if entry.name == SERVER_KEYS]
    return _flat(keys_in(entry.value or "", f"{file.name}:{entry.line}") for entry in lines)


def _flat(groups: Iterable[Iterable[T]]) -> tuple[T, ...]:
    return tuple(item for group in groups for item in group)


def _read(folder: Path, names: Sequence[str], reader: Callable[[Path, str], T], unread: list[str]) -> list[T]:
    read = []
    for name in names[:_MOST_FILES]:
        try:
            read.append(reader(folder / name, name))
        except LkctlError as error:
            unread.append(error.message)
    return read


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return (facts.st_dev, facts.st_ino) if stat.S_ISREG(facts.st_mode) else None
