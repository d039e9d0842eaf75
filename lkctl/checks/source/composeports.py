"""Are the ports that livekit-server listens on published, and do clients learn an address that they reach?

ICE candidates carry the port inside of the container, so a media port must be published under its own number.
"""

from collections.abc import Iterator

from lkctl.checks.result import Finding, Severity
from lkctl.checks.source.deployment import Deployment
from lkctl.checks.source.serverlint import DOWN, MEDIA, TURN, UDP, port_of, udp_ports
from lkctl.checks.source.services import Published
from lkctl.settings.url import is_loopback

_MANY = 2000  # published ports from which Docker's own proxies take minutes and gigabytes


def judge_address(it: Deployment) -> Iterator[Finding]:
    """Without an address of the machine, clients are told that of the container."""
    told = it.service.option("--node-ip") or it.service.variables().get("NODE_IP")
    config = it.config
    if told or (config is not None and (config.value("rtc.node_ip") or config.flag("rtc.use_external_ip"))):
        return
    if it.service.option("--dev") is not None:
        return  # said already; a local trial
    said = "clients are told the address of the container: neither node_ip nor use_external_ip is set"
    hint = "Set rtc.use_external_ip: true, or rtc.node_ip to the address by which clients reach this machine"
    place = config.where("rtc") if config is not None else it.at(it.service.body.line)
    yield Finding(said, hint, place, Severity.warn, MEDIA)


def judge_ports(it: Deployment) -> Iterator[Finding]:
    """Compare what is published with what the server listens on."""
    published, config = list(it.service.published()), it.config
    if it.service.opaque_ports() or it.service.text("network_mode"):
        return
    line = it.service.line("ports")
    proxied = any(service.is_proxy for service in it.beside) or it.service.body.get("labels") is not None
    port = port_of(config, "port")
    if not any(one.kind == "tcp" and one.inside[0] <= port <= one.inside[1] for one in published) and not proxied:
        said = f"port {port} is not published: no client reaches the server"
        yield Finding(said, f'Add "{port}:{port}"', it.at(line), Severity.warn, DOWN)
    tcp = port_of(config, "rtc.tcp_port")
    if tcp:
        yield from _media(it, published, (tcp, tcp), "tcp")
    development = it.service.option("--dev") is not None
    yield from _media(it, published, udp_ports(config, development=development), "udp")
    if config is not None and config.flag("turn.enabled"):
        for path, kind in (("turn.tls_port", "tcp"), ("turn.udp_port", "udp")):
            turn = config.number(path)
            if (
                turn
                and not proxied
                and not any(one.kind == kind and one.inside[0] <= turn <= one.inside[1] for one in published)
            ):
                said = f"{path} {turn} is not published"
                yield Finding(said, f'Add "{turn}:{turn}/{kind}"', it.at(line), Severity.warn, TURN)
    yield from _too_many(it, published)


def _media(it: Deployment, published: list[Published], ports: tuple[int, int], kind: str) -> Iterator[Finding]:
    """A media port must be published, of its kind, and under its own number."""
    first, last = ports
    explains = UDP if kind == "udp" else ("media.tcp",)
    wanted = f"{first}-{last}" if last > first else str(first)
    if any(one.covers(first, last, kind) for one in published):
        return
    near = next((one for one in published if one.inside[0] <= first <= one.inside[1]), None)
    entry = f'"{wanted}:{wanted}/{kind}"'
    if near is None:
        said = f"{kind.upper()} {wanted} is not published: no media comes through there"
        yield Finding(said, f"Add {entry}", it.at(it.service.line("ports")), Severity.warn, explains)
    elif near.kind != kind:
        said = f"{near.text} publishes {near.kind.upper()}, and the server uses {wanted} for {kind.upper()}"
        fix = it.fix(near.line, near.text, f"{near.text}/{kind}") if "/" not in near.text else None
        yield Finding(said, f"Write {entry}", it.at(near.line), Severity.warn, explains, fix)
    elif near.inside[0] != near.outside[0]:
        said = f"{near.text} publishes {kind.upper()} under another number, but clients are told {near.inside[0]}"
        yield Finding(said, f"Write {entry}", it.at(near.line), Severity.warn, explains)
    else:
        said = f"{near.text} publishes only a part of the {kind.upper()} ports {wanted}"
        yield Finding(
            said, f"Write {entry}, or make the range in livekit.yaml smaller", it.at(near.line), Severity.warn, explains
        )


def _too_many(it: Deployment, published: list[Published]) -> Iterator[Finding]:
    for one in published:
        count = one.inside[1] - one.inside[0] + 1
        if count > _MANY:
            said = f"{count} ports are published one by one: Docker takes long to start, and much memory"
            hint = "Set rtc.udp_port: 7882 and publish that, or use network_mode: host"
            yield Finding(said, hint, it.at(one.line), Severity.info)
        if is_loopback(one.host) and one.kind == "udp":
            said = f"{one.text} is published on {one.host} only: clients elsewhere get no media"
            yield Finding(said, "Leave the address out", it.at(one.line), Severity.info, MEDIA)
