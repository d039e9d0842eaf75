"""STUN messages (RFC 8489), as far as ICE (RFC 8445) and TURN (RFC 8656) need them. No sockets here."""

import hmac
import os
import socket
import struct
import zlib
from collections.abc import Mapping, Sequence
from enum import IntEnum
from hashlib import sha1
from typing import NamedTuple

_COOKIE = 0x2112A442
_HEADER = struct.Struct("!HHI12s")
_FINGERPRINT_MASK = 0x5354554E
_MAC_SIZE, _CRC_SIZE, _HEAD = 20, 4, 4  # bytes of an attribute's value, and of what stands before it
_V4, _V6 = 1, 2


class Method(IntEnum):
    """What is asked for."""

    binding = 0x001
    allocate = 0x003
    refresh = 0x004
    send = 0x006
    data = 0x007
    permission = 0x008


class Kind(IntEnum):
    """What a message is."""

    request = 0x000
    indication = 0x010
    success = 0x100
    error = 0x110


class Attribute(IntEnum):
    """The attributes that are written or read here."""

    username = 0x0006
    integrity = 0x0008
    error_code = 0x0009
    lifetime = 0x000D
    peer = 0x0012
    data = 0x0013
    realm = 0x0014
    nonce = 0x0015
    relayed = 0x0016
    transport = 0x0019
    mapped = 0x0020
    priority = 0x0024
    fingerprint = 0x8028
    controlled = 0x8029
    controlling = 0x802A


class Endpoint(NamedTuple):
    """An address and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Message(NamedTuple):
    """A message; of an attribute that comes twice the first one counts, as RFC 8489 (14) wants it."""

    method: int
    kind: int
    transaction: bytes
    attributes: Mapping[int, bytes]

    @property
    def error(self) -> int:
        """The error code, 0 where there is none."""
        value = self.attributes.get(Attribute.error_code, b"")
        return value[2] * 100 + value[3] if len(value) >= _HEAD else 0

    def endpoint(self, attribute: Attribute) -> Endpoint | None:
        """Give the address in an attribute; None where there is none that can be read."""
        return _read_endpoint(self.attributes.get(attribute, b""), self.transaction)


class Ask(NamedTuple):
    """A message to send, and the transaction by which its answer is known."""

    content: bytes
    transaction: bytes


def ask(
    method: Method, attributes: Sequence[tuple[Attribute, bytes]] = (), *, key: bytes = b"", kind: Kind = Kind.request
) -> Ask:
    """Write a message; with a key it is signed by it (MESSAGE-INTEGRITY), and in any case has a FINGERPRINT."""
    transaction = os.urandom(12)
    body = b"".join(_attribute(name, value) for name, value in attributes)
    if key:
        signed = _header(method | kind, len(body) + _HEAD + _MAC_SIZE, transaction) + body
        body += _attribute(Attribute.integrity, hmac.new(key, signed, sha1).digest())
    whole = _header(method | kind, len(body) + _HEAD + _CRC_SIZE, transaction) + body
    crc = (zlib.crc32(whole) & 0xFFFFFFFF) ^ _FINGERPRINT_MASK
    return Ask(whole + _attribute(Attribute.fingerprint, crc.to_bytes(4, "big")), transaction)


def read(content: bytes) -> Message:
    """Read a message; raise ValueError for what is none."""
    if len(content) < _HEADER.size:
        raise ValueError("too short for STUN")
    kind, size, cookie, transaction = _HEADER.unpack_from(content)
    if cookie != _COOKIE or kind & 0xC000 or size % 4 or len(content) < _HEADER.size + size:
        raise ValueError("not STUN")
    return Message(kind & ~Kind.error, kind & Kind.error, transaction, _attributes(content[20 : 20 + size]))


def size_of(head: bytes) -> int:
    """Give the size of a whole message from its first 20 bytes, for links that are a stream; raise ValueError."""
    kind, size, cookie, _ = _HEADER.unpack_from(head)
    if cookie != _COOKIE or kind & 0xC000:
        raise ValueError("not STUN")
    return _HEADER.size + int(size)


def write_endpoint(endpoint: Endpoint) -> bytes:
    """Write an IPv4 address as XOR-PEER-ADDRESS wants it; raise OSError for what is none."""
    masked = _masked(socket.inet_aton(endpoint.address), b"")
    return struct.pack("!BBH", 0, _V4, endpoint.port ^ (_COOKIE >> 16)) + masked


def long_term_key(username: str, realm: str, password: str) -> bytes:
    """Give the key of a TURN user (RFC 8489, 9.2.2)."""
    from hashlib import md5

    return md5(f"{username}:{realm}:{password}".encode(), usedforsecurity=False).digest()


def _header(kind: int, size: int, transaction: bytes) -> bytes:
    return _HEADER.pack(kind, size, _COOKIE, transaction)


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _attributes(body: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + _HEAD <= len(body):
        name, size = struct.unpack_from("!HH", body, at)
        found.setdefault(name, body[at + _HEAD : at + _HEAD + size])
        at += _HEAD + size + (-size % 4)
    return found


def _read_endpoint(value: bytes, transaction: bytes) -> Endpoint | None:
    sizes = {_V4: 8, _V6: 20}
    if len(value) < _HEAD or len(value) != sizes.get(value[1]):
        return None
    port = int.from_bytes(value[2:4], "big") ^ (_COOKIE >> 16)
    family = socket.AF_INET if value[1] == _V4 else socket.AF_INET6
    return Endpoint(socket.inet_ntop(family, _masked(value[4:], transaction)), port)


def _masked(packed: bytes, transaction: bytes) -> bytes:
    mask = _COOKIE.to_bytes(4, "big") + transaction
    return bytes(byte ^ mask[at] for at, byte in enumerate(packed))
