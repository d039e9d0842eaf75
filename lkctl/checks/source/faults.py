"""Why livekit-server would refuse a configuration, in words: the key, its line, and what was likely meant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from lkctl.checks.source.goyaml import misfit
from lkctl.checks.source.serverkeys import paths_of, structs
from lkctl.files.yamlnodes import Node
from lkctl.settings.shape import looks_like_key, looks_like_secret, shorten_key

# Names that people bring along from elsewhere; `debug_handler_port` stands in LiveKit's own sample
_MEANT = {
    "debug_handler_port": "debug_handler", "redis.host": "address", "redis.url": "address", "redis.addr": "address",
    "turn.port": "udp_port", "turn.key": "key_file", "turn.cert": "cert_file", "rtc.port": "udp_port",
    "rtc.external_ip": "node_ip", "rtc.use_external_address": "use_external_ip", "webhook.url": "urls",
    "api_keys": "keys", "log": "logging", "webhooks": "webhook", "prometheus.prometheus_port": "port",
}  # fmt: skip
_LONGEST_NAME = 60  # characters
_FEW = 6  # names that are listed


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a configuration does not load. `new` is the name that was likely meant, or the value without its quotes."""

    path: str  # of the key: rtc.node_ip; "" for the file as a whole
    message: str
    line: int
    hint: str = ""
    old: str = ""
    new: str = ""


def repeated_keys(node: Node, path: str) -> Iterator[Fault]:
    """Find repeated keys; those of `keys` are API keys, and are shown in short."""
    seen: dict[tuple[str, str], int] = {}
    for key, _ in node.pairs():
        name = (key.kind, key.text)
        if name in seen:
            said = f"{joined(path, shown(key))} is already set in line {seen[name]}"
            yield Fault(joined(path, shown(key)), said, key.line, "Keep one of the two")
        seen.setdefault(name, key.line)


def unknown_key(struct: str, key: Node, path: str) -> Fault:
    """Name the key that was likely meant: spelled alike, known under another name, or one of another section."""
    where = joined(path, shown(key))
    known = structs()[struct]
    meant = _MEANT.get(where) or next(iter(get_close_matches(key.text, known, 1, 0.8)), "")
    if meant:
        return Fault(where, f"{where} is unknown", key.line, f"Call it {meant}", key.text, meant)
    homes = [home for home in paths_of(key.text) if home.count(".")]
    if homes:
        return Fault(where, f"{where} is unknown here", key.line, f"It belongs at {' or '.join(homes[:2])}")
    section = f"under {path}" if path else "at the top"
    return Fault(where, f"{where} is unknown", key.line, f"Remove it; {section} livekit-server reads {some(known)}")


def no_map(path: str, node: Node) -> Fault:
    """The commonest of all: `key:secret` without the blank is one text."""
    if path == "keys" and node.kind == "scalar" and ":" in node.text and ": " not in node.text:
        said = "keys holds `key:secret` without the blank, which is a text and no pair"
        return Fault(path, said, node.line, "Write a blank after the colon: `key: secret`")
    return misplaced(path, f"is a {kind_of(node)}", "a mapping of names to values", node)


def unfit(kind: str, path: str, wanted: str, node: Node) -> Fault:
    """Say how a scalar would have to be; a number or a switch in quotes only needs to lose them."""
    bare = Node("scalar", node.line, node.column, node.text, plain=True)
    if not node.plain and not node.tag and not misfit(kind, bare):
        quote = node.style
        said = f"{path} is a text, because of its quotes, and must be {wanted}"
        return Fault(path, said, node.line, "Remove the quotes", f"{quote}{node.text}{quote}", node.text)
    return misplaced(path, "does not fit", wanted, node)


def misplaced(path: str, said: str, wanted: str, node: Node) -> Fault:
    """Say what a value is, and what it must be."""
    return Fault(path, f"{path or 'the file'} {said}; it must be {wanted}", node.line, f"Write {wanted}")


def kind_of(node: Node) -> str:
    """Name what a node is."""
    return {"scalar": "text", "sequence": "list", "mapping": "mapping"}.get(node.kind, node.kind)


def shown(key: Node) -> str:
    """Name a key; what could be a secret that slipped there is not shown, and an API key in short."""
    secret = looks_like_secret(key.text) and "_" not in key.text
    if secret or not key.text.isprintable() or not 0 < len(key.text) < _LONGEST_NAME:
        return "a key"
    return shorten_key(key.text) if looks_like_key(key.text) else key.text


def joined(path: str, name: str) -> str:
    """Give the path of a key."""
    return f"{path}.{name}" if path else name


def some(names: Iterable[str]) -> str:
    """List a few names."""
    listed = list(names)
    return ", ".join(listed[:_FEW]) + (", …" if len(listed) > _FEW else "") if listed else "nothing"
