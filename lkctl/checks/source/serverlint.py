"""What keeps a livekit-server that has loaded its configuration from starting, or from working.

Source: livekit-server 1.13.5: pkg/config/config.go (ValidateKeys), pkg/service/wire.go (key file, webhooks),
pkg/service/turn.go and roommanager.go (the advertised port of TURN/TLS is always 443), mediatransportutil
pkg/rtcconfig (which of udp_port, port_range, node_ip and use_external_ip wins); the texts were seen on a real one.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from lkctl.checks.result import Finding, Severity
from lkctl.checks.source.serverconfig import ServerConfig
from lkctl.checks.spelling import is_placeholder
from lkctl.checks.verdict import number_of
from lkctl.settings.layers import SECRET
from lkctl.settings.shape import SHORTEST_SAFE_SECRET, shorten_key

DOWN = ("net.tcp",)  # what fails where the server does not start
UDP = ("media.udp", "media.connect", "media.publish")
MEDIA = ("media.candidates", "media.tcp", *UDP)
TURN = ("media.turn*", "media.relay")
_SAMPLES = re.compile(
    r"redis\.host|(?:turn\.)?myhost\.com|my\.domain\.com|your-host\.com|server1|.*[<>].*"
    r"|(?:.*\.)?(?:your[-_]?\w*|example)\.(?:com|net|org)"
)
_SAMPLE_KEYS = re.compile(r"key\d*|secret\d*|api_?key|<.*>|your[-_].*", re.IGNORECASE)
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+\.?", re.IGNORECASE)  # IsValidDomain in pkg/service/utils.go
_TURN_TLS = 443
_HIGHEST = 65535
_OTHERS = 0o007  # ValidateKeys wants no right for others
_DEFAULTS = {"port": 7880, "rtc.tcp_port": 7881}


def judge_settings(config: ServerConfig, folder: Path, *, keys_elsewhere: bool = False) -> Iterator[Finding]:
    """Judge what the settings mean; `keys_elsewhere`: a command or variable hands over the keys."""
    yield from _keys(config, folder, keys_elsewhere=keys_elsewhere)
    yield from _secrets(config)
    yield from _samples(config)
    yield from _webhook(config, keys_elsewhere=keys_elsewhere)
    yield from _redis(config)
    yield from _addresses(config)
    yield from _rtc_ports(config)
    yield from _clashes(config)
    yield from _turn(config)
    yield from _modes(config)


def udp_ports(config: ServerConfig | None, *, development: bool = False) -> tuple[int, int]:
    """Give the ends of the UDP range for media; a range wins over `udp_port`, and without either it is 50000-60000.

    In development it is 7882.
    """
    default = (7882, 7882) if development or (config is not None and config.flag("development")) else (50000, 60000)
    if config is None:
        return default
    first, last = config.number("rtc.port_range_start"), config.number("rtc.port_range_end")
    if first and last:
        return first, last
    found = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", config.value("rtc.udp_port"))
    if found and int(found[1]):
        return int(found[1]), int(found[2] or found[1])
    return default


def port_of(config: ServerConfig | None, path: str) -> int:
    """Give a TCP port as the server would take it; 0 is off."""
    default = _DEFAULTS.get(path, 0)
    return default if config is None else config.number(path, default)


def _keys(config: ServerConfig, folder: Path, *, keys_elsewhere: bool) -> Iterator[Finding]:
    file = config.value("key_file")
    if file:
        yield from _key_file(config, folder / file)
    elif not config.keys() and not keys_elsewhere and not config.flag("development"):
        said = "there are no keys: livekit-server stops with `one of key-file or keys must be provided`"
        hint = "Run: livekit-server generate-keys, and write them under keys:, or give LIVEKIT_KEYS"
        yield Finding(said, hint, config.where("keys"), Severity.warn, DOWN)


def _key_file(config: ServerConfig, path: Path) -> Iterator[Finding]:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # it may be there where the server runs
    if mode & _OTHERS:
        said = f"others can use the key file (mode {mode & 0o777:04o}): livekit-server stops with `key file others "
        said += "permissions must be set to 0`"
        yield Finding(said, f"Run: chmod 600 {path}", config.where("key_file"), Severity.warn, DOWN)


def _secrets(config: ServerConfig) -> Iterator[Finding]:
    for key, secret in config.keys().items():
        if "$" in secret.text or _SAMPLE_KEYS.fullmatch(key) or is_placeholder(SECRET, secret.text):
            continue
        if len(secret.text.encode()) < SHORTEST_SAFE_SECRET and not config.flag("development"):
            said = f"the secret of {shorten_key(key)} has {number_of(len(secret.text), 'character')}, fewer than "
            said += f"{SHORTEST_SAFE_SECRET}: some SDKs refuse it, and one token gives it away"
            yield Finding(said, "Run: livekit-server generate-keys", config.at(secret.line), Severity.security)


def _samples(config: ServerConfig) -> Iterator[Finding]:
    for key, secret in config.keys().items():
        if _SAMPLE_KEYS.fullmatch(key) or is_placeholder(SECRET, secret.text):
            said = f"{shorten_key(key)} is a pair from an example: whoever knows the example can make tokens"
            hint = "Run: livekit-server generate-keys, and give server and clients that pair"
            yield Finding(said, hint, config.at(secret.line), Severity.security, ("api.auth",))
    fatal = {"redis.address": DOWN, "turn.domain": TURN}
    for path in ("redis.address", "turn.domain", "ingress.rtmp_base_url", "ingress.whip_base_url"):
        host = re.sub(r"^\w+://", "", config.value(path)).partition("/")[0].partition(":")[0]
        if host and _SAMPLES.fullmatch(host):
            said = f"{path} is still that of an example: {host}"
            yield Finding(said, "Write your own, or remove it", config.where(path), Severity.warn, fatal.get(path, ()))
    for node in config.values("webhook.urls"):
        if _SAMPLES.fullmatch(re.sub(r"^\w+://", "", node.text).partition("/")[0].partition(":")[0]):
            said = "webhook.urls still holds an address of an example: nobody gets the events"
            yield Finding(said, "Write your own, or remove it", config.at(node.line), Severity.warn)


def _webhook(config: ServerConfig, *, keys_elsewhere: bool) -> Iterator[Finding]:
    key, keys = config.value("webhook.api_key"), config.keys()
    if not config.values("webhook.urls") or config.value("key_file") or (keys_elsewhere and key):
        return
    if key not in keys and (keys or not key):
        said = "webhook.api_key is none of the keys" if key else "webhook.urls is set without webhook.api_key"
        said += ": livekit-server stops with `api_key is required to use webhooks`"
        hint = f"Write the name of one of the keys: {', '.join(map(shorten_key, keys))}" if keys else "Write a key"
        path = "webhook.api_key" if key else "webhook.urls"
        yield Finding(said, hint, config.where(path), Severity.warn, DOWN)


def _redis(config: ServerConfig) -> Iterator[Finding]:
    address = config.value("redis.address")
    if not address or "$" in address:
        return
    scheme, mark, _ = address.partition("://")
    if mark:
        tls = " and use_tls: true" if scheme == "rediss" else ""
        said = f"redis.address is a URL ({scheme}://…): livekit-server stops with `too many colons in address`"
        yield Finding(said, f"Write host:port{tls}", config.where("redis.address"), Severity.warn, DOWN)
    elif not re.fullmatch(r"(?:\[[^\]]*\]|[^:]*):\w+", address):
        said = "redis.address is not host:port: livekit-server cannot connect, and stops"
        hint = f"Write {address}:6379" if ":" not in address else "Write host:port, an IPv6 address in brackets"
        yield Finding(said, hint, config.where("redis.address"), Severity.warn, DOWN)


def _addresses(config: ServerConfig) -> Iterator[Finding]:
    node = config.node("rtc.node_ip")
    if node is not None and node.kind != "scalar":
        said = "rtc.node_ip is a mapping, which livekit-server takes and ignores"
        yield Finding(said, "Write the address itself", config.at(node.line), Severity.warn, MEDIA)
    elif config.value("rtc.node_ip") and config.flag("rtc.use_external_ip"):
        said = "rtc.node_ip has no effect: use_external_ip is on, and wins with what STUN tells"
        hint = "Set use_external_ip: false, or remove node_ip"
        yield Finding(said, hint, config.where("rtc.node_ip"), Severity.warn, MEDIA)


def node_ip_reach(config: ServerConfig | None) -> str:
    """Say who can reach `rtc.node_ip`: "loopback", "private", or "" for everybody, and for what is not known."""
    if config is None or config.flag("rtc.use_external_ip"):
        return ""
    try:
        address = ip_address(config.value("rtc.node_ip").partition(",")[0].strip())
    except ValueError:
        return ""
    return "loopback" if address.is_loopback else "private" if address.is_private else ""


def _rtc_ports(config: ServerConfig) -> Iterator[Finding]:
    first, last = config.number("rtc.port_range_start"), config.number("rtc.port_range_end")
    node = config.node("rtc.udp_port")
    if node is not None and node.kind != "scalar":
        said = "rtc.udp_port is no port and no range, which livekit-server takes and ignores"
        yield Finding(said, "Write it like 7882 or 50000-60000", config.at(node.line), Severity.warn, MEDIA)
    if first and not last:
        said = "rtc.port_range_start is set without port_range_end: there is no UDP port for media then"
        hint = "Set port_range_end too, or udp_port alone"
        yield Finding(said, hint, config.where("rtc.port_range_start"), Severity.warn, MEDIA)
    elif first > last:
        said = f"rtc.port_range_start {first} is above port_range_end {last}: livekit-server does not start"
        yield Finding(said, "Swap them", config.where("rtc.port_range_start"), Severity.warn, DOWN)
    elif first and config.value("rtc.udp_port"):
        said = f"rtc.udp_port has no effect: port_range_start and port_range_end ({first}-{last}) win"
        yield Finding(said, "Keep one of the two", config.where("rtc.udp_port"), Severity.warn, MEDIA)


def _clashes(config: ServerConfig) -> Iterator[Finding]:
    """Two listeners want one port, or a port is none."""
    turn = config.flag("turn.enabled")
    tcp = ["port", "rtc.tcp_port", "prometheus.port", "prometheus_port", "debug_handler.port"]
    taken: dict[int, str] = {}
    for path in [*tcp, *(["turn.tls_port"] if turn else [])]:
        port = port_of(config, path)
        if port > _HIGHEST or port < 0 or (path == "port" and not port and config.node("port") is not None):
            said = f"{path} is {port}, and is no port: livekit-server cannot listen there"
            yield Finding(said, "Choose one from 1 to 65535", config.where(path), Severity.warn, DOWN)
        elif port in taken and {path, taken[port]} != {"prometheus.port", "prometheus_port"}:
            said = f"{path} and {taken[port]} are both {port}: livekit-server stops with `address already in use`"
            yield Finding(said, "Give each its own", config.where(path), Severity.warn, DOWN)
        if port:
            taken.setdefault(port, path)
    first, last = udp_ports(config)
    port = config.number("turn.udp_port")
    if turn and port and first <= port <= last:
        said = f"turn.udp_port {port} lies among the UDP ports for media ({first}-{last}): both want it"
        yield Finding(
            said, "Choose another, such as 3478", config.where("turn.udp_port"), Severity.warn, (*DOWN, *MEDIA)
        )


def _turn(config: ServerConfig) -> Iterator[Finding]:
    if not config.flag("turn.enabled"):
        return
    tls, domain = config.number("turn.tls_port"), config.value("turn.domain")
    fault, path, hint = "", "turn.tls_port", ""
    if tls <= 0 and config.number("turn.udp_port") <= 0:
        fault, path, hint = "invalid TURN ports", "turn.enabled", "Set turn.udp_port: 3478, or turn.tls_port"
    elif tls > 0 and not domain:
        fault, hint = "TURN domain required", "Set turn.domain to the name in the certificate"
    elif tls > 0 and not _DOMAIN.fullmatch(domain) and "$" not in domain:
        fault, path, hint = "TURN domain is not correct", "turn.domain", "Write a name such as turn.example.org"
    elif (
        tls > 0
        and not config.flag("turn.external_tls")
        and not (config.value("turn.cert_file") and config.value("turn.key_file"))
    ):
        fault, hint = "TURN tls cert required", "Set turn.cert_file and turn.key_file, or external_tls: true"
    if fault:
        said = f"TURN is on and cannot work: livekit-server stops with `{fault}`"
        yield Finding(said, hint, config.where(path), Severity.warn, DOWN)
    elif tls > 0 and tls != _TURN_TLS:
        said = f"clients are always sent to port 443 for TURN/TLS, and turn.tls_port is {tls}"
        hint = "Set tls_port: 443, or route 443 of that name there on level 4 (no HTTP virtual host)"
        severity = Severity.info if config.flag("turn.external_tls") else Severity.warn
        yield Finding(said, hint, config.where("turn.tls_port"), severity, TURN)


def _modes(config: ServerConfig) -> Iterator[Finding]:
    if config.flag("development"):
        said = "development is on: devkey/secret is taken where no keys are set, and /debug is open"
        yield Finding(said, "Remove it in production", config.where("development"), Severity.security)
    if config.value("room.auto_create").lower() in {"false", "no", "off", "n"}:
        said = "auto_create is off: a join ends with 404 `requested room does not exist` until CreateRoom was called"
        yield Finding(said, "", config.where("room.auto_create"), Severity.info, ("room-missing",))
