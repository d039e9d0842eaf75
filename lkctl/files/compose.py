"""What compose files give to their services, and the keys in a livekit.yaml, with line numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lkctl.errors import LkctlError
from lkctl.files.content import decode, read_file

if TYPE_CHECKING:
    from lkctl.files.yamlnodes import Node

MOST_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Declared:
    """A variable that a compose file gives to a service; the text as it stands, `${…}` not resolved."""

    name: str
    text: str
    place: str  # FILE:LINE
    service: str


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A key with its secret as the server's own configuration has it."""

    key: str
    secret: str
    place: str  # FILE:LINE


def read_compose(path: Path, name: str) -> tuple[Declared, ...]:
    """Read the `environment` of each service; raise what `read_file` raises, or `input-malformed`."""
    document = _document(path, name)
    services = document.get("services") if document is not None else None
    found: list[Declared] = []
    for service, body in services.entries() if services is not None else ():
        found += _environment(body.get("environment"), name, service.text)
    return tuple(found)


def read_server_keys(path: Path, name: str) -> tuple[ServerKey, ...]:
    """Read `keys` of a livekit.yaml (pkg/config/config.go: a map of key to secret)."""
    document = _document(path, name)
    keys = document.get("keys") if document is not None else None
    return tuple(
        ServerKey(key.text, value.text, f"{name}:{key.line}")
        for key, value in (keys.entries() if keys is not None else ())
        if value.text
    )


def keys_in(text: str, place: str) -> tuple[ServerKey, ...]:
    """Read LIVEKIT_KEYS, YAML of the form `key: secret` (unmarshalKeys in pkg/config/config.go)."""
    pairs = [line.partition(": ") for line in text.splitlines() if "$" not in line]
    return tuple(ServerKey(key.strip(), secret.strip(), place) for key, mark, secret in pairs if mark)


def _environment(node: "Node | None", name: str, service: str) -> Iterator[Declared]:
    """Read both spellings: a map, and a list of `NAME=value`."""
    if node is None:
        return
    for key, value in node.entries():
        yield Declared(key.text, value.text, f"{name}:{key.line}", service)
    for item in node.listed():
        key_text, mark, value_text = item.target().text.partition("=")
        if mark:
            yield Declared(key_text.strip(), value_text, f"{name}:{item.line}", service)


def _document(path: Path, name: str) -> "Node | None":
    content = read_file(path, most=MOST_BYTES)
    if not content.strip():
        return None
    decode(content, name)
    from lkctl.files.yamlnodes import YamlFault, read_yaml  # most folders hold no such file

    try:
        return read_yaml(content)
    except YamlFault as fault:
        raise LkctlError("input-malformed", f"{name} is not YAML at line {fault.line}", hint="Mend it") from None
