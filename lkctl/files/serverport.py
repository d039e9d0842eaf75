"""The HTTP ports at which a LiveKit server is configured to be found here: livekit.yaml, compose files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.files.content import read_file
from lkctl.files.yamlnodes import Node, YamlFault, read_yaml

_MOST_BYTES = 128 * 1024
_MOST_FILES = 20
_FILES = re.compile(r"(?P<server>livekit[\w.-]*\.ya?ml)|(?:docker-)?compose[\w.-]*\.ya?ml")
_PUBLISHED = re.compile(r"(?:[\d.]+:)?(?P<outside>\d{1,5}):(?P<inside>\d{1,5})(?:/tcp)?")
_PORTS = range(1, 65536)
STANDARD = 7880


class ServerPort(NamedTuple):
    """A port, and the place that says so: FILE:LINE."""

    port: int
    place: str


def server_ports(folder: Path) -> list[ServerPort]:
    """Find them in a folder and one level below; files that cannot be read tell nothing."""
    found: dict[int, ServerPort] = {}
    for path in sorted([*folder.glob("*.y*ml"), *folder.glob("*/*.y*ml")])[:_MOST_FILES]:
        match = _FILES.fullmatch(path.name)
        document = _document(path) if match else None
        if match is None or document is None:
            continue
        name = path.relative_to(folder).as_posix()
        for port, line in _configured(document) if match["server"] else _published(document):
            if port in _PORTS:
                found.setdefault(port, ServerPort(port, f"{name}:{line}"))
    return list(found.values())


def _document(path: Path) -> Node | None:
    try:
        return read_yaml(read_file(path, most=_MOST_BYTES))
    except (LkctlError, YamlFault):
        return None


def _configured(document: Node) -> Iterator[tuple[int, int]]:
    node = document.get("port")
    if node is not None and node.text.isdecimal():
        yield int(node.text), node.line


def _published(document: Node) -> Iterator[tuple[int, int]]:
    """Give the ports under which the services publish LiveKit's own."""
    services = document.get("services")
    for _, service in services.entries() if services is not None else ():
        ports = service.get("ports")
        for item in ports.listed() if ports is not None else ():
            match = _PUBLISHED.fullmatch(item.target().text)
            if match and int(match["inside"]) == STANDARD:
                yield int(match["outside"]), item.line
