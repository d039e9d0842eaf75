"""The configurations of livekit-server in a project: files, and bodies that a compose file passes in LIVEKIT_CONFIG."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lkctl.checks.source.faults import Fault
from lkctl.checks.source.goyaml import whole
from lkctl.checks.source.project import Project
from lkctl.checks.source.serverfile import faults_of
from lkctl.errors import LkctlError
from lkctl.files.content import read_file
from lkctl.files.folder import is_example
from lkctl.files.yamlnodes import Node

MOST_BYTES = 128 * 1024  # far more than any configuration has; more takes the parser seconds
_NAMED = r"livekit(?:[._-]?server)?(?:[._-][\w.-]+)?\.ya?ml"
_ANY = r"[\w.-]+\.ya?ml"
_OURS = {"rtc", "keys", "key_file", "turn", "bind_addresses", "node_selector", "signal_relay"}
# Egress, ingress and SIP have such configurations, Kubernetes and Helm other ones
_FOREIGN = {"api_key", "api_secret", "ws_url", "apiVersion", "kind", "services", "livekit", "replicaCount", "version"}
_TRUE = {"true", "yes", "on", "y"}


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """A configuration: `faults` are why livekit-server would not load it; `document` is None where it is no YAML.

    `name` is that of its file in the project; `offset` the lines above it, where it stands inside of another file.
    """

    name: str
    place: str
    document: Node | None
    faults: tuple[Fault, ...]
    offset: int = 0
    text: str = ""

    def at(self, line: int) -> str:
        """Say file and line."""
        return f"{self.place}:{line + self.offset}"

    def node(self, path: str) -> Node | None:
        """Give the value of a key such as `rtc.udp_port`, aliases followed; None where it is not set."""
        node = self.document
        for name in path.split("."):
            node = node.get(name) if node is not None else None
        return node

    def where(self, path: str) -> str:
        """Say file and line of a key; those of the file where it is not set."""
        node = self.node(path)
        return self.at(node.line if node is not None else 1)

    def value(self, path: str) -> str:
        """Give the text of a key; "" where it is not set."""
        node = self.node(path)
        return node.text.strip() if node is not None and node.kind == "scalar" else ""

    def number(self, path: str, default: int = 0) -> int:
        """Give the number of a key."""
        node = self.node(path)
        found = whole(node) if node is not None and node.kind == "scalar" else None
        return default if found is None else found

    def flag(self, path: str) -> bool:
        """Tell whether a switch is on."""
        return self.value(path).lower() in _TRUE

    def values(self, path: str) -> tuple[Node, ...]:
        """Give the elements of a list."""
        node = self.node(path)
        return node.listed() if node is not None else ()

    def keys(self) -> dict[str, Node]:
        """Give the API keys with their secrets, as nodes."""
        node = self.node("keys")
        return {key.text: value for key, value in node.entries()} if node is not None else {}


def read_config(project: Project, name: str) -> ServerConfig:
    """Read and judge a file; raise what `read_file` raises."""
    content = read_file(project.folder / name, most=MOST_BYTES)
    return config_of(content, name, project.place(name))


def config_of(content: bytes, name: str, place: str, offset: int = 0) -> ServerConfig:
    """Judge a configuration."""
    document, faults = faults_of(content)
    return ServerConfig(name, place, document, tuple(faults), offset, content.decode(errors="replace"))


def server_configs(project: Project, more: Iterator[str] | tuple[str, ...] = ()) -> Iterator[ServerConfig | LkctlError]:
    """Find the configurations among the files, by name or by what stands in them; `more` are known to be such."""
    known = {Path(name).as_posix() for name in more}
    for name in project.named(_ANY):
        if name not in known and is_example(name):
            continue
        try:
            config = read_config(project, name)
        except LkctlError as error:
            if name in known or re.fullmatch(_NAMED, name.rpartition("/")[2]):
                yield error
            continue
        if name in known or _is_ours(config):
            yield config


def _is_ours(config: ServerConfig) -> bool:
    """Tell livekit-server's configuration from the others that are called alike, or are no file of LiveKit's at all."""
    document = config.document
    named = re.fullmatch(_NAMED, config.name.rpartition("/")[2]) is not None
    if document is None or document.kind != "mapping":
        return named
    names = {key.text for key, _ in document.pairs()}
    return not names & _FOREIGN and (named or len(names & _OURS) > 1)
