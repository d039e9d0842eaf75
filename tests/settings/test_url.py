"""URLs taken apart: what is accepted, what is refused, and the correction that is offered."""

import pytest

from lkctl.errors import LkctlError
from lkctl.settings.url import is_loopback, parse_url, without_login

GOOD = [
    pytest.param("ws://localhost:7880", "http://localhost:7880", "ws://localhost:7880", id="local"),
    pytest.param("wss://a.livekit.cloud", "https://a.livekit.cloud", "wss://a.livekit.cloud", id="Cloud"),
    pytest.param("https://a.b/", "https://a.b", "wss://a.b", id="slash"),
    pytest.param("HTTP://A.B:80", "http://a.b", "ws://a.b", id="case and default port"),
    pytest.param("wss://a.b:443/x/y/", "https://a.b/x/y", "wss://a.b/x/y", id="prefix"),
    pytest.param("http://[::1]:7880", "http://[::1]:7880", "ws://[::1]:7880", id="IPv6"),
    pytest.param("http://[fe80::1%25eth0]", "http://[fe80::1%25eth0]", "ws://[fe80::1%25eth0]", id="IPv6 with zone"),
    pytest.param("  ws://a  ", "http://a", "ws://a", id="blanks around"),
    pytest.param("ws://a_b-c:1", "http://a_b-c:1", "ws://a_b-c:1", id="underscore"),
    pytest.param("wss://münchen.de", "https://münchen.de", "wss://münchen.de", id="internationalised"),
]


@pytest.mark.parametrize(("text", "http", "websocket"), GOOD)
def test_good(text: str, http: str, websocket: str) -> None:
    """Both faces of a URL; the default port and the last slash go."""
    url = parse_url(text)
    assert (url.http, url.websocket) == (http, websocket)


BAD = [
    pytest.param("", "is empty", "wss://livekit.example.com", id="empty"),
    pytest.param("'ws://a'", "is in quotes", "Take the quotes away", id="quotes"),
    pytest.param("“ws://a”", "is in quotes", "Take the quotes away", id="typographic quotes"),
    pytest.param("localhost:7880", "has no scheme", "Write ws://localhost:7880", id="local without scheme"),
    pytest.param("192.168.1.5:7880", "has no scheme", "Write ws://192.168.1.5:7880", id="address without scheme"),
    pytest.param("a.livekit.cloud", "has no scheme", "Write wss://a.livekit.cloud", id="host alone"),
    pytest.param("wss:a.b", "has no scheme", "Write wss://a.b", id="no slashes"),
    pytest.param("https:/a.b/x", "has no scheme", "Write https://a.b/x", id="one slash"),
    pytest.param("WSS:\\\\a.b", "has no scheme", "Write wss://a.b", id="backslashes"),
    pytest.param("<your url>", "has no scheme", "placeholders", id="placeholder"),
    pytest.param(
        "hT5kQ2mN8vX1cB7zL4pR9sW3yF6dG0jAeUiOqPlKmNb", "looks like an API secret", "its own name", id="secret"
    ),
    pytest.param("APIx7Kp2mQ9rTz4", "looks like an API key", "its own name", id="key"),
    pytest.param("ftp://a", "has the scheme ftp", "ws, wss, http or https", id="scheme"),
    pytest.param("ws://", "has no host", "wss://livekit.example.com", id="no host"),
    pytest.param("ws://:7880", "has no host", "wss://livekit.example.com", id="port alone"),
    pytest.param("ws://::1", "has no host", "wss://livekit.example.com", id="bare IPv6"),
    pytest.param("ws://a b", "characters no host can have", "placeholders", id="blank"),
    pytest.param("ws://a\u200b", "characters no host can have", "placeholders", id="zero-width space"),
    pytest.param("wss://<project>.livekit.cloud", "characters no host can have", "placeholders", id="placeholder host"),
    pytest.param("ws://a:", "has the port (empty)", "7880", id="empty port"),
    pytest.param("ws://a:0", "has the port 0", "7880", id="port 0"),
    pytest.param("ws://a:65536", "has the port 65536", "7880", id="port too large"),
    pytest.param("ws://a:0655350", "has the port 0655350", "7880", id="port too long"),
    pytest.param("ws://a:٣", "has the port", "7880", id="other digits"),
    pytest.param("ws://a:1:2", "has the port 1:2", "7880", id="two ports"),
    pytest.param("ws://a?x=1", "holds a query", "only", id="query"),
    pytest.param("ws://a#x", "holds a fragment", "only", id="fragment"),
    pytest.param("ws://u:hunter2@a", "user name or password", "take them out", id="login"),
    pytest.param("ws://u:hunter2/3@a?x", "holds a query", "only", id="login with a slash"),
]


@pytest.mark.parametrize(("text", "words", "hint"), BAD)
def test_bad(text: str, words: str, hint: str) -> None:
    """What cannot work is refused with the reason and the next step; passwords and secrets are not repeated."""
    with pytest.raises(LkctlError) as caught:
        parse_url(text)
    assert caught.value.code == "url-invalid"
    assert words in caught.value.message
    assert hint in caught.value.hint
    assert not [part for part in ("hunter2", "hT5kQ2") if part in caught.value.message + caught.value.hint]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("127.1", True),
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("::ffff:127.0.0.1", True),
        ("127.evil.com", False),
        ("127.0.0.1.nip.io", False),
        ("localhost.evil.com", False),
        ("128.0.0.1", False),
        ("::2", False),
        ("0.0.0.0", False),  # noqa: S104
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    """A name that begins like a loopback address is none."""
    assert is_loopback(host) is expected


def test_cloud_and_local() -> None:
    """What a URL tells about its host."""
    assert parse_url("wss://a.livekit.cloud").cloud
    assert not parse_url("wss://a.livekit.cloud.evil.com").cloud
    assert not parse_url("wss://livekit.cloud").cloud
    assert parse_url("ws://127.0.0.1:7880").local


@pytest.mark.parametrize(
    ("text", "shown"),
    [("wss://u:p@a", "wss://…@a"), ("wss://u:p/q@a/x", "wss://…@a/x"), ("wss://a/x", "wss://a/x"), ("u@a", "u@a")],
)
def test_without_login(text: str, shown: str) -> None:
    """User name and password are not shown."""
    assert without_login(text) == shown
