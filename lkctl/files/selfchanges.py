"""Where a project's source changes what its own participant shows: metadata, attributes, name.

For that a token must hold canUpdateOwnMetadata. Found by their spelling in LiveKit's SDKs (setMetadata in JavaScript,
set_metadata in Python, updateMetadata in Kotlin …), on `localParticipant` itself or on a name that was given to it.
"""

import re
from pathlib import Path
from typing import NamedTuple

from lkctl.errors import LkctlError
from lkctl.files.sources import Sources

_OWN = r"local_?participant\b"
_CALL = r"\s*(?:\(\s*\))?[?!]*\s*\??\.\s*(?:set|update)_?(?:metadata|attributes|name)\s*\("
_DIRECT = re.compile(_OWN + _CALL, re.IGNORECASE)
_ALIAS = re.compile(
    rf"\b([A-Za-z_]\w{{0,63}})\s*(?::\s*[\w.]+\s*)?:?=\s*[\w.?!()\s]{{0,80}}?{_OWN}(?!\s*[?!]*\.)", re.IGNORECASE
)
_COMMENT = re.compile(r"\s*(?://|#|\*|/\*|--)")


class Scan(NamedTuple):
    """The first place found, as `src/app.ts:12`, or ""; how many files were read; where reading stopped short."""

    place: str
    files: int
    cut: str


def scan_for_self_change(folder: Path) -> Scan:
    """Look through the source files under a folder; raise `file-unreadable` where it is none."""
    if not folder.is_dir():
        why = "it is not a folder" if folder.exists() else "it does not exist"
        raise LkctlError("file-unreadable", f"cannot scan {folder}: {why}", hint="Name the folder of your project")
    sources = Sources(folder)
    for name, text in sources.read():
        line = _changing_line(text)
        if line:
            return Scan(f"{name}:{line}", sources.files, "")
    return Scan("", sources.files, sources.cut)


def _changing_line(text: str) -> int:
    """Give the number of the first line with such a call that is no comment; 0 where there is none."""
    if "articipant" not in text:
        return 0
    names = {re.escape(found[1]) for found in _ALIAS.finditer(text)}
    patterns = [_DIRECT, *(re.compile(rf"(?<![\w.]){name}{_CALL}", re.IGNORECASE) for name in sorted(names)[:20])]
    found = (match.end() for pattern in patterns for match in pattern.finditer(text))
    lines = (text.count("\n", 0, end) + 1 for end in found if not _COMMENT.match(_line_at(text, end)))
    return min(lines, default=0)


def _line_at(text: str, place: int) -> str:
    return text[text.rfind("\n", 0, place) + 1 : place]
