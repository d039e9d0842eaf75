"""How many tokens are written: bare, as JSON or as CSV; and read back, to go on with a file of them."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple

from lkctl.errors import LkctlError, docs_anchor
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339, to_json
from lkctl.secret import printable, scrub
from lkctl.tokens.bulk import Ticket
from lkctl.tokens.envelope import open_envelope
from lkctl.tokens.words import as_moment

COLUMNS = ("line", "identity", "user_id", "room", "expires_at", "token")
_HEADER = ",".join(COLUMNS)

Key = tuple[str, str]  # identity and room


class Failure(NamedTuple):
    """A row that no token was made for: the line where it begins, and the error."""

    line: int
    code: str
    message: str
    hint: str

    def json(self) -> str:
        """Give it as `-o jsonl` shows it."""
        body = {"code": self.code, "message": scrub(self.message), "hint": scrub(self.hint),
                "docs": docs_anchor(self.code)}  # fmt: skip
        return to_json({"error": body, "line": self.line}, compact=True)


class Form(NamedTuple):
    """A way to write tokens: what stands for one, what ends it, and what stands before, between and after all.

    `tells_failures`: a row that failed has its place, too. `key` reads identity and room back from a line; None where
    the line is the header. It raises `input-malformed` for a line that is not of this form.
    """

    one: Callable[[int, Ticket], str]
    key: Callable[[str], Key | None]
    end: str = "\n"
    before: str = ""
    between: str = ""
    after: str = ""
    none: str = ""  # instead of all that, where there are no tokens
    tells_failures: bool = False

    @property
    def appendable(self) -> bool:
        """Whether a file of it can be gone on with."""
        return not self.after


def form_of(format_: Format) -> Form:
    """Give the way of a format: what is no document and no CSV is the bare token, as for a single one."""
    if format_ is Format.csv:
        return Form(_cells, _key_of_cells, before=_HEADER + "\n", none=_HEADER + "\n")
    if format_ is Format.jsonl:
        return Form(_document, _key_of_document, tells_failures=True)
    if format_ is Format.json:
        return Form(_document, _key_of_document, "", "[\n", ",\n", "\n]\n", "[]\n", tells_failures=True)
    return Form(_bare, _key_of_token)


def _bare(_line: int, ticket: Ticket) -> str:
    return ticket.token


def _document(line: int, ticket: Ticket) -> str:
    """Write the document with everything scrubbed but the token itself."""
    user_id = "null" if ticket.user_id is None else _quoted(ticket.user_id)
    who = (
        f'"line": {line}, "identity": {_quoted(ticket.identity)}, "room": {_quoted(ticket.room)}, "user_id": {user_id}'
    )
    findings = "[]" if not ticket.findings else _findings(ticket)
    expires = _expiry(ticket.expires_at)
    expires = f'"{expires}"' if expires else "null"
    return f'{{{scrub(who)}, "token": "{ticket.token}", "expires_at": {expires}, "findings": {findings}}}'


def _findings(ticket: Ticket) -> str:
    return scrub(to_json([finding.json() for finding in ticket.findings], compact=True))


def _quoted(text: str) -> str:
    return quoted(text) if text.isascii() and "\x7f" not in text else to_json(text, compact=True)


def _cells(line: int, ticket: Ticket) -> str:
    r"""Write a row of CSV, in one line: a line break in an identity comes as `\n`, and is not known by it again."""
    who = (ticket.identity, ticket.user_id or "", ticket.room)
    cells = [str(line), *(printable(scrub(text)) for text in who), _expiry(ticket.expires_at), ticket.token]
    joined = ",".join(cells)
    return joined if joined.count(",") == len(COLUMNS) - 1 and '"' not in joined else _csv_text(cells)


def _csv_text(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


@lru_cache(16)
def _expiry(moment: int | None) -> str:
    return (rfc3339(as_moment(moment)) or "") if moment is not None else ""


def _key_of_document(text: str) -> Key:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not (isinstance(document, dict) and document.keys() >= {"identity", "room", "token"}):
        raise _foreign("jsonl")
    return str(document["identity"]), str(document["room"])


def _key_of_cells(text: str) -> Key | None:
    if text.rstrip("\r\n") == _HEADER:
        return None
    cells = next(csv.reader([text]), [])
    if len(cells) != len(COLUMNS):
        raise _foreign("csv")
    named = dict(zip(COLUMNS, cells, strict=True))
    return named["identity"], named["room"]


def _key_of_token(text: str) -> Key:
    try:
        claims = open_envelope(text.strip()).claims
    except LkctlError:
        claims = None
    if not isinstance(claims, dict):
        raise _foreign("name")
    video = claims.get("video")
    room = video.get("room", "") if isinstance(video, dict) else ""
    return str(claims.get("sub", "")), str(room)


def _foreign(format_: str) -> LkctlError:
    told = f"the line is no token as lkctl writes it with -o {format_}"
    return LkctlError("input-malformed", told, hint="Give the -o that the file was made with, or name another file")
