"""livekit.yaml and what the server needs at its start (18, 40 to 44, 47, 48)."""

import subprocess
from collections.abc import Sequence

from tests.fakes import closed_port
from tests.lab.bench import Bench, address
from tests.lab.case import Case

_KEY, _SECRET = "APIserverfile1", "server0file0secret0of0the0laboratory0000000"
_KEYS = f'keys:\n  {_KEY}: "{_SECRET}"\n'
_RTC = "rtc:\n  port_range_start: 50000\n  port_range_end: 60000\n  stun_servers:\n    - 127.0.0.1:9\n"


def did_not_start(bench: Bench, text: str, says: str = "", keys: str = _KEYS, secret: str = _SECRET) -> Sequence[str]:
    """Write a livekit.yaml with which the server ends at its start, so that nothing listens on its port.

    `says` are its last words; "" does not try it: it would ask a resolver, or take 16 s.
    """
    port = closed_port()
    bench.env(address(port), _KEY, secret)
    file = bench.write("livekit.yaml", f"port: {port}\n{keys}{text}")
    if says:
        command = [str(bench.program), "--config", str(file)]
        ended = subprocess.run(command, capture_output=True, env={}, timeout=20, check=False)
        assert says in (ended.stdout + ended.stderr).decode()
    return ["--source", "."]


def redis_refuses(bench: Bench) -> Sequence[str]:
    short = "short-secret-0123"
    redis = f"redis:\n  address: 127.0.0.1:{closed_port()}\n"
    keys = f"keys:\n  {_KEY}: {short}\n"
    return did_not_start(bench, _RTC + redis, "unable to connect to redis", keys, short)


def redis_sample(bench: Bench) -> Sequence[str]:
    return did_not_start(bench, _RTC + "redis:\n  address: redis.host:6379\n")


def redis_url(bench: Bench) -> Sequence[str]:
    address = "redis:\n  address: rediss://cache.internal:6379\n"
    return did_not_start(bench, _RTC + address, "too many colons in address")


def no_keys(bench: Bench) -> Sequence[str]:
    return did_not_start(bench, _RTC, "one of key-file or keys must be provided", keys="")


def unknown_webhook_key(bench: Bench) -> Sequence[str]:
    webhook = "webhook:\n  api_key: APIwebhook0000\n  urls:\n    - http://localhost:3000/api/webhook\n"
    return did_not_start(bench, _RTC + webhook, "api_key is required to use webhooks")


def foreign_address(bench: Bench) -> Sequence[str]:
    addresses = "bind_addresses:\n  - 198.51.100.9\n"
    return did_not_start(bench, _RTC + addresses, "bind: cannot assign requested address")


def two_external_addresses(bench: Bench) -> Sequence[str]:
    """It runs, and advertises what it found out itself."""
    server = bench.livekit({_KEY: _SECRET})
    bench.env(server.url, server.key, _SECRET)
    both = "rtc:\n  tcp_port: 7881\n  udp_port: 7882\n  node_ip: 203.0.113.7\n  use_external_ip: true\n"
    bench.write("livekit.yaml", f"port: {server.port}\n{_KEYS}{both}")
    return ["--source", "."]


def no_stun(bench: Bench) -> Sequence[str]:
    rtc = "rtc:\n  tcp_port: 7881\n  udp_port: 7882\n  use_external_ip: true\n"
    return did_not_start(bench, rtc + f"  stun_servers:\n    - 127.0.0.1:{closed_port()}\n")


_CHECK = "source.server-settings"
CASES = (
    Case(
        18,
        "Redis refuses, and the secret is short",
        "secret is too short …, unable to connect to redis … refused",
        redis_refuses,
        _CHECK,
        "redis",
        "https://github.com/livekit/livekit/issues/2582",
    ),
    Case(
        40,
        "the sample's Redis address",
        "unable to connect to redis … redis.host",
        redis_sample,
        _CHECK,
        r"redis\.host",
        "https://github.com/livekit/livekit/issues/1901",
    ),
    Case(
        41,
        "a URL as redis.address",
        "too many colons in address",
        redis_url,
        _CHECK,
        "redis",
        "https://github.com/livekit/livekit/issues/3834",
    ),
    Case(
        42,
        "no keys",
        "one of key-file or keys must be provided",
        no_keys,
        _CHECK,
        "keys",
        "https://github.com/livekit/livekit/issues/749",
    ),
    Case(
        43,
        "webhook.api_key is not among the keys",
        "api_key is required to use webhooks",
        unknown_webhook_key,
        _CHECK,
        r"webhook.*api_key|APIwebhook",
        "https://github.com/livekit/livekit/issues/2482",
    ),
    Case(
        44,
        "an address that is not this machine's",
        "bind: cannot assign requested address",
        foreign_address,
        _CHECK,
        r"198\.51\.100\.9",
        "https://github.com/livekit/livekit/issues/1876",
    ),
    Case(
        47,
        "node_ip and use_external_ip",
        "--node-ip has no effect",
        two_external_addresses,
        _CHECK,
        "use_external_ip",
        "https://github.com/livekit/livekit/issues/4049",
        exit_code=0,
    ),
    Case(
        48,
        "STUN is blocked at the start",
        "could not resolve external IP: context deadline exceeded",
        no_stun,
        _CHECK,
        "use_external_ip|stun",
        "https://github.com/livekit/livekit/issues/4626",
    ),
)
