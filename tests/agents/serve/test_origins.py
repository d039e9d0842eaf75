"""Who may connect: origins as they are given, and as browsers send them."""

import pytest

from lkctl.agents.serve.origins import is_allowed, read_origins, say_origin
from lkctl.errors import LkctlError

EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"

JUDGED = [
    pytest.param([EXTENSION], EXTENSION, True, id="the extension"),
    pytest.param([EXTENSION.upper() + "/"], EXTENSION, True, id="given carelessly"),
    pytest.param([EXTENSION], EXTENSION[:-1] + "a", False, id="another extension"),
    pytest.param([EXTENSION], EXTENSION + "a", False, id="a longer one"),
    pytest.param([EXTENSION], "https://example.com", False, id="a page"),
    pytest.param([EXTENSION], None, False, id="no origin"),
    pytest.param([EXTENSION], "", False, id="empty origin"),
    pytest.param([EXTENSION], "null", False, id="sandboxed page"),
    pytest.param([EXTENSION], "none", False, id="calls itself none"),
    pytest.param(["http://localhost:3000"], "http://localhost:3000", True, id="a page with a port"),
    pytest.param(["http://localhost:3000"], "http://localhost:3001", False, id="another port"),
    pytest.param(["http://localhost:3000"], "https://localhost:3000", False, id="another scheme"),
    pytest.param(["http://localhost"], "http://localhost.evil.example", False, id="a host that begins so"),
    pytest.param(["https://example.com"], "https://sub.example.com", False, id="a subdomain"),
    pytest.param(["https://example.com"], "HTTPS://EXAMPLE.COM", False, id="as no browser writes it"),
    pytest.param([EXTENSION, "http://[::1]:8080"], "http://[::1]:8080", True, id="one of several, IPv6"),
    pytest.param(["none"], None, True, id="programs"),
    pytest.param(["none"], "none", False, id="a page that calls itself none"),
    pytest.param(["none"], "https://example.com", False, id="a page where programs are meant"),
]

REFUSED = [
    pytest.param([], False, "no origin is allowed", id="none at all"),
    pytest.param([], True, "no origin is allowed", id="none at all, with a secret"),
    pytest.param(["*"], False, "without --secret", id="any without a secret"),
    pytest.param(["null"], True, "sandboxed", id="null"),
    pytest.param(["example.com"], False, "no origin", id="no scheme"),
    pytest.param(["https://example.com/path"], False, "no origin", id="with a path"),
    pytest.param(["https://example.com:443"], False, "no origin", id="with the scheme's own port"),
    pytest.param(["http://localhost:80"], False, "no origin", id="with the scheme's own port, http"),
    pytest.param(["https://user@example.com"], False, "no origin", id="with a user"),
    pytest.param(["https://*.example.com"], False, "no origin", id="with a wildcard"),
    pytest.param(["chrome-extension://"], False, "no origin", id="no ID"),
    pytest.param(["file:///home/me/page.html"], False, "no origin", id="a file"),
    pytest.param([EXTENSION, "nonsense"], False, "no origin", id="one of several"),
]


@pytest.mark.parametrize(("given", "origin", "expected"), JUDGED)
def test_judged(given: list[str], origin: str | None, expected: bool) -> None:
    """An origin is allowed only as a whole."""
    assert is_allowed(origin, read_origins(given, secret=False)) is expected


@pytest.mark.parametrize("origin", [None, "", "null", "https://example.com"])
def test_anybody_who_has_the_secret(origin: str | None) -> None:
    """With a secret, any origin may be allowed."""
    assert is_allowed(origin, read_origins(["*"], secret=True))


@pytest.mark.parametrize(("given", "secret", "told"), REFUSED)
def test_refused(given: list[str], secret: bool, told: str) -> None:
    """What no browser would send, and what would let everybody in, is a usage error."""
    with pytest.raises(LkctlError, match=told) as refused:
        read_origins(given, secret=secret)
    assert refused.value.code == "usage"


def test_an_origin_in_a_message() -> None:
    """It may be missing, or of any length."""
    assert say_origin(None) == "none"
    assert say_origin("x" * 5000) == "x" * 100 + "…"
