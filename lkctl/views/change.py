"""How the change that mends the cause is printed: a patch, or a command. lkctl never makes it itself.

What stands before it are comments: `patch -p0` passes over them, and so does a shell.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from lkctl.checks.cause import Cause
from lkctl.checks.result import Fix
from lkctl.secret import printable

_MASKED = re.compile(r"\(secret, \d+ characters\)|…")


def change_lines(cause: Cause, content: str) -> Iterator[str]:
    """Give the change, given the file's content ("" where there is none): a patch, or a command for a shell.

    Where the patch would hold a secret, it is there to be read, and the command makes the change.
    """
    yield f"# {cause.check}: {printable(cause.message)}"
    fix = cause.fix
    if fix is None:
        yield f"# no exact change is known. {printable(cause.hint)}".rstrip()
        return
    patch = patch_of(fix, content) if fix.path else ()
    if fix.command:
        yield "# for a shell: lkctl diagnose --fix | sh"
    elif patch and not _MASKED.search("\n".join(patch)):
        yield "# for patch: lkctl diagnose --fix | patch -p0"
    if fix.command or _MASKED.search("\n".join(patch)):
        yield from (f"# {printable(line)}" for line in patch)
        yield from ([fix.command] if fix.command else ["# secrets are masked: make this change by hand"])
    else:
        yield from patch


def change_json(cause: Cause | None, content: str) -> dict[str, Any] | None:
    """Give the change as a document; None where nothing failed."""
    if cause is None:
        return None
    shown = (
        None if cause.fix is None else {**cause.fix.json(), "patch": "\n".join(patch_of(cause.fix, content)) or None}
    )
    return {"check": cause.check, "message": cause.message, "hint": cause.hint or None, "fix": shown}


def patch_of(fix: Fix, content: str) -> tuple[str, ...]:
    """Give a unified diff of the change alone: the lines around it may hold secrets, also of others than LiveKit."""
    return tuple(_diff(*_before_and_after(fix, content), fix.path)) if fix.path else ()


def _before_and_after(fix: Fix, content: str) -> tuple[list[str], list[str]]:
    """Give the lines of the file as they are and as they would be; the changed ones as the fix shows them."""
    lines = content.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    old = [] if fix.old is None else [line + end for line in fix.old.split("\n")]
    new = [line + end for line in fix.new.split("\n")] if fix.new else []
    at = len(lines) if fix.line is None else fix.line - 1
    while len(lines) < at:  # of a file that cannot be read only the place is known
        lines.append(end)
    behind = lines[at + len(old) :]
    return [*lines[:at], *old, *behind], [*lines[:at], *new, *behind]


def _diff(before: list[str], after: list[str], path: str) -> Iterator[str]:
    for line in difflib.unified_diff(before, after, path, path, n=0):
        yield line.rstrip("\r\n")
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"
