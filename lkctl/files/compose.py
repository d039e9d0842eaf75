"""What compose files give to their services, and the keys in a livekit.yaml, with line numbers.

YAML is read as nodes: they carry their lines, and aliases are never expanded, so no file can blow up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lkctl.errors import LkctlError
from lkctl.files.content import decode, read_file

MOST_BYTES = 512 * 1024
_DEEPEST_MERGE = 5


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
    services = _get(_document(path, name), "services")
    found: list[Declared] = []
    for service, body in _pairs(services):
        found += _environment(_get(body, "environment"), name, str(service.value))
    return tuple(found)


def read_server_keys(path: Path, name: str) -> tuple[ServerKey, ...]:
    """Read `keys` of a livekit.yaml (pkg/config/config.go: a map of key to secret)."""
    keys = _get(_document(path, name), "keys")
    return tuple(
        ServerKey(str(key.value), _text(value), f"{name}:{_line(key)}") for key, value in _pairs(keys) if _text(value)
    )


def keys_in(text: str, place: str) -> tuple[ServerKey, ...]:
    """Read LIVEKIT_KEYS, YAML of the form `key: secret` (unmarshalKeys in pkg/config/config.go)."""
    pairs = [line.partition(": ") for line in text.splitlines() if "$" not in line]
    return tuple(ServerKey(key.strip(), secret.strip(), place) for key, mark, secret in pairs if mark)


def _environment(node: Any, name: str, service: str) -> Iterator[Declared]:
    """Read both spellings: a map, and a list of `NAME=value`."""
    for key, value in _pairs(node):
        yield Declared(str(key.value), _text(value), f"{name}:{_line(key)}", service)
    for item in node.value if _kind(node) == "sequence" else ():
        key, mark, value = _text(item).partition("=")
        if mark:
            yield Declared(key.strip(), value, f"{name}:{_line(item)}", service)


def _document(path: Path, name: str) -> Any:
    import yaml

    content = read_file(path, most=MOST_BYTES)
    if not content.strip():
        return None
    try:
        return yaml.compose(decode(content, name), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise LkctlError("input-malformed", f"{name} is not YAML{where}", hint="Mend it") from None


def _pairs(node: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Give the entries of a map, those merged in with `<<` included."""
    for key, value in node.value if _kind(node) == "mapping" else ():
        if key.value == "<<" and depth < _DEEPEST_MERGE:
            for merged in value.value if _kind(value) == "sequence" else (value,):
                yield from _pairs(merged, depth + 1)
        elif _kind(key) == "scalar":
            yield key, value


def _get(node: Any, name: str) -> Any:
    return next((value for key, value in _pairs(node) if key.value == name), None)


def _text(node: Any) -> str:
    return str(node.value) if _kind(node) == "scalar" else ""


def _kind(node: Any) -> str:
    return str(node.id) if node is not None else ""


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
