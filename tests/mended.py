"""Does what `lkctl diagnose --fix` prints, as its second line tells people to."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.harness import lacking

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


def make_change(printed: str, folder: Path = Path(), *, after: str = "") -> str:
    """Make the change with the program that it is for, in this folder; give what the program, and `after` it, says.

    Values of the shell itself are changed in it: what `after` sees.
    """
    how = printed.splitlines()[1]
    program = re.search(r"diagnose --fix \| (patch -p0|sh|tail -n 1)", how)
    assert program is not None, printed
    if "patch " in printed and shutil.which("patch") is None:
        lacking("there is no program `patch` here")
    if program[1] == "tail -n 1":
        argv = ["/bin/sh", "-ec", f'eval "$(cat | tail -n 1)"\n{after}']
    else:
        argv = ["/bin/sh", "-ec", program[1]]
    done = subprocess.run(argv, cwd=folder, input=printed.encode(), capture_output=True, timeout=20, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr, printed)
    return done.stdout.decode()


def assert_previewed(printed: str, before: bytes, after: bytes) -> None:
    """What is shown of a command is what it makes of the file: the same lines, but for what is masked."""
    shown = [line.removeprefix("# ") for line in printed.splitlines()[2:] if line.startswith("# ")]
    patch = "".join(f"{line}\n" for line in shown if not line.startswith("\\"))
    assert "@@" in patch, printed
    assert _fitting(before, patch, "-"), printed
    assert _fitting(after, patch, "+"), printed
    assert _others(before, patch, "-") == _others(after, patch, "+"), printed


def _sides(patch: str, mark: str) -> Iterator[tuple[int, list[str]]]:
    """Give of each hunk the number of lines before it, and its lines, on one side."""
    for part in re.split(r"^(?=@@)", patch, flags=re.MULTILINE)[1:]:
        head, *lines = part.splitlines()
        place = re.search(rf"\{mark}(\d+)(?:,(\d+))?", head)
        assert place is not None
        yield int(place[1]) - (place[2] != "0"), [line[1:] for line in lines if line.startswith(mark)]


def _fitting(content: bytes, patch: str, mark: str) -> bool:
    lines = content.decode().splitlines()
    return all(
        re.fullmatch(_unmasked(line), lines[at + number])
        for at, shown in _sides(patch, mark)
        for number, line in enumerate(shown)
    )


def _others(content: bytes, patch: str, mark: str) -> list[str]:
    changed = {at + number for at, shown in _sides(patch, mark) for number in range(len(shown))}
    lines = content.decode().splitlines(keepends=True)
    return [line for number, line in enumerate(lines) if number not in changed]


def _unmasked(line: str) -> str:
    """Give the pattern of what a line is, where it is masked."""
    pattern = re.sub(r"\\\(secret,\\ (\d+)\\ characters\\\)", r".{\1}", re.escape(line))
    return pattern.replace(re.escape("…"), ".*")


def patched(content: bytes, patch: str) -> bytes:
    """Apply a unified diff without context, byte by byte, as strictly as it can be done."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", content)
    moved, at, added = 0, 0, False
    for line in re.findall(r"[^\n]*\n|[^\n]+", patch)[2:]:
        hunk = _HUNK.match(line)
        if hunk is not None:
            at = int(hunk[1]) + moved - (hunk[2] != "0")
        elif line.startswith("-"):
            assert lines[at].rstrip(b"\n") == line[1:].rstrip("\n").encode(), (lines[at], line)
            del lines[at]
            moved, added = moved - 1, False
        elif line.startswith("+"):
            lines.insert(at, line[1:].encode())
            at, moved, added = at + 1, moved + 1, True
        elif added:  # \ No newline at end of file
            lines[at - 1] = lines[at - 1].rstrip(b"\n")
    return b"".join(lines)
