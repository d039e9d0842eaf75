"""Settings and compose files that load and cannot work; where the real server can be asked, it is."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lkctl.checks.result import Severity
from lkctl.localserver.config import free_tcp_port, free_udp_port
from tests.fakes import closed_port
from tests.source.configs import KEYS
from tests.source.projects import CLOUD, KEY, OWN, SECRET, found, judge, put, world_of

LOOPBACK = {"bind_addresses": ["127.0.0.1"]}
PORT = free_tcp_port()
# What livekit-server says as it stops; "" where it starts
STARTS: list[tuple[str, Callable[[Path], dict[str, Any]], str]] = [
    ("plain", lambda _: {}, ""),
    ("no keys", lambda _: {"keys": {}}, "one of key-file or keys must be provided"),
    ("key file for all", lambda it: {"keys": {}, "key_file": _key_file(it, 0o644)}, "key file others permissions"),
    ("key file for the group", lambda it: {"keys": {}, "key_file": _key_file(it, 0o640)}, ""),
    ("short secret", lambda _: {"keys": {KEY: "short"}}, ""),
    (
        "webhook with another key",
        lambda _: {"webhook": {"api_key": "x", "urls": ["http://127.0.0.1:9"]}},
        "api_key is required",
    ),
    ("webhook without a key", lambda _: {"webhook": {"urls": ["http://127.0.0.1:9"]}}, "api_key is required"),
    ("webhook", lambda _: {"webhook": {"api_key": KEY, "urls": ["http://127.0.0.1:9"]}}, ""),
    ("webhook key without URLs", lambda _: {"webhook": {"api_key": "x"}}, ""),
    ("redis URL", lambda _: {"redis": {"address": "rediss://127.0.0.1:9"}}, "too many colons"),
    ("redis without a port", lambda _: {"redis": {"address": "127.0.0.1"}}, "missing port"),
    ("TURN without ports", lambda _: {"turn": {"enabled": True}}, "invalid TURN ports"),
    ("TURN/TLS without domain", lambda _: {"turn": {"enabled": True, "tls_port": 1}}, "TURN domain required"),
    (
        "TURN with an odd domain",
        lambda _: {"turn": {"enabled": True, "tls_port": 1, "domain": "localhost"}},
        "not correct",
    ),
    (
        "TURN without certificate",
        lambda _: {"turn": {"enabled": True, "tls_port": 1, "domain": "t.test"}},
        "TURN tls cert",
    ),
    ("TURN over UDP", lambda _: {"turn": {"enabled": True, "udp_port": free_udp_port(), **LOOPBACK}}, ""),
    ("TURN is off", lambda _: {"turn": {"tls_port": 1}}, ""),
    ("one port twice", lambda _: {"prometheus": {"port": PORT}}, "address already in use"),
    ("port above all", lambda _: {"port": 70000}, "invalid port"),
    ("range upside down", lambda _: {"rtc": {"udp_port": None, "port_range_start": 9, "port_range_end": 8}}, "port"),
    ("no Redis there", lambda _: {"redis": {"address": f"localhost:{closed_port()}"}}, "unable to connect to redis"),
    ("address of another machine", lambda _: {"bind_addresses": ["127.0.0.1", "198.51.100.9"]}, "cannot assign"),
    ("another address of this machine", lambda _: {"bind_addresses": ["127.0.0.2"]}, ""),
    ("no STUN", lambda _: {"rtc": {"use_external_ip": True}}, "could not resolve external IP"),  # it takes 16 s
]
HERE = f"ws://127.0.0.1:{PORT}"


def _key_file(folder: Path, mode: int) -> str:
    path = folder / "keys.yaml"
    path.write_text(f"{KEY}: {SECRET}\n")
    path.chmod(mode)
    return str(path)


def _config(more: Mapping[str, Any]) -> str:
    """Write a configuration that stays on loopback; JSON is YAML."""
    rtc = {
        "node_ip": "127.0.0.1", "enable_loopback_candidate": True, "interfaces": {"includes": ["lo"]}, "tcp_port": 0,
        "ips": {"includes": ["127.0.0.1/32"]}, "stun_servers": ["127.0.0.1:9"], "udp_port": free_udp_port(),
    }  # fmt: skip
    base = {"port": PORT, **LOOPBACK, "keys": {KEY: SECRET}, "logging": {"level": "error"}}
    return json.dumps({**base, **more, "rtc": {**rtc, **more.get("rtc", {})}})


@pytest.mark.live
@pytest.mark.parametrize(("name", "more", "says"), STARTS, ids=[name for name, _, _ in STARTS])
def test_server_starts_as_we_say(
    name: str, more: Callable[[Path], dict[str, Any]], says: str, livekit_server_program: Path, tmp_path: Path
) -> None:
    """We name a reason why the server would not start if, and only if, it does not."""
    text = _config(more(tmp_path))
    results = judge("server-settings", world_of(put(tmp_path / "p", {"livekit.yaml": text}), url=HERE))
    fatal = [finding.message for finding in results.findings if "net.tcp" in finding.explains]
    command = [str(livekit_server_program), "--config", str(tmp_path / "p/livekit.yaml")]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=40 if says else 4,
            check=False,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        said = (done.stdout + done.stderr).decode()
    except subprocess.TimeoutExpired:
        said = ""  # it runs
    assert bool(said) is bool(says), said
    assert says in said
    assert bool(fatal) is bool(says), fatal


def config(text: str) -> dict[str, str]:
    return {"livekit.yaml": KEYS + text}


def compose(text: str, service: str = "livekit") -> str:
    return f"services:\n  {service}:\n    image: livekit/livekit-server:v1.13.5\n{text}  redis:\n    image: redis:7\n"


CONFIGURED = "    command: --config /livekit.yaml\n    volumes:\n      - ./livekit.yaml:/livekit.yaml\n"
RTC = "rtc: {use_external_ip: true, udp_port: 7882}\n"
PORTS = '    ports: ["7880:7880", "7881:7881", "7882:7882/udp"]\n'

LINT: list[tuple[str, str, dict[str, str], str, str, list[tuple[str, str, str]]]] = [
    # name, check, files, URL, id of a check that it explains, findings
    (
        "sample keys",
        "server-settings",
        {"livekit.yaml": "keys:\n  key1: secret1\n"},
        OWN,
        "api.auth",
        [("security", "livekit.yaml:2", "key1 is a pair from an example")],
    ),
    (
        "sample redis",
        "server-settings",
        config("redis:\n  address: redis.host:6379\n"),
        OWN,
        "net.tcp",
        [("warn", "livekit.yaml:4", "redis.address is still that of an example: redis.host")],
    ),
    (
        "sample TURN",
        "server-settings",
        config("turn: {enabled: true, udp_port: 3478, domain: turn.myhost.com}\n"),
        OWN,
        "media.turn",
        [("warn", "livekit.yaml:3", "turn.domain is still that of an example")],
    ),
    (
        "sample webhook",
        "server-settings",
        config(f"webhook: {{api_key: {KEY}, urls: ['https://your-host.com/handler']}}\n"),
        OWN,
        "",
        [("warn", "livekit.yaml:3", "webhook.urls still holds an address of an example")],
    ),
    (
        "node_ip is ignored",
        "server-settings",
        config("rtc: {node_ip: 203.0.113.7, use_external_ip: true}\n"),
        OWN,
        "media.udp",
        [("warn", "livekit.yaml:3", "rtc.node_ip has no effect")],
    ),
    (
        "node_ip as a mapping",
        "server-settings",
        config("rtc:\n  node_ip: {ipv4: 203.0.113.7}\n"),
        OWN,
        "media.udp",
        [("warn", "livekit.yaml:4", "rtc.node_ip is a mapping")],
    ),
    (
        "loopback for the world",
        "server-settings",
        config("rtc: {node_ip: 127.0.0.1}\n"),
        OWN,
        "media.udp",
        [("warn", "livekit.yaml:3", "rtc.node_ip is this machine alone")],
    ),
    ("loopback for itself", "server-settings", config("rtc: {node_ip: 127.0.0.1}\n"), "ws://localhost:7880", "", []),
    (
        "LAN address for the world",
        "server-settings",
        config("rtc: {node_ip: 192.168.1.5}\n"),
        OWN,
        "media.udp",
        [("warn", "livekit.yaml:3", "rtc.node_ip is a private address")],
    ),
    (
        "LAN address on the LAN",
        "server-settings",
        config("rtc: {node_ip: 192.168.1.5}\n"),
        "ws://192.168.1.5:7880",
        "",
        [],
    ),
    (
        "half a range",
        "server-settings",
        config("rtc: {port_range_start: 50000}\n"),
        OWN,
        "media.udp",
        [("warn", "livekit.yaml:3", "without port_range_end")],
    ),
    (
        "range beside a port",
        "server-settings",
        config("rtc: {port_range_start: 50000, port_range_end: 60000, udp_port: 7882}\n"),
        OWN,
        "media.udp",
        [("warn", "livekit.yaml:3", "rtc.udp_port has no effect")],
    ),
    (
        "TURN inside the media ports",
        "server-settings",
        config("rtc: {udp_port: 3000-4000}\nturn: {enabled: true, udp_port: 3478}\n"),
        OWN,
        "net.tcp",
        [("warn", "livekit.yaml:4", "lies among the UDP ports")],
    ),
    (
        "TURN/TLS not on 443",
        "server-settings",
        config("turn:\n  enabled: true\n  tls_port: 5349\n  domain: t.acme.dev\n  cert_file: /c\n  key_file: /k\n"),
        OWN,
        "media.turn-tls",
        [("warn", "livekit.yaml:5", "clients are always sent to port 443")],
    ),
    (
        "TURN/TLS behind a balancer",
        "server-settings",
        config("turn: {enabled: true, tls_port: 5349, domain: t.acme.dev, external_tls: true}\n"),
        OWN,
        "",
        [("info", "livekit.yaml:3", "clients are always sent to port 443")],
    ),
    (
        "development",
        "server-settings",
        config("development: true\n"),
        OWN,
        "",
        [("security", "livekit.yaml:3", "development is on")],
    ),
    (
        "no rooms by themselves",
        "server-settings",
        config("room: {auto_create: false}\n"),
        OWN,
        "room-missing",
        [("info", "livekit.yaml:3", "auto_create is off")],
    ),
    (
        "keys come from a variable",
        "server-settings",
        {
            "livekit.yaml": "port: 7880\n",
            "compose.yaml": compose(CONFIGURED + "    environment: {LIVEKIT_KEYS: '${KEYS}'}\n"),
        },
        OWN,
        "",
        [],
    ),
    (
        "configuration of egress is none",
        "server-config",
        {"livekit-egress.yaml": "api_key: a\nws_url: ws://x\n"},
        OWN,
        "",
        [],
    ),
    ("example is none", "server-config", {"livekit.example.yaml": "foo: bar\n"}, OWN, "", []),
    (
        "Helm values are none",
        "server-config",
        {"livekit-values.yaml": "replicaCount: 1\nlivekit: {rtc: {}}\n"},
        OWN,
        "",
        [],
    ),
    (
        "configuration by another name",
        "server-config",
        {"conf/sfu.yaml": "rtc: {foo: 1}\nkeys: {a: b}\n"},
        OWN,
        "net.tcp",
        [("warn", "sfu.yaml:1", "rtc.foo is unknown")],
    ),
    (
        "configuration named by compose",
        "server-config",
        {
            "conf.yml": "foo: 1\n",
            "compose.yaml": compose("    command: --config=/c.yml\n    volumes: ['./conf.yml:/c.yml']\n"),
        },
        OWN,
        "net.tcp",
        [("warn", "conf.yml:1", "foo is unknown")],
    ),
    (
        "configuration in a variable",
        "server-config",
        {"compose.yaml": compose("    environment:\n      LIVEKIT_CONFIG: |\n        port: 7880\n        foo: 1\n")},
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:7", "foo is unknown")],
    ),
    (
        "keys in a variable without the blank",
        "server-config",
        {"compose.yaml": compose("    environment:\n      - LIVEKIT_KEYS=devkey:secret\n")},
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:5", "LIVEKIT_KEYS is no `key: secret`")],
    ),
    (
        "secret that is a number",
        "server-config",
        {"compose.yaml": compose("    environment:\n      LIVEKIT_KEYS: 'key: 12345678901234567890123456789012'\n")},
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:5", "a secret in LIVEKIT_KEYS is no text")],
    ),
    (
        "smaller number",
        "server-config",
        {"compose.yaml": compose("    environment:\n      LIVEKIT_KEYS: 'key: 1234567890'\n")},
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:5", "a secret in LIVEKIT_KEYS is no text")],
    ),
    ("all published", "compose", {**config(RTC), "compose.yaml": compose(CONFIGURED + PORTS)}, OWN, "", []),
    (
        "UDP not published",
        "compose",
        {**config(RTC), "compose.yaml": compose(CONFIGURED + '    ports: ["7880:7880", "7881:7881"]\n')},
        OWN,
        "media.udp",
        [("warn", "compose.yaml:7", "UDP 7882 is not published")],
    ),
    (
        "UDP published as TCP",
        "compose",
        {**config(RTC), "compose.yaml": compose(CONFIGURED + PORTS.replace("/udp", ""))},
        OWN,
        "media.udp",
        [("warn", "compose.yaml:7", "7882:7882 publishes TCP")],
    ),
    (
        "UDP under another number",
        "compose",
        {**config(RTC), "compose.yaml": compose(CONFIGURED + PORTS.replace("7882:", "9999:"))},
        OWN,
        "media.udp",
        [("warn", "compose.yaml:7", "under another number")],
    ),
    (
        "part of the range",
        "compose",
        {
            **config("rtc: {use_external_ip: true, udp_port: 50000-50100}\n"),
            "compose.yaml": compose(
                CONFIGURED + '    ports: ["7880:7880", "7881:7881", "50000-50050:50000-50050/udp"]\n'
            ),
        },
        OWN,
        "media.udp",
        [("warn", "compose.yaml:7", "only a part of the UDP ports 50000-50100")],
    ),
    (
        "signal not published",
        "compose",
        {**config(RTC), "compose.yaml": compose(CONFIGURED + PORTS.replace('"7880:7880", ', ""))},
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:7", "port 7880 is not published")],
    ),
    (
        "signal behind a proxy",
        "compose",
        {
            **config(RTC),
            "compose.yaml": compose(CONFIGURED + PORTS.replace('"7880:7880", ', "")) + "  web: {image: 'caddy:2'}\n",
        },
        OWN,
        "",
        [],
    ),
    (
        "ports spelled out",
        "compose",
        {
            **config(RTC),
            "compose.yaml": compose(
                CONFIGURED + "    ports:\n      - {target: 7880, published: 7880}\n"
                "      - {target: 7881, published: '7881'}\n      - {target: 7882, published: 7882, protocol: udp}\n"
            ),
        },
        OWN,
        "",
        [],
    ),
    (
        "ports in variables",
        "compose",
        {**config(RTC), "compose.yaml": compose(CONFIGURED + '    ports: ["${PORT}:7880"]\n')},
        OWN,
        "",
        [],
    ),
    (
        "host network with ports",
        "compose",
        {**config(RTC), "compose.yaml": compose(CONFIGURED + PORTS + "    network_mode: host\n")},
        OWN,
        "",
        [("warn", "compose.yaml:7", "network_mode: host leaves no ports")],
    ),
    (
        "address of the container",
        "compose",
        {**config("rtc: {udp_port: 7882}\n"), "compose.yaml": compose(CONFIGURED + PORTS)},
        OWN,
        "media.udp",
        [("warn", "livekit.yaml:3", "clients are told the address of the container")],
    ),
    (
        "address in the command",
        "compose",
        {
            **config("rtc: {udp_port: 7882}\n"),
            "compose.yaml": compose(CONFIGURED.replace("--config", "--node-ip 203.0.113.7 --config") + PORTS),
        },
        OWN,
        "",
        [],
    ),
    (
        "development in a container",
        "compose",
        {
            "compose.yaml": compose(
                '    command: ["--dev"]\n    ports: ["127.0.0.1:7880:7880",'
                ' "7881:7881", "50000-51000:50000-51000/udp", "51001-60000:51001-60000/udp"]\n'
            )
        },
        "ws://localhost:7880",
        "http.livekit",
        [
            ("warn", "compose.yaml:4", "--dev without keys listens on loopback only"),
            ("warn", "compose.yaml:5", "UDP 7882 is not published"),
            ("security", "compose.yaml:4", "runs with --dev"),
            ("info", "compose.yaml:5", "9000 ports"),
        ],
    ),
    (
        "development, bound",
        "compose",
        {
            "compose.yaml": compose(
                "    command: --dev --bind 0.0.0.0\n    ports:\n      ['127.0.0.1:7880:7880', '127.0.0.1:7881:7881',"
                " '127.0.0.1:7882:7882/udp']\n"
            )
        },
        "ws://localhost:7880",
        "",
        [("info", "compose.yaml:4", "runs with --dev"), ("info", "compose.yaml:6", "on 127.0.0.1 only")],
    ),
    (
        "loopback in a container",
        "compose",
        {**config(RTC + "bind_addresses: [127.0.0.1]\n"), "compose.yaml": compose(CONFIGURED + PORTS)},
        OWN,
        "http.livekit",
        [("warn", "livekit.yaml:4", "listens on 127.0.0.1 only")],
    ),
    (
        "configuration is not named",
        "compose",
        {
            **config(RTC),
            "compose.yaml": compose("    volumes: ['./livekit.yaml:/etc/livekit.yaml']\n    network_mode: host\n"),
        },
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:4", "/etc/livekit.yaml is mounted, but the command does not name it")],
    ),
    (
        "configuration is not there",
        "compose",
        {"compose.yaml": compose("    command: --config /etc/livekit.yaml\n    network_mode: host\n")},
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:4", "the command names /etc/livekit.yaml, which no volume brings")],
    ),
    (
        "file does not exist",
        "compose",
        {
            "compose.yaml": compose(
                "    command: --config /c.yaml\n    volumes: ['./c.yaml:/c.yaml']\n    network_mode: host\n"
            )
        },
        OWN,
        "net.tcp",
        [("warn", "compose.yaml:5", "./c.yaml does not exist")],
    ),
    (
        "Redis on loopback",
        "compose",
        {**config(RTC + "redis: {address: localhost:6379}\n"), "compose.yaml": compose(CONFIGURED + PORTS)},
        OWN,
        "net.tcp",
        [("warn", "livekit.yaml:4", "localhost is the container itself")],
    ),
    (
        "Redis that nobody is",
        "compose",
        {**config(RTC + "redis: {address: cache:6379}\n"), "compose.yaml": compose(CONFIGURED + PORTS)},
        OWN,
        "net.tcp",
        [("warn", "livekit.yaml:4", "no service is called cache")],
    ),
    (
        "Redis by name on the host network",
        "compose",
        {
            **config(RTC + "redis: {address: redis:6379}\n"),
            "compose.yaml": compose(CONFIGURED + "    network_mode: host\n"),
        },
        OWN,
        "net.tcp",
        [("warn", "livekit.yaml:4", "redis is a name of the compose network")],
    ),
    (
        "Redis by name",
        "compose",
        {**config(RTC + "redis: {address: redis:6379}\n"), "compose.yaml": compose(CONFIGURED + PORTS)},
        OWN,
        "",
        [],
    ),
    (
        "variable that is not read",
        "compose",
        {
            **config(RTC),
            "compose.yaml": compose(CONFIGURED + PORTS + "    environment:\n      - LIVEKIT_RTC_NODE_IP=203.0.113.7\n"),
        },
        OWN,
        "media.udp",
        [("warn", "compose.yaml:9", "LIVEKIT_RTC_NODE_IP is a variable that livekit-server does not read")],
    ),
    (
        "merged service",
        "compose",
        {**config(RTC), "compose.yaml": "x-net: &net {network_mode: host}\n" + compose(CONFIGURED + "    <<: *net\n")},
        OWN,
        "",
        [],
    ),
    ("no server in it", "compose", {"compose.yaml": "services: {web: {image: nginx}}\n"}, OWN, "", []),
    (
        "broken compose file",
        "server-config",
        {"compose.yaml": "services: [\n"},
        OWN,
        "",
        [("warn", "", "compose.yaml:2 is not YAML")],
    ),
]


@pytest.mark.parametrize(
    ("name", "check", "files", "url", "explains", "expected"), LINT, ids=[f"{it[1]}: {it[0]}" for it in LINT]
)
def test_lint(  # noqa: PLR0917
    name: str,
    check: str,
    files: dict[str, str],
    url: str,
    explains: str,
    expected: list[tuple[str, str, str]],
    tmp_path: Path,
) -> None:
    """These findings, and no other; and what they account for."""
    from fnmatch import fnmatchcase

    result = judge(check, world_of(put(tmp_path / "p", files), url=url))
    told = found(result)
    assert sorted(it[:2] for it in told) == sorted(it[:2] for it in expected), told
    for severity, place, words in expected:
        assert [it for it in told if it[:2] == (severity, place) and words in it[2]], told
    patterns = [pattern for finding in result.findings for pattern in finding.explains]
    assert not explains or any(fnmatchcase(explains, pattern) for pattern in patterns), patterns
    assert SECRET not in repr(result)


BROKEN = config(
    f"port: {PORT}\nbind_addresses: [198.51.100.9]\nredis: {{address: '127.0.0.1:1'}}\nrtc: {{use_external_ip: true}}\n"
)
PLACES = [
    pytest.param(BROKEN, HERE, frozenset(), 3, id="it does not run here"),
    pytest.param(BROKEN, HERE, frozenset({PORT}), 0, id="it runs"),
    pytest.param(BROKEN, HERE, None, 0, id="it cannot be told"),
    pytest.param(BROKEN, OWN, frozenset(), 0, id="it runs elsewhere"),
    pytest.param(BROKEN, "", frozenset(), 0, id="no URL"),
    pytest.param(
        {**BROKEN, "compose.yaml": compose(CONFIGURED + "    network_mode: host\n")}, HERE, frozenset(), 0,
        id="it runs in a container",
    ),
    pytest.param(
        config(f"port: {PORT}\nbind_addresses: ['', 0.0.0.0, localhost, $IP]\nredis: {{address: '[::1]:6379'}}\n"),
        HERE, frozenset({6379}), 0, id="all is there",
    ),
    pytest.param(
        config(f"port: {PORT}\nredis: {{address: '127.0.0.1:1', cluster_addresses: [cache:6379]}}\n"), HERE,
        frozenset(), 0, id="a cluster of Redis",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "url", "listening", "count"), PLACES)
def test_what_this_machine_lacks(
    files: dict[str, str], url: str, listening: frozenset[int] | None, count: int, tmp_path: Path
) -> None:
    """Only for a server that should run here, and does not."""
    world = replace(world_of(put(tmp_path / "p", files), url=url), taken_ports=lambda **_: listening)
    fatal = [finding for finding in judge("server-settings", world).findings if "net.tcp" in finding.explains]
    assert len(fatal) == count, fatal
    assert all(finding.hint and finding.severity is Severity.warn for finding in fatal)


def test_cloud_is_not_judged_by_a_local_address(tmp_path: Path) -> None:
    """rtc.node_ip of a server here says nothing of LiveKit Cloud."""
    folder = put(tmp_path / "p", config("rtc: {node_ip: 127.0.0.1}\n"))
    assert not judge("server-settings", world_of(folder, url=CLOUD)).findings


@pytest.mark.live
@pytest.mark.parametrize(
    ("keys", "understood"),
    [("devkey: secret", True), ("devkey:secret", False), ("key: 1234567890", True), ("- a", False)],
)
def test_server_reads_the_keys_variable_alike(
    keys: str, understood: bool, livekit_server_program: Path, tmp_path: Path
) -> None:
    """`key:secret` is refused; a number is dropped without a word, so that there are no keys."""
    said = subprocess.run(
        [str(livekit_server_program), "ports"], capture_output=True, timeout=60, check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LIVEKIT_KEYS": keys},
    ).stdout  # fmt: skip
    assert (b"TCP Ports" in said) is understood
