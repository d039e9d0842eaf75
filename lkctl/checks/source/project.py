"""The project that is judged: its files, read once for all checks of `--source`, within the limits of files/sources."""

import ast
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lkctl.checks.result import NotApplicable
from lkctl.checks.world import World, holds_secret
from lkctl.files.envfile import EnvFile
from lkctl.files.folder import Surroundings, look_around
from lkctl.files.sources import PROJECT, Sources
from lkctl.secret import remember

_SCRIPT = re.compile(r".+\.(?:[mc]?[jt]s|[jt]sx|vue|svelte|astro|html)")
_STORY = re.compile(r"(?:^|[./])(?:test|spec|stories|config|min|d)\.[a-z]+$|\.(?:test|spec|stories|config|min|d)\.\w+$")
# Comments, and the texts in which `//` begins none. Each part is read in one go, so no input makes it slow
_COMMENT = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`)
    |//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)|<!--[^-]*(?:-(?!->)[^-]*)*(?:-->|\Z)""",
    re.VERBOSE,
)

# CPython 3.11 raises SystemError where a finalizer switches to a thread that parses, too ("recursion depth mismatch")
_parsing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Project:
    """The files of a project by their names in it. `code` is Python that speaks of LiveKit, `scripts` JavaScript."""

    folder: Path
    texts: Mapping[str, str]
    code: Mapping[str, ast.Module]
    scripts: Mapping[str, str]  # comments blanked out, lines kept
    unread: tuple[str, ...]  # what could not be read, and why
    cut: str
    around: Surroundings

    def place(self, name: str, line: int | None = None) -> str:
        """Say where something stands, as one would open it from here."""
        path = name if self.folder == Path() else (self.folder / name).as_posix()
        return path if line is None else f"{path}:{line}"

    def named(self, pattern: str) -> Iterator[str]:
        """Give the names of files whose last part matches a regular expression."""
        wanted = re.compile(pattern)
        yield from (name for name in self.texts if wanted.fullmatch(name.rpartition("/")[2]))

    @property
    def env_files(self) -> tuple[EnvFile, ...]:
        """The env files with real values: those of the folder, and of those one below."""
        return self.around.env_files

    def variables(self, environ: Mapping[str, str]) -> set[str]:
        """Give the names that some env file, compose file or the environment sets to something."""
        found = {entry.name for file in self.env_files for entry in file.entries if (entry.value or "").strip()}
        return (
            found | {declared.name for declared in self.around.declared} | {name for name in environ if environ[name]}
        )


def project_of(world: World) -> Project:
    """Read the project that the run was asked to judge; once, however many checks ask."""
    folder = world.scope.source
    if folder is None:
        raise NotApplicable("no project was named, see --source")
    return world.memory.once("source", lambda: read_project(folder))


def read_project(folder: Path) -> Project:
    """Read a project; what cannot be parsed is named in `unread`."""
    sources = Sources(folder, wanted=PROJECT)
    texts = dict(sources.read())
    unread: list[str] = []
    code = dict(_parsed(texts, unread))
    scripts = {name: without_comments(text) for name, text in texts.items() if _is_script(name, text)}
    around = look_around(folder, ())
    for file in around.env_files:
        for entry in file.entries:
            if holds_secret(entry.name):
                remember(entry.value or "")
    for key in around.server_keys:
        remember(key.secret)
    return Project(folder, texts, code, scripts, (*unread, *around.unread), sources.cut, around)


def _parsed(texts: Mapping[str, str], unread: list[str]) -> Iterator[tuple[str, ast.Module]]:
    """Parse what speaks of LiveKit; nothing is imported, and what the parser remarks is nobody's concern here."""
    with _parsing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, text in texts.items():
            if not name.endswith(".py") or "livekit" not in text:
                continue
            try:
                yield name, ast.parse(text)
            except SyntaxError as error:
                unread.append(f"{name} is not Python: line {error.lineno or 1}")
            except (ValueError, RecursionError, MemoryError):
                unread.append(f"{name} is not Python that can be read")


def without_comments(text: str) -> str:
    """Blank out the comments of JavaScript, TypeScript and HTML; every line stays where it is."""
    return _COMMENT.sub(lambda m: m.group() if m["kept"] else re.sub(r"[^\n]", " ", m.group()), text)


def line_at(text: str, position: int) -> int:
    """Give the line of a position."""
    return text.count("\n", 0, position) + 1


def line_of(text: str, number: int) -> str:
    """Give a line by its number, without its end."""
    lines = text.split("\n")
    return lines[number - 1].rstrip("\r") if 0 < number <= len(lines) else ""


def _is_script(name: str, text: str) -> bool:
    return _SCRIPT.fullmatch(name) is not None and _STORY.search(name) is None and "livekit" in text.lower()
