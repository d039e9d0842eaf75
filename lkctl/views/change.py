"""How the change that mends the cause is printed: a patch, or a command. lkctl never makes it itself.

What stands before it are comments: `patch -p0` passes over them, and so does a shell. The second says for whom it is.
"""

import re
from collections.abc import Iterator
from typing import Any

from lkctl.checks.cause import Cause
from lkctl.checks.envedit import shell_path
from lkctl.checks.result import Fix
from lkctl.secret import printable, scrub

_HOW = {
    "patch": "# for patch: lkctl diagnose --fix | patch -p0",
    "shell": "# for a shell: lkctl diagnose --fix | sh",
    "own": '# for your own shell: eval "$(lkctl diagnose --fix | tail -n 1)"',  # its variables are nobody else's
}
_OWN = ("export ", "unset ")
# The paths that `patch` takes from a header: below the folder that it runs in, and of nothing that must be quoted
_BELOW = re.compile(r"(?![-/])(?!(?:.*/)?\.\.(?:/|$))[\w.+@%/-]+", re.ASCII)
_LINE_END = "\r\n"


def change_lines(cause: Cause, content: str, options: str = "") -> Iterator[str]:
    """Give the change, given the file's content ("" where there is none): a patch, or a command for a shell.

    Where the patch would hold a secret, it is there to be read, and the command makes the change. `options`: those of
    lkctl that lead to the server that was judged; a command of lkctl's needs them, too.
    """
    yield f"# {cause.check}: {printable(cause.message)}"
    fix = cause.fix
    patch = patch_of(fix, content) if fix is not None else ()
    if fix is None:
        yield f"# no exact change is known. {printable(cause.hint)}".rstrip()
    elif fix.command:
        yield _HOW["own" if fix.command.startswith(_OWN) else "shell"]
        yield from _commented(patch)
        yield f"{fix.command} {options}".rstrip() if fix.command.startswith("lkctl ") else fix.command
    elif not is_exact(fix, content):
        yield from _commented(patch)
        yield "# secrets are masked: make this change by hand"
    elif _BELOW.fullmatch(fix.path):
        yield from (_HOW["patch"], *patch)
    else:
        yield from (_HOW["shell"], f"patch {shell_path(fix.path)} <<'EOF'", *patch, "EOF")


def change_json(cause: Cause | None, content: str) -> dict[str, Any] | None:
    """Give the change as a document; None where nothing failed. `patch` is there where it can be applied as it is."""
    if cause is None:
        return None
    fix = cause.fix
    patch = "".join(f"{line}\n" for line in patch_of(fix, content)) if fix and is_exact(fix, content) else ""
    shown = None if fix is None else {**fix.json(), "patch": patch or None}
    return {"check": cause.check, "message": cause.message, "hint": cause.hint or None, "fix": shown}


def is_exact(fix: Fix, content: str) -> bool:
    """Whether the patch can be applied: its lines stand in the file as they are shown, and hold nothing to be hidden.

    A file that could not be read (its content is "") is taken for what the fix says of it.
    """
    lines = _lines(content)
    for at, old, _ in _changes(fix, len(lines)):
        there = [line.rstrip(_LINE_END) for line in lines[at : at + len(old)]]
        if content and (there != old or (at == len(lines) and not lines[-1].endswith("\n"))):
            return False
    shown = "\n".join((fix.path, *(line.rstrip("\r") for line in patch_of(fix, content))))
    harmless = shown.replace("\ufeff", "").replace("\t", " ")
    return scrub(shown) == shown and printable(harmless, lines=True) == harmless and printable(fix.path) == fix.path


def patch_of(fix: Fix, content: str) -> tuple[str, ...]:
    """Give a unified diff of the change alone: the lines around it may hold secrets, also of others than LiveKit.

    What is masked is shown even where it looks alike before and after.
    """
    path = printable(fix.path)
    return (f"--- {path}", f"+++ {path}", *_hunks(fix, _lines(content))) if path else ()


def _commented(patch: tuple[str, ...]) -> Iterator[str]:
    yield from (f"# {printable(line.rstrip(_LINE_END))}" for line in patch)


def _lines(content: str) -> list[str]:
    """Give the lines with their ends, as `patch` counts them."""
    return [line for line in re.split(r"(?<=\n)", content) if line]


def _changes(fix: Fix, length: int) -> Iterator[tuple[int, list[str], list[str]]]:
    """Give each change: how many lines are before it, those that it replaces, and those that come instead."""
    at = length if fix.line is None else fix.line - 1
    old, new = [] if fix.old is None else fix.old.split("\n"), _split(fix.new)
    for one in fix.more:
        if one.line - 1 == at + len(old):
            old, new = [*old, *one.old.split("\n")], [*new, *_split(one.new)]
            continue
        yield at, old, new
        at, old, new = one.line - 1, one.old.split("\n"), _split(one.new)
    yield at, old, new


def _split(new: str) -> list[str]:
    return new.split("\n") if new else []


def _hunks(fix: Fix, lines: list[str]) -> Iterator[str]:
    end, moved = _end_of(lines[0]) if lines else "\n", 0
    for at, old, new in _changes(fix, len(lines)):
        ends = [_end_of(line) for line in lines[at : at + len(old)]] or [end]
        between = [ends[0] or end] * (len(new) - 1)
        yield f"@@ -{_range(at, len(old))} +{_range(at + moved, len(new))} @@"
        yield from _marked("-", old, [*ends, *[end] * len(old)])  # a file that cannot be read has no lines
        yield from _marked("+", new, [*between, ends[-1]])
        moved += len(new) - len(old)


def _range(before: int, count: int) -> str:
    """Say which lines, as `patch` wants it: where there are none, the line before them."""
    return f"{before + 1}" if count == 1 else f"{before + (count > 0)},{count}"


def _marked(mark: str, lines: list[str], ends: list[str]) -> Iterator[str]:
    for line, end in zip(lines, ends, strict=False):
        yield f"{mark}{line}{end.removesuffix(chr(10))}"
        if not end:
            yield "\\ No newline at end of file"


def _end_of(line: str) -> str:
    return line[len(line.rstrip(_LINE_END)) :]
