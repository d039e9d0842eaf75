"""Tokens taken apart, and what is said of those that are none."""

import pytest

from lkctl.errors import LkctlError
from lkctl.tokens.envelope import decode_segment, open_envelope
from lkctl.tokens.wrapping import unwrap
from tests.tokens.forge import BASE, HEADER, SECRET, forge, segment, token

GOOD = token()
HEAD, PAYLOAD, SIGNATURE = GOOD.split(".")

NO_JWT = [
    pytest.param("", "it is empty", id="nothing"),
    pytest.param("[object Promise]", "it is [object Promise]", id="promise"),
    pytest.param("[object Object]", "it is a JavaScript object turned into text", id="object"),
    pytest.param("Promise { <pending> }", "as console.log shows it", id="logged promise"),
    pytest.param("undefined", "it is the word undefined", id="undefined"),
    pytest.param("null", "it is the word null", id="null"),
    pytest.param("None", "it is the word none", id="None"),
    pytest.param("Bearer", "it is the word Bearer with no token after it", id="bare scheme"),
    pytest.param("<coroutine object x at 0x7>", "it is a function as text", id="coroutine"),
    pytest.param("<bound method AccessToken.to_jwt of <livekit…", "it is a function as text", id="method"),
    pytest.param("<!DOCTYPE html><p>", "it is a page of HTML or XML", id="html"),
    pytest.param("$LIVEKIT_TOKEN", "it is a placeholder", id="shell variable"),
    pytest.param("${token}", "it is a placeholder", id="template"),
    pytest.param("<your token>", "it is a placeholder", id="angle brackets"),
    pytest.param("https://example.com/join?x=1", "it is a URL without", id="url"),
    pytest.param('{"serverUrl": "wss://x"}', "it is JSON that holds no token", id="json"),
    pytest.param("[1, 2]", "it is JSON that holds no token", id="json list"),
    pytest.param("APIabcdefghijkl", "it looks like an API key", id="key"),
    pytest.param(SECRET.replace("-", "0"), "it looks like an API secret", id="secret"),
    pytest.param("-----BEGIN PUBLIC KEY-----", "it is a PEM block", id="pem"),
    pytest.param("hello", "it has no dot in it", id="word"),
    pytest.param(GOOD[:40] + "…", "it was shortened for display", id="ellipsis"),
    pytest.param(f"{HEAD}...{SIGNATURE}", "it was shortened for display", id="three dots"),
    pytest.param(GOOD[:70] + "\n" + GOOD[70:], "there are blanks or line breaks in it", id="broken over lines"),
    pytest.param(f'{HEAD}."{PAYLOAD}".{SIGNATURE}', "there are quotes in it", id="quotes inside"),
    pytest.param(f"{HEAD}=.{PAYLOAD}.{SIGNATURE}", "there is =, + or / in it", id="padding"),
    pytest.param(HEAD, "it has 1 part, not three: it is truncated", id="header only"),
    pytest.param(f"{HEAD}.{PAYLOAD}", "it has 2 parts, not three: it is truncated", id="two parts"),
    pytest.param(f"{HEAD}.{PAYLOAD[:20]}", "it has 2 parts, not three: it is truncated", id="cut in the payload"),
    pytest.param(f"{GOOD}.x", "it has 4 parts, not three", id="four parts"),
    pytest.param(f"{HEAD}.a.b.c.d", "it has five parts: an encrypted token", id="JWE"),
    pytest.param("a.b.c", "its header is not base64url", id="one letter each"),
    pytest.param("..", "its header is empty", id="dots only"),
    pytest.param(f"{HEAD}..{SIGNATURE}", "its payload is empty", id="empty payload"),
    pytest.param(f"{HEAD}.{PAYLOAD[:-3]}.{SIGNATURE}", "its payload is not", id="payload cut off"),
    pytest.param(f"{segment(b'hello')}.{PAYLOAD}.x", "its header is not JSON: it breaks at character 1", id="no JSON"),
    pytest.param(forge("[]"), "its payload is JSON, but no object", id="list"),
    pytest.param(forge("null"), "its payload is JSON, but no object", id="null payload"),
    pytest.param(forge(BASE, "5"), "its header is JSON, but no object", id="number for a header"),
    pytest.param(forge(b"\xef\xbb\xbf{}"), "its payload is not JSON: it breaks at character 1", id="BOM"),
    pytest.param(forge("[" * 5000 + "]" * 5000), "nested deeper than 100 levels", id="too deep"),
    pytest.param("\ud800.\ud800.\ud800", "its header is not base64url", id="half surrogate pairs"),
]


@pytest.mark.parametrize(("text", "looks"), NO_JWT)
def test_what_is_no_jwt_is_named(text: str, looks: str) -> None:
    """`L01`, exit 2, a next step, and never the text itself."""
    with pytest.raises(LkctlError) as caught:
        open_envelope(unwrap(text))
    error = caught.value
    assert (error.code, int(error.exit_code)) == ("L01", 2)
    assert error.message.startswith("not a JWT: ")
    assert looks in error.message
    assert error.hint
    assert SECRET[:20] not in error.message + error.hint
    assert "eyJ" not in error.message + error.hint


def test_a_good_one() -> None:
    """All that stands in it."""
    envelope = open_envelope(GOOD)
    assert (envelope.header, envelope.claims, envelope.problems, envelope.size) == (HEADER, BASE, (), len(GOOD))
    assert envelope.signed == f"{HEAD}.{PAYLOAD}".encode()
    assert envelope.signature is not None
    assert len(envelope.signature) == 32
    assert PAYLOAD not in repr(envelope)


@pytest.mark.parametrize("signature", ["!!", "a", "ab=", "ab+/"])
def test_a_signature_that_is_none_is_no_obstacle(signature: str) -> None:
    """The claims can be read; the server cannot read the token."""
    envelope = open_envelope(f"{HEAD}.{PAYLOAD}.{signature}")
    assert (envelope.signature, envelope.broken, envelope.claims) == (None, True, BASE)


def test_an_empty_signature() -> None:
    """As tokens without an algorithm have it."""
    envelope = open_envelope(f"{HEAD}.{PAYLOAD}.")
    assert (envelope.signature, envelope.broken) == (b"", False)


@pytest.mark.parametrize(
    ("segment_", "content"),
    [(b"", b""), (b"YQ", b"a"), (b"YWI", b"ab"), (b"YWJj", b"abc"), (b"-_-_", b"\xfb\xff\xbf")],
)
def test_segments(segment_: bytes, content: bytes) -> None:
    """base64url without padding."""
    assert decode_segment(segment_) == content


@pytest.mark.parametrize("bad", [b"a", b"YQ=", b"YQ==", b"+/+/", b"Y Q", b"YQ\n", "é".encode(), b"YWJjY"])
def test_no_segments(bad: bytes) -> None:
    """As Go's RawURLEncoding, but for line breaks."""
    assert decode_segment(bad) is None


def test_strict_readers_problems_are_kept() -> None:
    """NaN breaks it for the server, a repeated key does not."""
    assert open_envelope(forge('{"a":NaN}')).broken
    repeated = open_envelope(forge('{"a":1,"a":2}'))
    assert not repeated.broken
    assert [problem.message for problem in repeated.problems] == ["in the payload: the key 'a' is given more than once"]
