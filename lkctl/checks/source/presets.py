"""What livekit-server takes as a preset of rooms, under room.room_configurations.

It is a livekit.RoomConfiguration, which another parser reads than the rest of the file: protoyaml-go of bufbuild. Names
count in snake_case and in camelCase, and as the numbers of fields; aliases and merges do not. Which scalars fit was
measured on 1.13.5. Of an egress only the names on its first level are judged.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from lkctl.checks.source.faults import Fault, joined, kind_of, misplaced, shown, some
from lkctl.checks.source.goyaml import is_null
from lkctl.files.yamlnodes import Node

# Each message with its fields, by type; `any` is not judged further. Source: livekit_room.proto, livekit_egress.proto,
# livekit_agent_dispatch.proto of livekit/protocol 1.50.5
_MESSAGES = {
    "preset": "text name metadata; flag sync_streams; agents agents; texts tags; egress egress;"
    " count empty_timeout departure_timeout max_participants min_playout_delay max_playout_delay",
    "agent": "text agent_name metadata deployment; policy restart_policy; texts attributes",
    "egress": "any room participant tracks",
}
_COUNT = re.compile(
    r"[-+]?(?:(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+)"
    r"|([0-9]+(?:_[0-9]+)*|(?=\.?[0-9])[0-9]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?))(k|[MGTPE]|[KMGTPE]i)?"
)
_UNITS = {"k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
_HIGHEST, _LONGEST = 2**32 - 1, 40
_POLICIES = {"JRP_ON_FAILURE", "JRP_NEVER"}
_WANTED = {
    "text": "a text", "flag": "true or false, without quotes", "count": f"a whole number from 0 to {_HIGHEST}",
    "policy": " or ".join(sorted(_POLICIES)),
}  # fmt: skip


def preset_faults(node: Node, path: str) -> Iterator[Fault]:
    """Find why livekit-server would refuse a preset."""
    yield from _message("preset", node, path)


def _message(kind: str, node: Node, path: str) -> Iterator[Fault]:
    if is_null(node):
        return
    if node.kind != "mapping":
        yield misplaced(path, f"is a {kind_of(node)}", "a mapping of keys and values", node)
    fields = _fields(kind)
    for key, value in node.pairs():
        where = joined(path, shown(key))
        if key.kind == "scalar" and key.text in fields:
            yield from _value(fields[key.text], value, where)
        elif key.kind != "scalar" or not key.text.isdecimal():
            names = some(sorted(name for name in fields if name == name.lower()))
            yield Fault(where, f"{where} is unknown", key.line, f"Remove it; here livekit-server reads {names}")


def _value(kind: str, node: Node, path: str) -> Iterator[Fault]:
    if node.kind == "alias":
        yield Fault(path, f"{path} is an alias, which a preset must not hold", node.line, "Write the value out")
    elif kind == "agents":
        if node.kind != "sequence":
            yield misplaced(path, f"is a {kind_of(node)}", "a list", node)
        for item in node.listed():
            yield from _value("agent", item, path)
    elif kind in _MESSAGES:
        yield from _message(kind, node, path)
    elif kind == "texts":
        if node.kind != "mapping":
            yield misplaced(path, f"is a {kind_of(node)}", "a mapping of names to texts", node)
        for key, value in node.pairs():
            yield from _value("text", value, joined(path, shown(key)))
    elif kind != "any" and not (node.kind == "scalar" and _FITS[kind](node)):
        said = "does not fit" if node.kind == "scalar" else f"is a {kind_of(node)}"
        yield misplaced(path, said, _WANTED[kind], node)


def _fields(kind: str) -> Mapping[str, str]:
    """Give the fields of a message in both spellings, with their types."""
    typed = [group.split() for group in _MESSAGES[kind].split(";")]
    named = {name: type_ for type_, *names in typed for name in names}
    return named | {re.sub("_([a-z])", lambda found: found[1].upper(), name): named[name] for name in named}


def _is_count(node: Node) -> bool:
    found = _COUNT.fullmatch(node.text) if len(node.text) <= _LONGEST else None
    if found is None:
        return False
    prefixed, decimal, unit = found.groups()
    number = int(prefixed, 0) if prefixed else float(decimal.replace("_", ""))
    scaled = number * (_UNITS.get(unit, _HIGHEST + 1) if unit else 1)
    return (node.text[0] != "-" or not scaled) and scaled <= _HIGHEST and float(scaled).is_integer()


def _is_flag(node: Node) -> bool:
    return node.text in {"true", "false"} and (node.plain or node.tag.endswith(":bool"))


_FITS: Mapping[str, Callable[[Node], bool]] = {
    "text": lambda _: True,
    "flag": _is_flag,
    "count": _is_count,
    "policy": lambda node: node.text in _POLICIES or node.text.isdecimal(),
}
