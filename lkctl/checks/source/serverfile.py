"""What livekit-server's own parser says to a configuration: does it load, and if not, which key of which line is it?

Source: livekit-server 1.13.5 pkg/config/config.go (NewConfig: strict fields, on top of the defaults), and
gopkg.in/yaml.v3 3.0.1 decode.go. As there, only the first document counts, one with nothing but comments is refused,
an empty file is not, and the keys of a mapping must differ.
"""

from collections.abc import Iterator
from itertools import islice

from lkctl.checks.source.faults import (
    Fault,
    joined,
    kind_of,
    misplaced,
    no_map,
    repeated_keys,
    shown,
    unfit,
    unknown_key,
)
from lkctl.checks.source.goyaml import WANTED, is_null, misfit
from lkctl.checks.source.presets import preset_faults
from lkctl.checks.source.serverkeys import ROOT, structs
from lkctl.files.yamlnodes import Node, YamlFault, read_yaml

_MOST_FAULTS = 50
_DEEPEST_MERGE = 50
_MOST_ALIASES = 10_000


def faults_of(content: bytes) -> tuple[Node | None, list[Fault]]:
    """Judge a configuration; give its document, and the faults for which livekit-server would refuse it."""
    try:
        document = read_yaml(content)
    except YamlFault as fault:
        return None, [_broken(content, fault)]
    if document is None:
        said = "holds only comments: livekit-server says `could not parse config: EOF`"
        return None, [Fault("", said, 1, "Write a setting, such as `port: 7880`, or leave the file empty")] * bool(
            content
        )
    return document, list(islice(_Reader().value(ROOT, document, ""), _MOST_FAULTS))


def _broken(content: bytes, fault: YamlFault) -> Fault:
    lines = content.split(b"\n")
    at = lines[fault.line - 1] if fault.line <= len(lines) else b""
    if b"\t" in at[: len(at) - len(at.lstrip())]:
        return Fault("", "is indented with a tab, which YAML forbids", fault.line, "Indent with blanks", "\t", "  ")
    return Fault("", f"is not YAML: {fault}", fault.line, "Mend the line, or the one before it")


class _Reader:
    """Goes through a document as yaml.v3 does; `_within` are the aliases that are being followed."""

    def __init__(self) -> None:
        self._within: set[int] = set()
        self._followed = 0

    @property
    def _over(self) -> bool:
        return self._followed >= _MOST_ALIASES or len(self._within) > _DEEPEST_MERGE

    def _count(self, node: Node, path: str) -> Iterator[Fault]:
        """Give up where too much is followed, as yaml.v3 does (`document contains excessive aliasing`)."""
        self._followed += 1
        if self._followed == _MOST_ALIASES:
            yield Fault(path, "contains excessive aliasing", node.line, "Write the values out")

    def value(self, kind: str, node: Node, path: str) -> Iterator[Fault]:
        if node.kind == "alias":
            yield from self._alias(kind, node, path)
        elif is_null(node) and not misfit(kind, node):
            return
        elif kind in {"ports", "addresses"} and node.kind != "scalar":
            return  # a mapping is taken, and read as nothing
        elif kind == "room":
            yield from preset_faults(node, path)
        elif kind in structs():
            yield from self._mapping(kind, node, path)
        elif kind.startswith("[]"):
            yield from self._sequence(kind[2:], node, path)
        elif kind.startswith("map["):
            yield from self._map(kind, node, path)
        elif node.kind != "scalar":
            yield misplaced(path, f"is a {node.kind}", WANTED.get(kind, "a number"), node)
        else:
            wanted = misfit(kind, node)
            if wanted:
                yield unfit(kind, path, wanted, node)

    def _alias(self, kind: str, node: Node, path: str) -> Iterator[Fault]:
        (target,) = node.items
        yield from self._count(node, path)
        if id(target) in self._within:
            yield Fault(path, "refers to itself", node.line, "Write the value out")
        if id(target) in self._within or self._over:
            return
        self._within.add(id(target))
        yield from self.value(kind, target, path)
        self._within.discard(id(target))

    def _sequence(self, kind: str, node: Node, path: str) -> Iterator[Fault]:
        if node.kind != "sequence":
            yield misplaced(path, f"is a {kind_of(node)}", "a list", node)
            return
        for item in node.items:
            yield from self.value(kind, item, path)

    def _map(self, kind: str, node: Node, path: str) -> Iterator[Fault]:
        key_kind, _, value_kind = kind.removeprefix("map[").partition("]")
        if node.kind != "mapping":
            yield no_map(path, node)
            return
        yield from repeated_keys(node, path)
        for key, value in node.pairs():
            if _is_merge(key):
                yield from self._merge(kind, value, path)
                continue
            if is_null(key):
                continue
            wanted = misfit(key_kind, key) if key.kind == "scalar" else "a plain key"
            if wanted:
                yield misplaced(path, "has a key", wanted, key)
            yield from self.value(value_kind, value, f"{path}.*" if path == "keys" else f"{path}.{shown(key)}")

    def _mapping(self, struct: str, node: Node, path: str, known: frozenset[str] = frozenset()) -> Iterator[Fault]:
        """`known` are the keys that the one which merges this mapping in has set itself: they win, unread."""
        if node.kind != "mapping":
            yield misplaced(path, f"is a {kind_of(node)}", "a mapping of keys and values", node)
            return
        twice = list(repeated_keys(node, path))
        if twice:
            yield from twice
            return
        own = known | {key.text for key, _ in node.pairs() if key.kind == "scalar"}
        for key, value in node.pairs():
            if _is_merge(key):
                yield from self._merge(struct, value, path, own)
            elif key.kind != "scalar":
                yield misplaced(path, "has a key", "a plain name", key)
            elif key.text in known or is_null(key):
                continue
            elif key.text in structs()[struct]:
                yield from self.value(structs()[struct][key.text], value, joined(path, key.text))
            else:
                yield unknown_key(struct, key, path)

    def _merge(self, kind: str, node: Node, path: str, known: frozenset[str] = frozenset()) -> Iterator[Fault]:
        for item in node.items if node.kind == "sequence" else (node,):
            target = item.items[0] if item.kind == "alias" else item
            if target.kind != "mapping" or id(target) in self._within:
                yield Fault(path, "merges (`<<`) something that is no mapping", item.line, "Merge a mapping")
                return
            yield from self._count(item, path)
            if self._over:
                return
            self._within.add(id(target))
            yield from self._mapping(kind, target, path, known) if kind in structs() else self._map(kind, target, path)
            self._within.discard(id(target))


def _is_merge(key: Node) -> bool:
    return key.kind == "scalar" and key.text == "<<" and (key.plain or key.tag == "tag:yaml.org,2002:merge")
