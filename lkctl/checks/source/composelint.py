"""Do compose file and livekit-server agree: ports, network, command, and the names of the others?

Source: livekit-server 1.13.5 cmd/server/main.go (flags, variables, `--dev` binds loopback where no key is set);
Docker Compose's file reference (ports, network_mode).
"""

import re
from collections.abc import Iterator

from lkctl.checks.result import Finding, Severity
from lkctl.checks.source.composeports import judge_address, judge_ports
from lkctl.checks.source.deployment import Deployment
from lkctl.checks.source.project import line_of
from lkctl.checks.source.serverlint import DOWN, MEDIA
from lkctl.checks.source.services import Service
from lkctl.settings.url import is_loopback

_UNHEARD = (*DOWN, "http.livekit")  # Docker's proxy takes the connection, and nobody answers behind it
_UNREAD = {  # generated variables whose keys have another form since node_ip and udp_port can be two values
    "LIVEKIT_RTC_NODE_IP": "NODE_IP", "LIVEKIT_RTC_UDP_PORT": "UDP_PORT", "LIVEKIT_REDIS_HOST": "LIVEKIT_REDIS_ADDRESS",
    "LIVEKIT_NODE_IP": "NODE_IP", "LIVEKIT_REDIS_URL": "LIVEKIT_REDIS_ADDRESS", "LIVEKIT_CONFIG_BODY": "LIVEKIT_CONFIG",
}  # fmt: skip


def judge_deployment(it: Deployment) -> Iterator[Finding]:
    """Judge a server's service."""
    yield from _variables(it)
    yield from _command(it)
    yield from _binding(it)
    yield from _redis(it)
    if it.service.host_network:
        yield from _useless_ports(it)
    else:
        yield from judge_address(it)
        yield from judge_ports(it)


def _variables(it: Deployment) -> Iterator[Finding]:
    for name, value in it.service.variables().items():
        if name in _UNREAD:
            said = f"{name} is a variable that livekit-server does not read"
            explains = MEDIA if "RTC" in name or "NODE_IP" in name else ()
            yield Finding(said, f"Call it {_UNREAD[name]}", it.at(value.line), Severity.warn, explains)


def _command(it: Deployment) -> Iterator[Finding]:
    """A configuration that is mounted but not named is not read, and one that is named must be mounted."""
    named, body = it.service.option("--config"), "LIVEKIT_CONFIG" in it.service.variables()
    mounts = list(it.service.mounts())
    mounted = [(source, target, line) for source, target, line in mounts if re.search(r"livekit[^/]*\.ya?ml$", target)]
    if named is None and not body and mounted and not it.service.body.get("configs"):
        said = f"{mounted[0][1]} is mounted, but the command does not name it: livekit-server does not read it"
        yield Finding(said, f"Add: command: --config {mounted[0][1]}", it.at(mounted[0][2]), Severity.warn, DOWN)
    inside = named is not None and named.startswith("/") and "$" not in named
    if inside and not body and not _held(it.service, str(named), mounts):
        said = f"the command names {named}, which no volume brings into the container: livekit-server stops"
        hint = f"Add a volume: ./livekit.yaml:{named}"
        yield Finding(said, hint, it.at(it.service.line("command")), Severity.warn, DOWN)
    for source, target, line in mounts:
        gone = source.startswith("./") and "$" not in source and not (it.project.folder / _beside(it, source)).exists()
        if gone and target == named:
            said = f"{source} does not exist: Docker makes a folder of that name, and livekit-server stops"
            yield Finding(said, "Write the file, or mend the path", it.at(line), Severity.warn, DOWN)


def _held(service: Service, path: str, mounts: list[tuple[str, str, int]]) -> bool:
    """Whether something brings a path into the container: a volume, a config or secret, or an image built here."""
    if any(service.body.get(key) is not None for key in ("configs", "secrets", "build")):
        return True
    volumes = service.body.get("volumes")
    named = volumes is not None and len(volumes.listed()) > len(mounts)
    return named or any(path == target or path.startswith(target.rstrip("/") + "/") for _, target, _ in mounts)


def _beside(it: Deployment, source: str) -> str:
    folder = it.service.file.rpartition("/")[0]
    return f"{folder}/{source}" if folder else source


def _binding(it: Deployment) -> Iterator[Finding]:
    """Loopback inside of a container is nobody's but the container's."""
    service, config = it.service, it.config
    bound = service.option("--bind")
    line = service.line("command")
    keys = config is not None and bool(config.keys() or config.value("key_file"))
    keys = keys or bool({"LIVEKIT_KEYS"} & set(service.variables())) or service.option("--keys") is not None
    addresses = (
        [bound] if bound is not None else [node.text for node in config.values("bind_addresses")] if config else []
    )
    dev = service.option("--dev") is not None or (config is not None and config.flag("development"))
    if dev:
        said = "runs with --dev: devkey/secret is taken where no keys are set, and /debug is open"
        severity = Severity.info if all(is_loopback(it.host) for it in service.published()) else Severity.security
        yield Finding(said, "Give it keys, and leave --dev out in production", it.at(line), severity)
    if service.host_network:
        return
    alone = "inside of a container, so that no published port reaches it"
    if dev and not addresses and not keys:
        said = f"--dev without keys listens on loopback only, {alone}"
        hint = "Add --bind 0.0.0.0 to the command"
        yield Finding(said, hint, it.at(line), Severity.warn, _UNHEARD, it.fix(line, *_bound(it, line)))
    elif addresses and all(map(is_loopback, addresses)):
        place = it.at(line) if bound is not None or config is None else config.where("bind_addresses")
        said = f"livekit-server listens on {', '.join(map(str, addresses))} only, {alone}"
        yield Finding(said, 'Bind to "" or 0.0.0.0', place, Severity.warn, _UNHEARD)


def _bound(it: Deployment, line: int) -> tuple[str, str]:
    """Say what to write for --dev: a word, or one item of a list, to which others belong."""
    listed = re.search(r"\[[^]]*?([\"']?)--dev\1\s*[,\]]", line_of(it.project.texts.get(it.service.file, ""), line))
    if listed is None:
        return "--dev", "--dev --bind 0.0.0.0"
    old, bind, address = (f"{listed[1]}{word}{listed[1]}" for word in ("--dev", "--bind", "0.0.0.0"))  # noqa: S104
    return old, f"{old}, {bind}, {address}"


def _redis(it: Deployment) -> Iterator[Finding]:
    """The name of Redis must be one that the server's own network knows."""
    config = it.config
    given = it.service.variables().get("LIVEKIT_REDIS_ADDRESS") or it.service.variables().get("REDIS_HOST")
    address = given.text if given is not None else config.value("redis.address") if config is not None else ""
    host = address.rpartition(":")[0]
    place = it.at(given.line) if given is not None else config.where("redis.address") if config is not None else ""
    if not host or "$" in address or "://" in address:
        return
    stops = "livekit-server cannot connect, and stops"
    if it.service.host_network:
        if host in it.service.siblings:
            said = f"{host} is a name of the compose network, and this service is on the machine's: {stops}"
            hint = "Publish Redis on 127.0.0.1:6379, and write that"
            yield Finding(said, hint, place, Severity.warn, DOWN)
    elif is_loopback(host):
        said = f"{host} is the container itself, where no Redis runs: {stops}"
        name = next((name for name in it.service.siblings if "redis" in name or "valkey" in name), "")
        hint = f"Write {name}:6379" if name else "Write the name of the service that runs Redis"
        yield Finding(said, hint, place, Severity.warn, DOWN)
    elif "." not in host and host not in {*it.service.siblings, *_aliases(it)} and host != "host.docker.internal":
        said = f"no service is called {host}, so that the name does not resolve: {stops}"
        yield Finding(said, f"The services are {', '.join(it.service.siblings)}", place, Severity.warn, DOWN)


def _aliases(it: Deployment) -> Iterator[str]:
    for service in it.beside:
        yield from filter(None, (service.text("container_name"), service.text("hostname")))
        outside = service.body.get("links") or service.body.get("external_links") or service.body.get("extra_hosts")
        for item in outside.listed() if outside is not None else ():
            yield re.split(r"[:=]", item.text)[-1 if service.body.get("links") else 0]
        networks = service.body.get("networks")
        for _, network in networks.entries() if networks is not None else ():
            listed = network.get("aliases")
            yield from (item.text for item in (listed.listed() if listed is not None else ()))


def _useless_ports(it: Deployment) -> Iterator[Finding]:
    if it.service.body.get("ports") is not None:
        said = "network_mode: host leaves no ports to publish: Compose ignores them, or refuses the file"
        yield Finding(said, "Remove ports:", it.at(it.service.line("ports")), Severity.warn)
