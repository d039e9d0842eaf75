"""What the text of a script tells about a line of it: how a value that is read there is used."""

import ast
from collections.abc import Iterator
from typing import Final

_CUTS: Final = frozenset({"split", "rsplit", "partition", "rpartition", "removeprefix", "removesuffix", "replace"})
_STRIPS: Final = frozenset({"strip", "lstrip", "rstrip"})  # with an argument: any of its characters
_CARE: Final = frozenset({"startswith", "match", "fullmatch", "search"})  # who looks first may cut


class Script:
    """The text of a script; one that is no Python tells nothing."""

    def __init__(self, text: str) -> None:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            tree = ast.Module([], [])
        self._parents = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}

    def cut_of(self, line: int, name: str) -> str:
        """Tell how a text is cut that is read here as an attribute `name`, e.g. `.split()`; "" if not, or with care."""
        for node in self._attributes(line, name):
            for use in (node, *self._uses(node)):
                if (cut := self._cut(use)) and not self._is_careful(use):
                    return cut
        return ""

    def takes_first(self, line: int, name: str) -> bool:
        """Whether only the first is taken of the collection that is read here as an attribute `name`."""
        return any(
            self._is_first_of(node) for found in self._attributes(line, name) for node in (found, *self._uses(found))
        )

    def _attributes(self, line: int, name: str) -> Iterator[ast.expr]:
        for node in self._parents:
            if isinstance(node, ast.Attribute) and node.attr == name and node.lineno <= line <= (node.end_lineno or 0):
                yield node

    def _uses(self, node: ast.expr) -> Iterator[ast.expr]:
        """Give the places in the same function where the variable is used that the value goes into."""
        target = self._target(node)
        if isinstance(target, ast.Name):
            for other in ast.walk(self._function(node)):
                if isinstance(other, ast.Name) and other.id == target.id and isinstance(other.ctx, ast.Load):
                    yield other

    def _target(self, node: ast.expr) -> ast.expr | None:
        parent = self._parents.get(node)
        while isinstance(parent, (ast.BoolOp, ast.Call, ast.Attribute)):  # list(….values()), … or ""
            parent = self._parents.get(parent)
        if isinstance(parent, ast.Assign):
            return parent.targets[0]
        return parent.target if isinstance(parent, (ast.AnnAssign, ast.NamedExpr)) else None

    def _cut(self, node: ast.expr) -> str:
        parent = self._parents.get(node)
        if isinstance(parent, ast.BoolOp):  # (… or "").split()
            return self._cut(parent)
        if isinstance(parent, ast.Subscript) and parent.value is node:
            return "[…]"
        call = self._parents.get(parent) if isinstance(parent, ast.Attribute) else None
        if not isinstance(parent, ast.Attribute) or not isinstance(call, ast.Call):
            return ""
        if parent.attr in _STRIPS and call.args:
            return f".{parent.attr}(), which takes off single characters,"
        return f".{parent.attr}()" if parent.attr in _CUTS else ""

    def _is_careful(self, node: ast.AST) -> bool:
        return any(isinstance(other, ast.Attribute) and other.attr in _CARE for other in ast.walk(self._function(node)))

    def _is_first_of(self, node: ast.AST) -> bool:
        """Climb through calls such as `.values()`, `list()`, `iter()` up to what takes one."""
        parent = self._parents.get(node)
        while isinstance(parent, (ast.Call, ast.Attribute)):
            if isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id == "next":
                return True
            node, parent = parent, self._parents.get(parent)
        if isinstance(parent, ast.Subscript):
            return parent.value is node and isinstance(parent.slice, ast.Constant) and parent.slice.value == 0
        if isinstance(parent, (ast.For, ast.AsyncFor)):
            return parent.iter is node and isinstance(parent.body[-1], (ast.Break, ast.Return))
        return False

    def _function(self, node: ast.AST) -> ast.AST:
        """Give the function around a node, or the whole module."""
        while node in self._parents and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            node = self._parents[node]
        return node
