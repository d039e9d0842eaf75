"""Reading what was named on the command line: a file, standard input, or the text itself."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from lkctl.errors import LkctlError

MOST_BYTES = 64 * 1024 * 1024
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks
_DEEPEST = "nested deeper than lkctl reads"


def read_file(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Read a whole file; raise `file-unreadable` or `input-too-large`."""
    try:
        with path.open("rb") as file:
            return _read(file, str(path), most)
    except OSError as error:
        raise LkctlError(
            "file-unreadable", f"cannot read {path}: {reason(error)}", hint="Check the path and its permissions"
        ) from None


def read_stdin(stdin: TextIO, *, most: int = MOST_BYTES) -> bytes:
    """Read all of standard input."""
    return _read(stdin.buffer, "standard input", most)


def read_text(argument: str, stdin: TextIO) -> str:
    """Give the text of `@file`, `-` (standard input) or of the argument itself."""
    if argument == "-":
        return decode(read_stdin(stdin), "standard input")
    if argument.startswith("@") and len(argument) > 1:
        return decode(read_file(Path(argument[1:])), argument[1:])
    return argument


def read_path(argument: str, stdin: TextIO) -> str:
    """Give the text of the file at a path, or of standard input for `-`."""
    return read_text("-" if argument == "-" else f"@{argument}", stdin)


def decode(content: bytes, name: str) -> str:
    """Take bytes for UTF-8; raise `input-encoding` with the place of the first bad byte, `input-empty` for nothing."""
    if not content.strip():
        raise LkctlError("input-empty", f"{name} is empty", hint="Give it something to read")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if content[:2] in _UTF16:
            raise LkctlError(
                "input-encoding", f"{name} is UTF-16, not UTF-8", hint="Save it as UTF-8; PowerShell's > writes UTF-16"
            ) from None
        raise LkctlError(
            "input-encoding",
            f"{name} is not UTF-8: byte {error.start} is 0x{content[error.start]:02x}",
            hint="Save it as UTF-8",
        ) from None


def parse_json(text: str, name: str) -> Any:
    """Take a text for JSON; raise `input-malformed` with line and column, never with the text: it may be a secret."""
    import json

    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise LkctlError(
            "input-malformed",
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            hint='JSON wants double quotes, as in {"userId": "user_1704067200000_abc123"}; mind your shell\'s quoting',
        ) from None
    except (RecursionError, ValueError) as error:
        why = _DEEPEST if isinstance(error, RecursionError) else f"it holds {_named(error)}"
        raise LkctlError("input-malformed", f"{name} is not usable JSON: {why}", hint="Simplify it") from None


def parse_object(text: str, name: str) -> Mapping[str, Any]:
    """Take a text for a JSON object."""
    value = parse_json(text, name)
    if not isinstance(value, dict):
        raise LkctlError("input-malformed", f"{name} is JSON, but not an object", hint='Write it as {"key": "value"}')
    return value


def reason(error: OSError) -> str:
    """Say in the system's words why a file could not be used."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


class _Constant(ValueError):
    """NaN or an infinity: Python reads them, and no other JSON reader."""


def _no_constant(name: str) -> None:
    raise _Constant(name)


def _named(error: ValueError) -> str:
    return str(error) if isinstance(error, _Constant) else "a number with too many digits"


def _read(file: BinaryIO, name: str, most: int) -> bytes:
    content = file.read(most + 1)
    if len(content) > most:
        raise LkctlError("input-too-large", f"{name} is larger than {most // 1024 // 1024} MiB", hint="Give less")
    return content
