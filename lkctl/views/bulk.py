"""How many tokens are written: bare, as JSON or as CSV; and read back, to go on with a file of them."""

import csv
import io
import json
import re
from collections.abc import Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339, to_json
from lkctl.scenarios.batches import Failure, OutputForm
from lkctl.secret import printable, scrub
from lkctl.tokens.bulk.minter import BulkToken
from lkctl.tokens.envelope import decode_segment
from lkctl.tokens.words import as_moment

COLUMNS = ("line", "identity", "user_id", "room", "expires_at", "token")
_HEADER = ",".join(COLUMNS)
_JWT = r"(eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)"
_DOCUMENT = rf'\{{.*"token": ?"{_JWT}".*\}}'
_ROW = rf'[0-9]+,.*,"?{_JWT}"?'


def form_of(format_: Format, *, terminal: bool) -> OutputForm:
    """Give the way of a format: what is no document and no CSV is the bare token, as for a single one."""
    if format_ is Format.csv:
        return OutputForm(
            "csv", _ROW, _row_to_look_at if terminal else _row, before=_HEADER + "\n", none=_HEADER + "\n"
        )
    if format_ is Format.jsonl:
        return OutputForm("jsonl", _DOCUMENT, _document, _failure)
    if format_ is Format.json:
        return OutputForm("json", _DOCUMENT, _document, _failure, "", "[\n", ",\n", "\n]\n", "[]\n")
    return OutputForm("name", _JWT, _bare)


class Written(NamedTuple):
    """What the token in a line of an earlier run says of itself. `expires_at` in seconds since 1970; None is never."""

    identity: str
    room: str
    key: str
    expires_at: float | None


def token_in(line: str, form: OutputForm) -> Written | None:
    """Read back what the token in a line says; None where the line is the header.

    Beside the token it stands as it is to be looked at. Raises `input-malformed` for a line that is not of this form.
    """
    bare = line.strip()
    if bare and bare == form.before.strip():
        return None
    found = re.fullmatch(form.pattern, bare, re.DOTALL)
    claims = _claims(found[1]) if found else None
    if claims is None:
        told = f"the line is no token as lkctl writes it with -o {form.option}"
        hint = "Give the -o that the file was made with, or name another file"
        raise LkctlError("input-malformed", told, hint=hint)
    video = claims.get("video")
    room = video.get("room", "") if isinstance(video, dict) else ""
    expires = claims.get("exp")
    return Written(
        str(claims.get("sub", "")),
        str(room),
        str(claims.get("iss", "")),
        expires if isinstance(expires, (int, float)) else None,
    )


def _claims(token: str) -> dict[str, Any] | None:
    try:
        claims = json.loads(decode_segment(token.split(".")[1].encode()) or b"")
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def _bare(_line: int, made: BulkToken) -> str:
    return made.token


def _document(line: int, made: BulkToken) -> str:
    """Write the document with everything scrubbed but the token itself."""
    user_id = "null" if made.user_id is None else _quoted(made.user_id)
    who = f'"line": {line}, "identity": {_quoted(made.identity)}, "room": {_quoted(made.room)}, "user_id": {user_id}'
    findings = "[]" if not made.findings else _findings(made)
    expires = _expiry(made.expires_at)
    expires = f'"{expires}"' if expires else "null"
    return f'{{{scrub(who)}, "token": "{made.token}", "expires_at": {expires}, "findings": {findings}}}'


def _failure(failure: Failure) -> str:
    error = LkctlError(failure.code, scrub(failure.message), hint=scrub(failure.hint))
    return to_json({"error": error.json(), "line": failure.line}, compact=True)


def _findings(made: BulkToken) -> str:
    return scrub(to_json([finding.json() for finding in made.findings], compact=True))


def _quoted(text: str) -> str:
    return quoted(text) if text.isascii() and "\x7f" not in text else to_json(text, compact=True)


def _row(line: int, made: BulkToken) -> str:
    r"""Write a row of CSV in one line: a line break in an identity comes as `\n`; all else is as it is."""
    who = (made.identity, made.user_id or "", made.room)
    cells = [str(line), *(scrub(text) for text in who), _expiry(made.expires_at), made.token]
    joined = ",".join(cells)
    if joined.count(",") == len(COLUMNS) - 1 and '"' not in joined:
        return joined if joined.isprintable() else _one_line(joined)
    return _one_line(_csv_text(cells))


def _row_to_look_at(line: int, made: BulkToken) -> str:
    return printable(_row(line, made))


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _csv_text(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


@lru_cache(16)
def _expiry(moment: int | None) -> str:
    return (rfc3339(as_moment(moment)) or "") if moment is not None else ""
