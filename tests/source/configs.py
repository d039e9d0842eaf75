"""Configurations of livekit-server: what loads, and which key of which line keeps one from loading."""

from typing import NamedTuple

KEYS = "keys:\n  APIx7Kp2mQ9rTz4: hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb\n"


class Case(NamedTuple):
    """A configuration; `line` is that of the fault, 0 where it loads; `said` are words of the fault."""

    name: str
    content: str | bytes
    line: int = 0
    said: str = ""

    @property
    def body(self) -> bytes:
        return self.content if isinstance(self.content, bytes) else self.content.encode()


LOADING = [
    Case("empty file", ""),
    Case("plain", f"port: 7880\n{KEYS}"),
    Case("only a document mark", "---\n"),
    Case("null document", "null\n"),
    Case("byte order mark", b"\xef\xbb\xbfport: 7880\n"),
    Case("UTF-16", "port: 7880\n".encode("utf-16")),
    Case("CRLF", "port: 7880\r\nregion: eu\r\n"),
    Case("quoted key", '"port": 7880\n'),
    Case("flow style", "{port: 7880, rtc: {tcp_port: 7881}}\n"),
    Case("empty section", "rtc:\nredis: ~\n"),
    Case("second document is not read", "port: 7880\n---\nnonsense: [\n"),
    Case("comment after a value", "port: 7880 # signal\n"),
    Case("hexadecimal", "port: 0x1EC8\n"),
    Case("octal", "port: 0o17310\n"),
    Case("old octal", "port: 017310\n"),
    Case("eight after zero", "port: 08\n"),
    Case("underscores", "limit: {bytes_per_sec: 1_000_000}\n"),
    Case("fraction for a whole number", "port: 7880.5\n"),
    Case("exponent", "port: 7e3\n"),
    Case("old truth", "rtc: {use_external_ip: no, use_mdns: On}\n"),
    Case("durations", "rtc: {pli_throttle: {low_quality: 500ms, mid_quality: 1.5s, high_quality: 1m30s}}\n"),
    Case("zero duration in quotes", 'psrpc: {timeout: "0"}\n'),
    Case("number for a text", "region: 5\n"),
    Case("number for a secret", "keys: {devkey: 12345678901234567890123456789012}\n"),
    Case("key without a secret", "keys:\n  devkey:\n"),
    Case("port range", "rtc: {udp_port: 50000-60000}\n"),
    Case("port range with blanks", "rtc: {udp_port: 50000 - 60000}\n"),
    Case("port in quotes, where a range may be", 'rtc: {udp_port: "7882"}\n'),
    Case("mapping for a range is taken, and ignored", "rtc: {udp_port: {start: 7882}}\n"),
    Case("two addresses", 'rtc: {node_ip: "203.0.113.7, 2001:db8::7"}\n'),
    Case("merged section", "rtc:\n  interfaces: &i {includes: [eth0]}\n  ips:\n    <<: *i\n"),
    Case("own key wins over a merged one of the wrong type", "psrpc:\n  <<: {timeout: 5}\n  timeout: 5s\n"),
    Case("alias", "bind_addresses: &all [0.0.0.0]\nturn: {bind_addresses: *all}\n"),
    Case("tag", "port: !!int 7880\nregion: !!str 5\n"),
    Case("presets", "room: {room_configurations: {small: {max_participants: 3, empty_timeout: 60}}}\n"),
    Case("list in block style", "webhook:\n  urls:\n  - https://a.test\n  - https://b.test\n"),
    Case("null in a list", "bind_addresses: [0.0.0.0, null]\n"),
    Case("deprecated keys", "prometheus_port: 6789\nlog_level: debug\nrtc: {packet_buffer_size: 500}\n"),
    Case("rediss address is a text", "redis: {address: 'rediss://r.test:6379'}\n"),
    Case("port above 65535", "port: 70000\n"),
]

REFUSED = [
    Case("only comments", "# port: 7880\n", 1, "only comments"),
    Case("blank lines", "\n\n", 1, "only comments"),
    Case("unknown key", "port: 7880\nfoo: 1\n", 2, "foo is unknown"),
    Case("unknown key, spelled alike", "rtc:\n  tcp_prot: 7881\n", 2, "rtc.tcp_prot is unknown"),
    Case("key of another section", "node_ip: 203.0.113.7\n", 1, "node_ip is unknown here"),
    Case("debug_handler_port of the sample", "debug_handler_port:\n  port: 7070\n", 1, "debug_handler_port is unknown"),
    Case("redis.host", "redis:\n  host: localhost\n  port: 6379\n", 2, "redis.host is unknown"),
    Case("turn.port", "turn:\n  enabled: true\n  port: 3478\n", 3, "turn.port is unknown"),
    Case("capital letter", "Port: 7880\n", 1, "Port is unknown"),
    Case("dash for underscore", "rtc:\n  tcp-port: 7881\n", 2, "rtc.tcp-port is unknown"),
    Case("number in quotes", 'port: "7880"\n', 1, "because of its quotes"),
    Case("text for a number", "port: http\n", 1, "port does not fit"),
    Case("negative port", "port: -1\n", 1, "from 0 to 4294967295"),
    Case("too large", "audio: {active_level: 256}\n", 1, "from 0 to 255"),
    Case("truth in quotes", "rtc:\n  use_external_ip: 'true'\n", 2, "because of its quotes"),
    Case("number for truth", "rtc:\n  use_external_ip: 1\n", 2, "true or false"),
    Case("mixed case truth", "rtc: {use_mdns: yEs}\n", 1, "true or false"),
    Case("duration without unit", "psrpc:\n  timeout: 5\n", 2, "duration"),
    Case("zero duration without quotes", "psrpc: {timeout: 0}\n", 1, "duration"),
    Case("duration with a blank", "psrpc: {timeout: 5 s}\n", 1, "duration"),
    Case("days", "webhook: {resource_url_notifier: {max_age: 1d}}\n", 1, "duration"),
    Case("key:secret without the blank", "keys:\n  devkey:secret\n", 2, "without the blank"),
    Case("two of them", "keys:\n  a:b\n  c:d\n", 2, "without the blank"),
    Case("keys as a list", "keys:\n  - devkey: secret\n", 2, "keys is a list"),
    Case("secret as a mapping", "keys:\n  devkey: {secret: x}\n", 2, "a text"),
    Case("one address for a list", "bind_addresses: 0.0.0.0\n", 1, "a list"),
    Case("webhook urls as a text", "webhook:\n  urls: https://a.test\n", 2, "a list"),
    Case("list for a section", "rtc:\n  - tcp_port: 7881\n", 2, "rtc is a list"),
    Case("text for a section", 'rtc: ""\n', 1, "rtc is a text"),
    Case("whole file is a text", "port 7880\n", 1, "is a text"),
    Case("whole file is a list", "- port: 7880\n", 1, "is a list"),
    Case("repeated key", "port: 7880\nregion: eu\nport: 7881\n", 3, "already set in line 1"),
    Case("repeated section", "rtc: {tcp_port: 7881}\nrtc: {udp_port: 7882}\n", 2, "already set in line 1"),
    Case("repeated API key", "keys:\n  a: b\n  a: c\n", 3, "already set in line 2"),
    Case("tab", "rtc:\n\ttcp_port: 7881\n", 2, "tab"),
    Case("wrong indent", "rtc:\n  tcp_port: 7881\n   udp_port: 7882\n", 3, "not YAML"),
    Case("unclosed bracket", "bind_addresses: [0.0.0.0\nport: 7880\n", 2, "not YAML"),
    Case("unclosed quote", 'region: "eu\n', 2, "not YAML"),
    Case("colon in a plain value", "region: eu: west\n", 1, "not YAML"),
    Case("at sign", "region: @eu\n", 1, "not YAML"),
    Case("placeholder for an address", "rtc:\n  node_ip: <external-ip-of-node>\n", 2, "an IP address"),
    Case("host name for an address", "rtc: {node_ip: host.test}\n", 1, "an IP address"),
    Case("two IPv4 addresses", 'rtc: {node_ip: "1.2.3.4,5.6.7.8"}\n', 1, "at most one"),
    Case("leading zero in an address", "rtc: {node_ip: 010.0.0.1}\n", 1, "an IP address"),
    Case("range upside down", "rtc: {udp_port: 60000-50000}\n", 1, "greater"),
    Case("range of three", "rtc: {udp_port: 1-2-3}\n", 1, "a port"),
    Case("open range", 'rtc: {udp_port: "50000-"}\n', 1, "a port"),
    Case("unknown anchor", "rtc: *rtc\n", 1, "unknown anchor"),
    Case("anchor within itself", "rtc: &r\n  interfaces: *r\n", 2, ""),
    Case("merge of a list", "rtc:\n  <<: [a]\n", 2, "merges"),
    Case("wrong tag", "port: !!int http\n", 1, "tag"),
    Case("YAML 1.2 directive", "%YAML 1.2\n---\nport: 7880\n", 1, "incompatible"),
    Case("not UTF-8", b"port: 7880\nregion: \xff\n", 2, "not YAML"),
    Case("control character", b"region: a\x07b\n", 1, "not YAML"),
    Case("variable for a number", "port: ${PORT}\n", 1, "whole number"),
    Case("configuration of egress", "api_key: a\nws_url: ws://localhost\n", 1, "api_key is unknown"),
    Case("unknown key in a list", "rtc:\n  turn_servers:\n    - host: t.test\n      tls: true\n", 4, "tls is unknown"),
    Case("mapping for a text", "region: {eu: west}\n", 1, "a text"),
    Case("unknown key of a preset", "room: {room_configurations: {small: {size: 3}}}\n", 1, "size is unknown"),
    Case("bomb of aliases", "a: &a [x, x]\nb: &b [*a, *a]\nrtc: {stun_servers: *b}\n", 1, "a is unknown"),
]
