"""STUN messages: the published test vectors, our own, and what is none."""

import random

import pytest

from lkctl.server import stun
from lkctl.server.stun import Attribute, Endpoint, Kind, Method

# RFC 5769: sample responses to a Binding, over IPv4 (2.2) and IPv6 (2.3)
V4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
V6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f722000200014"
    "0002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        pytest.param(V4, Endpoint("192.0.2.1", 32853), id="IPv4"),
        pytest.param(V6, Endpoint("2001:db8:1234:5678:11:2233:4455:6677", 32853), id="IPv6"),
    ],
)
def test_published_answers_are_read(content: bytes, seen: Endpoint) -> None:
    message = stun.read(content)
    assert (message.method, message.kind) == (Method.binding, Kind.success)
    assert message.transaction.hex() == "b7e7a701bc34d686fa87dfae"
    assert message.endpoint(Attribute.mapped) == seen
    assert stun.size_of(content[:20]) == len(content)


def test_long_term_key() -> None:
    """RFC 8489, 9.2.2, has this example."""
    assert stun.long_term_key("user", "realm", "pass").hex() == "8493fbc53ba582fb4c044c456bdc40eb"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(V4[:19], id="half a head"),
        pytest.param(V4[:30], id="cut short"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="HTTP"),
        pytest.param(b"\x01" * 40, id="another cookie"),
        pytest.param(b"\xc1" + V4[1:], id="the bits of RTP"),
    ],
)
def test_what_is_no_stun(content: bytes) -> None:
    with pytest.raises(ValueError, match="STUN"):
        stun.read(content)


def test_broken_bytes_are_read_or_refused() -> None:
    """Nothing else than ValueError comes of what a stranger sends, and reading its attributes never raises."""
    chance = random.Random(5)  # noqa: S311
    for _ in range(3000):
        content = bytearray(V6 if chance.random() < 0.5 else V4)
        for _ in range(chance.randrange(1, 6)):
            content[chance.randrange(8 if chance.random() < 0.5 else 20, len(content))] = chance.randrange(256)
        try:
            message = stun.read(bytes(content[: chance.randrange(len(content) + 1)]))
        except ValueError:
            continue
        message.endpoint(Attribute.mapped)
        assert message.error >= 0
