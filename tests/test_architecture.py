"""The house: who may import whom. A wrong arrow is a defect, also inside a function."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lkctl"

# The ring of each room; an outer ring may import an inner one, never the reverse
RINGS = {
    "errors": 0, "models": 0, "secret": 0, "duration": 0, "versions": 0, "__init__": 0,
    "settings": 1, "tokens": 1, "webhooks": 1, "userid": 1, "convention": 1, "dispatch": 1,
    "server": 2, "localserver": 2, "files": 2, "output": 2,
    "agents": 3, "checks": 3, "scenarios": 3, "testing": 3,
    "commands": 4, "views": 4, "reports": 4, "manual": 4,
    "cli": 4, "tree": 4, "options": 4, "invocation": 4, "__main__": 4,
}  # fmt: skip
# Edges do not know each other. These may: all of `server` shares its transport; a local server is one that is called
EDGES = ("files", "localserver", "output", "server")
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "shared", "base"}
PURE = ("settings", "tokens", "userid", "webhooks")
IMPURE = {
    "os",
    "socket",
    "time",
    "subprocess",
    "logging",
    "pathlib",
    "urllib",
    "http",
    "ssl",
    "asyncio",
    "typer",
    "rich",
    "dotenv",
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Give a module's name below lkctl."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


def imports(path: Path) -> Iterator[str]:
    """Give the absolute names that a module imports, anywhere in it; not those for type checkers only."""
    tree = ast.parse(path.read_text())
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "lkctl")


def ring(name: str) -> int:
    """Give the ring of a module below lkctl."""
    return RINGS[name.partition(".")[0]]


def ours(path: Path) -> set[str]:
    """Give what a module imports from lkctl, below lkctl."""
    return {name.removeprefix("lkctl.") for name in imports(path) if name.startswith("lkctl.")}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_arrows_point_inwards(path: Path) -> None:
    """An outer ring imports an inner one."""
    me = name_of(path)
    wrong = {other for other in ours(path) if other.partition(".")[0] in RINGS and ring(other) > ring(me)}
    assert not wrong


@pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name in EDGES], ids=name_of)
def test_edges_do_not_know_each_other(path: Path) -> None:
    """Each edge owns one outside thing and knows no other edge."""
    me = path.parent.name
    assert not {other for other in ours(path) if other.partition(".")[0] in EDGES and other.partition(".")[0] != me}


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).partition(".")[0] in PURE], ids=name_of)
def test_the_core_is_pure(path: Path) -> None:
    """Values in, values out: no environment, clock, file or socket."""
    assert not {name.partition(".")[0] for name in imports(path)} & IMPURE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_nouns_of_the_domain(path: Path) -> None:
    """No drawer for everything."""
    assert path.stem not in BANNED


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_are_small(path: Path) -> None:
    """A module has at most 250 lines; a function body at most 40 statements."""
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert not {function.name: statements(function) for function in functions if statements(function) > 40}


def statements(node: ast.AST) -> int:
    """Count the statements below a node."""
    return sum(isinstance(child, ast.stmt) for child in ast.walk(node)) - 1


def test_every_room_has_a_ring() -> None:
    """A new folder must say where it stands."""
    rooms = {name_of(path).partition(".")[0] for path in MODULES}
    assert rooms == set(RINGS)


def test_no_command_is_async() -> None:
    """Typer never awaits an `async def`: it would print nothing and exit 0."""
    from tests.reference import walk

    found = {path: command.callback for path, command in walk()}
    assert len(found) > 10
    assert not [path for path, callback in found.items() if inspect.iscoroutinefunction(inspect.unwrap(callback))]


def test_command_bodies_are_short() -> None:
    """A command is a sentence: at most 12 statements, no loops, no try."""
    for path in (PACKAGE / "commands").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                "command" in ast.unparse(mark) for mark in node.decorator_list
            ):
                assert statements(node) <= 14, f"{path.name}: {node.name}"
                assert not [child for child in ast.walk(node) if isinstance(child, (ast.For, ast.While, ast.Try))], (
                    node.name
                )
