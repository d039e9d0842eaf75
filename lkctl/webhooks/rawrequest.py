"""An HTTP request as it was recorded: request line and headers, a blank line, the body byte for byte."""

import re
from typing import NamedTuple

from lkctl.errors import LkctlError

_LONGEST_HEAD = 64 * 1024
# A request line, or the first header: a JSON body begins otherwise
_START = re.compile(rb"[A-Z]{3,10} \S+ HTTP/\d|[A-Za-z][A-Za-z0-9-]*:[^\r\n]*\r?\n")
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
# As in a request, in curl -v (`> Authorization: …`), and in a log of JSON or JavaScript (`authorization: 'eyJ…',`)
_AUTHORIZATION = re.compile(
    r"""^[ \t>{"']*authorization["']?[ \t]*[:=][ \t]*["']?([^\r\n"']*)""", re.IGNORECASE | re.MULTILINE
)
_REQUEST_LINE = re.compile(r"[A-Z]{3,10} \S+ HTTP/\d")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*:")
_FIELD = r"(?im)^{}:[ \t]*([^\r\n]*)"


class RawRequest(NamedTuple):
    """The Authorization headers in their order, and the body."""

    authorizations: tuple[str, ...]
    body: bytes


def is_request(content: bytes) -> bool:
    """Whether it begins as an HTTP request does."""
    return _START.match(content[:_LONGEST_HEAD].lstrip()) is not None


def read_request(content: bytes) -> RawRequest:
    """Take a recorded request apart; raise `input-malformed` where head and body cannot be told apart.

    What follows the length that Content-Length gives, such as the line break at the end of a file, is left out.
    """
    content = content.lstrip()
    end = _END_OF_HEAD.search(content[:_LONGEST_HEAD])
    if end is None:
        raise LkctlError(
            "input-malformed",
            "the recorded request has no blank line after its headers",
            hint="Give the body as BODY, and the header with --header",
        )
    head, body = content[: end.start()].decode("latin-1"), content[end.end() :]
    if _field(head, "Transfer-Encoding"):
        raise LkctlError(
            "input-malformed",
            "the recorded request is cut into chunks (Transfer-Encoding)",
            hint="Put the body together, and give it as BODY, the header with --header",
        )
    return RawRequest(read_authorizations(head), _whole(body, _field(head, "Content-Length")))


def read_authorizations(text: str) -> tuple[str, ...]:
    """Give the values of the Authorization headers in a text; the text itself where it is a value and no headers."""
    found = tuple(value.rstrip(" \t,") for value in _AUTHORIZATION.findall(text))
    lines = [line for line in text.splitlines() if line.strip() and not _REQUEST_LINE.match(line)]
    if found or all(_HEADER.match(line) for line in lines):
        return found
    return (text.strip(),)


def _whole(body: bytes, length: str) -> bytes:
    if not re.fullmatch(r"[0-9]{1,12}", length):
        return body
    if len(body) < int(length):
        raise LkctlError(
            "input-malformed",
            f"the recorded request is cut short: Content-Length is {length}, and {len(body)} bytes are there",
            hint="Record the whole request",
        )
    return body[: int(length)]


def _field(head: str, name: str) -> str:
    found = re.search(_FIELD.format(name), head)
    return found[1].strip() if found else ""
