"""The checks of livekit-server's configuration and of the compose files that run it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lkctl.checks.result import Finding, Fix, NotApplicable, Severity
from lkctl.checks.source.composelint import judge_deployment
from lkctl.checks.source.deployment import Deployment
from lkctl.checks.source.faults import Fault
from lkctl.checks.source.project import Project, line_of, project_of
from lkctl.checks.source.serverconfig import ServerConfig, config_of, server_configs
from lkctl.checks.source.serverlint import DOWN, MEDIA, judge_settings, node_ip_reach
from lkctl.checks.source.serverplace import judge_place
from lkctl.checks.source.services import Service, services_of
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.settings.hosts import is_private
from lkctl.settings.url import is_loopback

_KEYS = ("keys", "key-file")


def judge_loading(world: World) -> str:
    """Read livekit.yaml as livekit-server's own parser would: types, unknown and repeated keys, tabs, blanks."""
    deployments, configs, unread = _servers(world)
    findings = [Finding(reason, severity=Severity.warn) for reason in unread]
    used = _in_use(deployments, configs)
    findings += [_of_fault(config, fault, used) for config in configs for fault in config.faults]
    findings += [finding for it in deployments for finding in _pairs(it)]
    if not configs and not findings:
        raise NotApplicable("there is no configuration of livekit-server")
    return settle(_relevant(findings, world), f"{_names(configs)}: livekit-server would load it")


def judge_meaning(world: World) -> str:
    """Find what loads and cannot work: sample values, short secrets, ports that clash, TURN without certificate, …"""
    deployments, configs, _ = _servers(world)
    loaded = [config for config in configs if not config.faults]
    if not loaded:
        raise NotApplicable("there is no configuration of livekit-server that loads")
    project = project_of(world)
    given = {it.config.name for it in deployments if it.config is not None and _gives_keys(it)}
    used = _in_use(deployments, configs)
    findings = []
    for config in loaded:
        settings = judge_settings(config, _folder(project, config), keys_elsewhere=config.name in given)
        findings += list(settings) if config.name in used else [replace(it, explains=()) for it in settings]
    findings += [finding for config in loaded for finding in _out_of_reach(config, world) if config.name in used]
    contained = {
        it.config.name for it in deployments if it.config is not None
    }  # there, other addresses are this machine
    here = [config for config in loaded if config.name in used - contained]
    findings += [finding for config in here for finding in judge_place(config, world)]
    return settle(_relevant(findings, world), f"{_names(loaded)}: nothing in it is known not to work")


def judge_compose(world: World) -> str:
    """Compare compose files with livekit.yaml: ports, network, command, addresses, the name of Redis."""
    deployments, _, _ = _servers(world)
    if not deployments:
        raise NotApplicable("no compose file runs livekit-server")
    findings = [finding for it in deployments for finding in judge_deployment(it)]
    names = ", ".join(f"{it.service.file} ({it.service.name})" for it in deployments)
    return settle(_relevant(findings, world), f"{names}: ports, network and command fit the configuration")


def _servers(world: World) -> tuple[list[Deployment], list[ServerConfig], list[str]]:
    return world.memory.once("source.servers", lambda: _find_servers(project_of(world)))


def _find_servers(project: Project) -> tuple[list[Deployment], list[ServerConfig], list[str]]:
    """Pair each server of a compose file with its configuration; give all configurations, and what is unread."""
    found = list(services_of(project))
    services = [one for one in found if isinstance(one, Service)]
    unread = [str(one.message) for one in found if isinstance(one, LkctlError)]
    servers = [service for service in services if service.is_server]
    named = {service: _config_file(project, service) for service in servers}
    configs: list[ServerConfig] = []
    for one in server_configs(project, tuple(filter(None, named.values()))):
        if isinstance(one, LkctlError):
            unread.append(one.message)
        else:
            configs.append(one)
    deployments = []
    for service, name in named.items():
        config = _body(project, service) or next((it for it in configs if it.name == name), None)
        if config is not None and config not in configs:
            configs.append(config)
        beside = tuple(other for other in services if other.file == service.file)
        deployments.append(Deployment(project, service, config, beside))
    return deployments, configs, unread


def _config_file(project: Project, service: Service) -> str:
    """Give the name in the project of the file that the command names; "" where it cannot be told."""
    path = service.option("--config")
    folder = service.file.rpartition("/")[0]
    for source, target, _ in service.mounts() if path else ():
        rest = str(path).removeprefix(target.rstrip("/"))
        if path == target or (rest != path and rest.startswith("/")):
            parts = [
                part
                for part in f"{folder}/{source}{rest if path != target else ''}".split("/")
                if part not in {"", "."}
            ]
            name = "/".join(parts)
            return name if name in project.texts else ""
    return ""


def _body(project: Project, service: Service) -> ServerConfig | None:
    """Give the configuration that stands in the compose file itself; one with variables in it is not judged."""
    node = service.variables().get("LIVEKIT_CONFIG")
    if node is None or "$" in node.text or not node.text.strip():
        return None
    offset = node.line if node.style in {"|", ">"} else node.line - 1
    return config_of(node.text.encode(), f"{service.file} ({service.name})", project.place(service.file), offset)


def _pairs(it: Deployment) -> Iterator[Finding]:
    """LIVEKIT_KEYS is YAML, too: values that look like numbers are dropped without a word."""
    node = it.service.variables().get("LIVEKIT_KEYS")
    if node is None or "$" in node.text:
        return
    from lkctl.checks.source.goyaml import is_text
    from lkctl.files.yamlnodes import YamlFault, read_yaml

    try:
        document = read_yaml(node.text.encode())
    except YamlFault:
        document = None
    if document is None or document.kind != "mapping":
        said = "LIVEKIT_KEYS is no `key: secret`: livekit-server stops with `Could not parse keys, it needs to be "
        said += 'exactly, "key: secret", including the space`'
        yield Finding(said, "Write a blank after the colon", it.at(node.line), Severity.warn, DOWN)
        return
    for _, secret in document.entries():
        if secret.kind != "scalar" or not is_text(secret):
            said = "a secret in LIVEKIT_KEYS is no text: livekit-server drops the pair without a word"
            yield Finding(said, "Put the secret in quotes", it.at(node.line), Severity.warn, (*DOWN, "api.auth"))


def _in_use(deployments: list[Deployment], configs: list[ServerConfig]) -> frozenset[str]:
    """Name the configurations that may be the running server's: those of compose files, else livekit.yaml, else all."""
    composed = {it.config.name for it in deployments if it.config is not None}
    plain = {config.name for config in configs if re.fullmatch(r"(?:.*/)?livekit\.ya?ml", config.name)}
    return frozenset(composed or plain or {config.name for config in configs})


def _of_fault(config: ServerConfig, fault: Fault, used: frozenset[str]) -> Finding:
    said = fault.message if fault.path or fault.message.startswith("keys") else f"the file {fault.message}"
    fix = None
    whole = line_of(config.text, fault.line)
    exact = whole.count(fault.old) == 1 or not fault.old.strip()
    if fault.new and exact and not config.offset and "keys" not in fault.path:
        new = whole.replace(fault.old, fault.new)
        fix = Fix(path=config.place, line=fault.line + config.offset, old=whole, new=new)
    said, explains = f"{said}; livekit-server does not start", DOWN if config.name in used else ()
    return Finding(said, fault.hint, config.at(fault.line), Severity.warn, explains, fix)


def _out_of_reach(config: ServerConfig, world: World) -> Iterator[Finding]:
    """An address that clients of the configured URL cannot reach."""
    reach, url = node_ip_reach(config), world.likely_url()
    if not reach or url is None or url.cloud or is_loopback(url.host):
        return
    if reach == "loopback" or not is_private(url.host):
        said = f"rtc.node_ip is {'this machine alone' if reach == 'loopback' else 'a private address'}"
        said += f", and clients come by {url.host}: they get an address that they cannot reach"
        hint = "Write the address by which clients reach the server, or use_external_ip: true instead"
        yield Finding(said, hint, config.where("rtc.node_ip"), Severity.warn, MEDIA)


def _gives_keys(it: Deployment) -> bool:
    """Whether command or variables hand over keys; --dev does so where there are none."""
    service = it.service
    named = "LIVEKIT_KEYS" in service.variables() or any(service.option(f"--{name}") is not None for name in _KEYS)
    return named or (service.option("--dev") is not None and it.config is not None and not it.config.keys())


def _folder(project: Project, config: ServerConfig) -> Path:
    return (project.folder / config.name).parent


def _relevant(findings: list[Finding], world: World) -> list[Finding]:
    """What a file says explains nothing of a server that runs at LiveKit Cloud."""
    url = world.likely_url()
    return [replace(finding, explains=()) for finding in findings] if url is not None and url.cloud else findings


def _names(configs: list[ServerConfig]) -> str:
    return ", ".join(dict.fromkeys(config.name for config in configs))
