"""What a server's certificates say of themselves, also where they are not trusted (X.509: RFC 5280).

Python decodes only a certificate that it trusts; of the others it gives the bytes, which are read here.
"""

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from lkctl.server.deadline import Deadline
from lkctl.server.link import connect, secure

if TYPE_CHECKING:
    import ssl

_SEQUENCE, _SET, _NAME_ID = 0x30, 0x31, 0x06
_UTC_TIME = 0x17  # two digits for the year; else GeneralizedTime with four
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_COMMON_NAME, _ORGANISATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_ALTERNATIVE_NAMES = b"\x55\x1d\x11"
_AUTHORITY_INFORMATION = b"\x2b\x06\x01\x05\x05\x07\x01\x01"
_ISSUERS = b"\x2b\x06\x01\x05\x05\x07\x30\x02"  # id-ad-caIssuers
_LONG = 0x80
_MOST_NAMES = 100
_PIVOT = 50  # years below it are of this century (RFC 5280, 4.1.2.5.1)

_Item = tuple[int, bytes]  # tag and content


class Certificate(NamedTuple):
    """A certificate. `names`: the hosts that it is for; `fetchable`: it says where that of its issuer can be had.

    Public authorities say so, private ones hardly ever. Times are seconds since the epoch.
    """

    subject: str
    issuer: str
    own: bool  # the issuer is the subject
    begins: float
    ends: float
    names: tuple[str, ...]
    fetchable: bool


def untrusting() -> "ssl.SSLContext":
    """Give what accepts any certificate: to look at it, and to ask what time it is there. Nothing secret may follow."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def present(host: str, port: int, deadline: Deadline) -> tuple[Certificate, ...]:
    """Give the certificates that a server shows, its own first; of those that cannot be read none."""
    with (
        connect(host, port, deadline) as plain,
        secure(plain, host, deadline, untrusting()) as spoken,
    ):
        shown = _shown(spoken)
    return tuple(filter(None, map(_readable, shown)))


def _shown(spoken: "ssl.SSLSocket") -> list[bytes]:
    """Give what was shown: all of it (public from Python 3.13 on, there since 3.10), or the server's own alone."""
    import ssl

    for holder in (spoken, getattr(spoken, "_sslobj", None)):
        give: Any = getattr(holder, "get_unverified_chain", None)
        if give is not None:
            shown = [one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in give()]
            return shown or []
    own = spoken.getpeercert(binary_form=True)
    return [own] if own else []


def _readable(content: bytes) -> Certificate | None:
    try:
        return read_certificate(content)
    except (ValueError, IndexError, OverflowError):
        return None


def read_certificate(content: bytes) -> Certificate:
    """Read a certificate; raise ValueError, IndexError or OverflowError for what is none."""
    outer = _items(content)[0][1]
    fields = _items(_items(outer)[0][1])
    if fields[0][0] == _VERSION:
        fields = fields[1:]
    _, _, (_, issuer), (_, validity), (_, subject), *rest = fields
    begins, ends = (_time(*item) for item in _items(validity)[:2])
    extensions = _extensions(next((body for tag, body in rest if tag == _EXTENSIONS), b""))
    return Certificate(
        subject=_said(subject),
        issuer=_said(issuer),
        own=issuer == subject,
        begins=begins,
        ends=ends,
        names=_names(extensions.get(_ALTERNATIVE_NAMES, b"")),
        fetchable=_ISSUERS in extensions.get(_AUTHORITY_INFORMATION, b""),
    )


def _items(content: bytes) -> list[_Item]:
    """Take the items of a sequence apart (DER: X.690)."""
    items, at = [], 0
    while at < len(content):
        tag, size, at = content[at], content[at + 1], at + 2
        if size & _LONG:
            many = size & ~_LONG
            size, at = int.from_bytes(content[at : at + many], "big"), at + many
        if at + size > len(content):
            raise ValueError("cut short")
        items.append((tag, content[at : at + size]))
        at += size
    return items


def _said(name: bytes) -> str:
    """Give the common name of a name, or else its organisation."""
    parts: dict[bytes, str] = {}
    for tag, part in _items(name):
        for _, pair in _items(part) if tag == _SET else ():
            (_, what), (_, text) = _items(pair)[:2]
            parts.setdefault(what, text.decode("utf-8", "replace"))
    return parts.get(_COMMON_NAME) or parts.get(_ORGANISATION) or "nobody named"


def _time(tag: int, text: bytes) -> float:
    digits = text.decode("ascii").rstrip("Z")
    if tag == _UTC_TIME:
        digits = ("20" if int(digits[:2]) < _PIVOT else "19") + digits
    year, rest = int(digits[:4]), [int(digits[at : at + 2]) for at in range(4, 14, 2)]
    month, day, hour, minute, second = rest
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


def _extensions(content: bytes) -> dict[bytes, bytes]:
    found = {}
    for _, one in _items(_items(content)[0][1]) if content else ():
        parts = _items(one)
        found[parts[0][1]] = parts[-1][1]
    return found


def _names(content: bytes) -> tuple[str, ...]:
    found = []
    for tag, name in _items(_items(content)[0][1])[:_MOST_NAMES] if content else ():
        if tag == _DNS_NAME:
            found.append(name.decode("ascii", "replace"))
        elif tag == _IP_ADDRESS and len(name) in {4, 16}:
            found.append(socket.inet_ntop(socket.AF_INET if len(name) == 4 else socket.AF_INET6, name))  # noqa: PLR2004
    return tuple(found)
