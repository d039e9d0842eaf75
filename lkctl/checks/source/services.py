"""The services of compose files, as far as they matter here: image, command, network, ports, variables, volumes."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from lkctl.checks.source.project import Project
from lkctl.errors import LkctlError
from lkctl.files.content import read_file
from lkctl.files.yamlnodes import Node, YamlFault, read_yaml

_COMPOSE = r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml"
_MOST_BYTES = 128 * 1024
_MOST_SERVICES = 50  # of one file
_PORT = re.compile(
    r"(?:(?P<host>\d+\.[\d.]+|\[[\da-fA-F:]+\]):)?(?:(?P<out>\d+(?:-\d+)?)?:)?(?P<inside>\d+(?:-\d+)?)(?:/(?P<kind>\w+))?"
)
_PROXY = re.compile(r"(?:^|/)(?:nginx|traefik|caddy|haproxy|envoy|livekit-caddy|caddyl4|cloudflared)\b")


@dataclass(frozen=True, slots=True)
class Published:
    """Ports that a service publishes: `inside` the container, and `outside` on the machine; both ends count."""

    outside: tuple[int, int]
    inside: tuple[int, int]
    kind: str  # udp or tcp
    host: str  # "" for every address
    line: int
    text: str

    def covers(self, first: int, last: int, kind: str) -> bool:
        """Whether ports of the container are published under their own numbers."""
        same = self.inside[0] == self.outside[0]
        return self.kind == kind and same and self.inside[0] <= first and last <= self.inside[1]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a compose file; nodes carry the lines."""

    file: str
    name: str
    body: Node
    siblings: tuple[str, ...]

    def text(self, key: str) -> str:
        """Give a scalar of the service; "" where there is none."""
        node = self.body.get(key)
        return node.text if node is not None and node.kind == "scalar" else ""

    def line(self, key: str) -> int:
        """Give the line of a key, or of the service."""
        return next((node.line for node, _ in self.body.entries() if node.text == key), self.body.line)

    @property
    def host_network(self) -> bool:
        """Whether it shares the network of the machine."""
        return self.text("network_mode") == "host"

    @property
    def is_server(self) -> bool:
        """Whether it runs livekit-server."""
        return "livekit-server" in self.text("image") or any("livekit-server" in word for word in self.words())

    @property
    def is_proxy(self) -> bool:
        """Whether it hands connections on to others."""
        return _PROXY.search(self.text("image")) is not None

    def words(self) -> tuple[str, ...]:
        """Give entrypoint and command, word by word."""
        return tuple(word for key in ("entrypoint", "command") for word in _words(self.body.get(key)))

    def option(self, name: str) -> str | None:
        """Give the value of `--name VALUE` or `--name=VALUE` in the command; None where it is not there."""
        words = self.words()
        for number, word in enumerate(words):
            if word == name:
                return words[number + 1] if number + 1 < len(words) else ""
            if word.startswith(f"{name}="):
                return word.partition("=")[2]
        return None

    def variables(self) -> dict[str, Node]:
        """Give the variables as nodes; those without a value come from the machine and are left out."""
        node = self.body.get("environment")
        if node is None:
            return {}
        listed = [(item, item.text.partition("=")) for item in node.listed() if item.kind == "scalar"]
        from_list = {name: _part(item, value) for item, (name, mark, value) in listed if mark}
        return from_list | {key.text: value for key, value in node.entries() if value.kind == "scalar"}

    def published(self) -> Iterator[Published]:
        """Give the ports; those with a variable in them are left out."""
        node = self.body.get("ports")
        for item in node.listed() if node is not None else ():
            found = _published(item.text, item.line) if item.kind == "scalar" else _spelt_out(item)
            if found is not None:
                yield found

    def opaque_ports(self) -> bool:
        """Whether some of its ports cannot be told from the file."""
        node = self.body.get("ports")
        return node is not None and len(list(self.published())) < len(node.listed() or (node,))

    def mounts(self) -> Iterator[tuple[str, str, int]]:
        """Give source and target of each volume that is a path, and its line."""
        node = self.body.get("volumes")
        for item in node.listed() if node is not None else ():
            source, mark, rest = item.text.partition(":")
            if item.kind == "mapping":
                source, rest = _of(item, "source"), _of(item, "target")
                mark = ":" if rest else ""
            if mark and source[:1] in {".", "/", "~"}:
                yield source, rest.partition(":")[0], item.line


def services_of(project: Project) -> Iterator[Service | LkctlError]:
    """Read the services of all compose files of a project; what cannot be read is given as the error."""
    for name in project.named(_COMPOSE):
        try:
            document = read_yaml(read_file(project.folder / name, most=_MOST_BYTES))
        except LkctlError as error:
            yield error
            continue
        except YamlFault as fault:
            yield LkctlError(
                "input-malformed", f"{project.place(name, fault.line)} is not YAML: {fault}", hint="Mend it"
            )
            continue
        listed = document.get("services") if document is not None else None
        pairs = list(islice(listed.entries(), _MOST_SERVICES)) if listed is not None else []
        names = tuple(key.text for key, _ in pairs)
        yield from (Service(name, key.text, body, names) for key, body in pairs if body.kind == "mapping")


def _words(node: Node | None) -> list[str]:
    if node is None:
        return []
    if node.kind == "sequence":
        return [item.text for item in node.items if item.kind == "scalar"]
    try:
        return shlex.split(node.text)
    except ValueError:
        return node.text.split()


def _part(item: Node, value: str) -> Node:
    return Node("scalar", item.line, item.column, value, plain=True)


def _published(text: str, line: int) -> Published | None:
    found = _PORT.fullmatch(text.strip())
    if found is None:
        return None
    inside = _ends(found["inside"])
    outside = _ends(found["out"]) if found["out"] else inside
    return Published(outside, inside, (found["kind"] or "tcp").lower(), (found["host"] or "").strip("[]"), line, text)


def _spelt_out(item: Node) -> Published | None:
    inside, outside = _of(item, "target"), _of(item, "published")
    if not inside.isdigit() or not re.fullmatch(r"\d+(?:-\d+)?", outside or inside):
        return None
    kind = _of(item, "protocol") or "tcp"
    return Published(
        _ends(outside or inside), _ends(inside), kind, _of(item, "host_ip"), item.line, f"{outside}:{inside}"
    )


def _ends(text: str) -> tuple[int, int]:
    first, mark, last = text.partition("-")
    return int(first[:9]), int(last[:9]) if mark else int(first[:9])


def _of(item: Node, key: str) -> str:
    node = item.get(key)
    return node.text if node is not None and node.kind == "scalar" else ""
