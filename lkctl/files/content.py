"""Reading what was named on the command line: a file, standard input, or the text itself."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from lkctl.errors import LkctlError

CHUNK = 64 * 1024
MOST_BYTES = 64 * 1024 * 1024
STDIN = "standard input"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks


def read_file(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Read a whole file; raise `file-unreadable` or `input-too-large`."""
    with open_file(str(path)) as file:
        return _read(file, str(path), most)


def read_stdin(stdin: TextIO, *, most: int = MOST_BYTES) -> bytes:
    """Read all of standard input."""
    return _read(unbuffered(stdin), STDIN, most)


def read_text(argument: str, stdin: TextIO) -> str:
    """Give the text of `@file`, `-` (standard input) or of the argument itself."""
    source = _source(argument, stdin, MOST_BYTES)
    return argument if source is None else decode(*source)


def read_bytes(argument: str, stdin: TextIO, *, most: int = MOST_BYTES) -> bytes:
    """Give the bytes of `@file`, `-` (standard input) or of the argument itself; raise `input-empty` for blanks."""
    content, name = _source(argument, stdin, most) or (os.fsencode(argument), "the argument")
    return _filled(content, name)


def read_path(argument: str, stdin: TextIO) -> str:
    """Give the text of the file at a path, or of standard input for `-`."""
    return read_text("-" if argument == "-" else f"@{argument}", stdin)


@contextmanager
def open_file(name: str) -> Iterator[Any]:
    """Open a file without a buffer, for `read_chunk`; raise `file-unreadable`."""
    try:
        file = Path(name).open("rb", buffering=0)  # noqa: SIM115  (the with below closes it)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise unreadable(name, error if isinstance(error, OSError) else OSError(errno.EINVAL, "")) from None
    with file:
        yield file


def unbuffered(stdin: TextIO) -> Any:
    """Give standard input without its buffer, which would hide what is there, and take "not yet" for the end."""
    return getattr(stdin.buffer, "raw", stdin.buffer)


def read_chunk(stream: Any, name: str, most: int = CHUNK) -> bytes:
    """Read what is there, waiting until there is something; nothing is the end. Raise `file-unreadable`.

    A stream that does not block (O_NONBLOCK, as the parent of a process may leave its pipe) says None where nothing is
    there yet.
    """
    try:
        while (content := stream.read(most)) is None:
            import select

            select.select([stream], [], [])
    except OSError as error:
        raise unreadable(name, error) from None
    return bytes(content)


def unreadable(name: str, error: OSError) -> LkctlError:
    """Say that a file or a stream cannot be read."""
    hint = "Check the path and its permissions"
    return LkctlError("file-unreadable", f"cannot read {name}: {reason(error)}", hint=hint)


def decode(content: bytes, name: str) -> str:
    """Take bytes for UTF-8; raise `input-encoding` with the place of the first bad byte, `input-empty` for nothing."""
    try:
        return _filled(content, name).decode()
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


def parse_object(text: str, name: str) -> Mapping[str, Any]:
    """Take a text for a JSON object; raise `input-malformed`."""
    from lkctl.tokens.document import read_strictly

    value = read_strictly(text, name)
    if not isinstance(value, dict):
        raise LkctlError("input-malformed", f"{name} is JSON, but not an object", hint='Write it as {"key": "value"}')
    return value


def reason(error: OSError) -> str:
    """Say in the system's words why a file could not be used."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _source(argument: str, stdin: TextIO, most: int) -> tuple[bytes, str] | None:
    """Give what `@file` or `-` names, and how to call it; None for an argument that stands for itself, as `@` does."""
    if argument == "-":
        return read_stdin(stdin, most=most), STDIN
    if argument.startswith("@") and len(argument) > 1:
        return read_file(Path(argument[1:]), most=most), argument[1:]
    return None


def _filled(content: bytes, name: str) -> bytes:
    if not content.strip():
        raise LkctlError("input-empty", f"{name} is empty", hint="Give it something to read")
    return content


def _read(stream: Any, name: str, most: int) -> bytes:
    content = bytearray()
    while chunk := read_chunk(stream, name):
        content += chunk
        if len(content) > most:
            raise LkctlError("input-too-large", f"{name} is larger than {most // 1024 // 1024} MiB", hint="Give less")
    return bytes(content)
