"""YAML as nodes with their lines: aliases are never expanded, nothing is made of a tag, no depth of nesting can hurt.

Only the first document is read, as Go's `Decoder.Decode` does (gopkg.in/yaml.v3, what livekit-server uses).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_DEEPEST = 200  # nested deeper than this is no configuration
_MOST_NODES = 60_000
_MOST_MERGED = 16


@dataclass(slots=True, eq=False)
class Node:
    """A scalar, sequence or mapping; of a mapping, `items` are keys and values in turn. Lines count from 1."""

    kind: str
    line: int
    column: int
    text: str = ""
    tag: str = ""  # only one that is written there
    plain: bool = False  # a scalar without quotes, on one or more lines
    style: str = ""  # of a scalar: one of "", ', ", |, >
    items: list["Node"] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple["Node", "Node"]]:
        """Give the entries of a mapping, as they stand."""
        if self.kind == "mapping":
            yield from zip(self.items[::2], self.items[1::2], strict=True)

    def entries(self, _merged: set[int] | None = None) -> Iterator[tuple["Node", "Node"]]:
        """Give the entries of a mapping as they count: those that `<<` merges in are there, unless it sets them itself.

        Aliases are followed. Each mapping is merged in once, so that no knot of aliases takes long.
        """
        seen = {id(self)} if _merged is None else _merged
        own = {key.text for key, _ in self.pairs()}
        for key, value in self.pairs():
            target = value.target()
            if key.text != "<<" or not key.plain:
                yield from [(key, target)] if key.kind == "scalar" else []
                continue
            for mapping in target.items if target.kind == "sequence" else [target]:
                merged = mapping.target()
                if id(merged) not in seen and len(seen) < _MOST_MERGED:
                    seen.add(id(merged))
                    yield from (entry for entry in merged.entries(seen) if entry[0].text not in own)

    def target(self) -> "Node":
        """Give what an alias stands for; any other node is itself."""
        return self.items[0] if self.kind == "alias" else self

    def get(self, name: str) -> "Node | None":
        """Give the value under a name; None where there is none, or this is no mapping."""
        return next((value for key, value in self.entries() if key.text == name), None)

    def listed(self) -> tuple["Node", ...]:
        """Give the elements of a sequence; none of anything else."""
        return tuple(self.items) if self.kind == "sequence" else ()


class YamlFault(Exception):
    """Raised for what is no YAML; `line` is where it stopped."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def read_yaml(content: bytes) -> Node | None:
    """Read the first document; None where there is none at all. Raise `YamlFault`."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first is there where libyaml is
    reader = None
    try:
        reader = loader(content)
        return _document(iter(reader.get_event, None))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", "") or getattr(error, "reason", "") or "cannot be read")
        raise YamlFault(said, _line_of(error, mark, content)) from None
    except (ValueError, RecursionError):
        raise YamlFault("cannot be read", 1) from None
    finally:
        if reader is not None:
            reader.dispose()


def _line_of(error: Any, mark: Any, content: bytes) -> int:
    """A fault of reading bytes has a position instead of a mark."""
    if mark is not None:
        return min(int(mark.line), content.count(b"\n")) + 1  # there is no line behind the last
    position = getattr(error, "position", None)
    return content[: position or 0].count(b"\n") + 1


def _document(events: Iterator[Any]) -> Node | None:
    """Make nodes of events, without recursion."""
    anchors: dict[str, Node] = {}
    opened: list[Node] = []
    for number, event in enumerate(events):
        name = type(event).__name__.removesuffix("Event")
        _refuse(event, number, len(opened))
        if name in {"SequenceEnd", "MappingEnd"}:
            node = opened.pop()
        elif name in {"Scalar", "Alias", "SequenceStart", "MappingStart"}:
            node = _node(name, event, anchors)
            if opened:
                opened[-1].items.append(node)
            if name.endswith("Start"):
                opened.append(node)
                continue
        else:
            continue
        if not opened:
            return _ended(node, events)
    return None


def _refuse(event: Any, number: int, depth: int) -> None:
    """Stop at what is too much, and at a version that yaml.v3 refuses: it takes `%YAML 1.1` only."""
    line = event.start_mark.line + 1
    if number > _MOST_NODES:
        raise YamlFault("holds more than can be judged", line)
    if depth > _DEEPEST:
        raise YamlFault("is nested too deep", line)
    if getattr(event, "version", None) not in {None, (1, 1)}:
        raise YamlFault("found incompatible YAML document", line)


def _ended(node: Node, events: Iterator[Any]) -> Node:
    """Make sure that the document ends there: what follows on the same line may be no YAML."""
    next(events, None)
    return node


def _node(name: str, event: Any, anchors: dict[str, Node]) -> Node:
    line, column = event.start_mark.line + 1, event.start_mark.column + 1
    if name == "Alias":
        if event.anchor not in anchors:
            raise YamlFault(f"unknown anchor '{event.anchor}' referenced", line)
        return Node("alias", line, column, event.anchor, items=[anchors[event.anchor]])
    tag = event.tag or ""
    if name == "Scalar":
        style = event.style or ""
        node = Node("scalar", line, column, event.value, tag, not style, style)
    else:
        node = Node(name.removesuffix("Start").lower(), line, column, tag=tag)
    if event.anchor:
        anchors[event.anchor] = node
    return node
