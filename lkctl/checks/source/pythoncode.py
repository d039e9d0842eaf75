"""Python as a tree: names with dots, calls, and what stands around them. The code is read, never run."""

import ast
from collections.abc import Iterator

_LONGEST = 12  # parts of a name with dots
Function = ast.FunctionDef | ast.AsyncFunctionDef


def dotted(node: ast.AST | None) -> str:
    """Give `ctx.room.metadata` for such an expression; "" for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute) and len(parts) < _LONGEST:
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def calls(tree: ast.AST, *endings: str) -> Iterator[ast.Call]:
    """Give the calls of functions whose last name is one of these, in the order of the text."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _last(node.func) in endings]
    yield from sorted(found, key=lambda call: (call.lineno, call.col_offset))


def argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """Give an argument by its name, or by its place."""
    named = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    if named is not None or place is None or place >= len(call.args):
        return named
    return call.args[place]


def text_of(node: ast.AST | None) -> str:
    """Give a literal text; "" for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def imported(tree: ast.Module) -> dict[str, int]:
    """Give the modules and names that are imported, with dots, and the line: `livekit.plugins.openai`."""
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update({alias.name: node.lineno for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.setdefault(node.module, node.lineno)
            found.update({f"{node.module}.{alias.name}": node.lineno for alias in node.names})
    return found


def functions(tree: ast.AST) -> Iterator[Function]:
    """Give every function, nested ones and methods too."""
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def guarded(tree: ast.AST) -> frozenset[int]:
    """Give the ids of all nodes that stand in the body of a `try` with an `except`."""
    tries = (one for one in ast.walk(tree) if isinstance(one, ast.Try) and one.handlers)
    return frozenset(id(inner) for one in tries for part in one.body for inner in ast.walk(part))


def later(function: Function) -> frozenset[int]:
    """Give the ids of all nodes in functions within a function: they run later."""
    inner = (one for one in ast.walk(function) if isinstance(one, Function | ast.Lambda) and one is not function)
    return frozenset(id(part) for one in inner for part in ast.walk(one))


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
