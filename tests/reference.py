"""The README's reference, made from the code. `python -m tests.reference` writes it; test_docs.py compares.

Also what `.ci/run` calls the docs-drift check: `python -m tests.reference --check`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lkctl.checks.catalogue import ALL_CHECKS
from lkctl.cli import root
from lkctl.errors import CATALOGUE, EXIT_MEANINGS, docs_anchor
from lkctl.manual.entry import Entry, commands_of, entry_of
from lkctl.tokens.catalogue import RULES
from lkctl.tokens.roles import ROLES
from lkctl.userid import WARNINGS
from lkctl.views.topics import FORMATS, LAYERS, VARIABLES

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- reference: made by `python -m tests.reference`, do not edit -->", "<!-- end of reference -->"
_SHARED = ("Connection", "Output")


def reference() -> str:
    """Write the whole reference."""
    parts = [
        "### Commands",
        *_commands(),
        "### Exit codes",
        _table(("code", "name", "meaning"), [(str(int(c)), c.name, m) for c, m in EXIT_MEANINGS.items()]),
        "### Environment",
        _table(("variable", "meaning"), [(f"`{name}`", meaning) for name, meaning in VARIABLES]),
        "Settings are looked for in this order:",
        _table(("layer", "meaning"), LAYERS),
        "### Output",
        _table(("format", "meaning"), FORMATS),
        "### Errors",
        _table(
            ("code", "exit", "meaning"),
            [(_anchored(code), str(int(kind.exit_code)), kind.meaning) for code, kind in CATALOGUE.items()],
        ),
        "### Checks",
        _table(
            ("id", "title", "a problem is a", "needs"),
            [(_anchored_once(c.id), c.title, c.severity.value, ", ".join(c.needs)) for c in ALL_CHECKS],
        ),
        "### Lint rules",
        _table(
            ("id", "what it finds", "severity", "what comes of it"),
            [(_anchored_once(r.id), r.title, r.severity.value, r.consequence) for r in RULES],
        ),
        "### Roles of `token mint`",
        _table(("role", "meaning"), [(f"`{name}`", role.help) for name, role in ROLES.items()]),
        "### Warnings of `agent resolve`",
        _table(("code", "meaning"), list(WARNINGS.items())),
    ]
    return "\n\n".join(parts)


def in_place(readme: str) -> str:
    """Give the README with a fresh reference in it."""
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{reference()}\n\n{END}{after}"


def walk() -> Iterator[tuple[str, Any]]:
    """Give every command of the tree with its path."""
    return commands_of(root())


def _commands() -> Iterator[str]:
    shared: dict[str, list[tuple[str, str]]] = {}
    for path, command in walk():
        entry, own = entry_of(path, command), []
        for one in entry.parameters:
            row = (f"`{one.spelling}`", one.told)
            if one.panel in _SHARED:
                shared.setdefault(one.panel, [])
                shared[one.panel] += [row] if row not in shared[one.panel] else []
            else:
                own.append(row)
        yield _section(entry, own)
    yield "Options of every command that reads settings or talks to a server:\n\n" + _table(
        ("option", "meaning"), shared["Connection"]
    )
    yield "Options of every command:\n\n" + _table(("option", "meaning"), shared["Output"])


def _section(entry: Entry, own: list[tuple[str, str]]) -> str:
    parts = [f"#### `lkctl {entry.name}`", entry.text]
    if own:
        parts.append(_table(("argument or option", "meaning"), own))
    if entry.examples:
        parts.append("```\n" + "\n".join(entry.examples) + "\n```")
    return "\n\n".join(parts)


def _table(headings: tuple[str, ...], rows: Any) -> str:
    lines = ["| " + " | ".join(headings) + " |", "| " + " | ".join("---" for _ in headings) + " |"]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _oneline(text).replace("|", "\\|")


def _oneline(text: str) -> str:
    return " ".join(text.split())


def _anchored(name: str) -> str:
    return f'<a id="{docs_anchor(name).partition("#")[2]}"></a>`{name}`'


def _anchored_once(name: str) -> str:
    """Anchor a check or a rule; one that shares its anchor with an error code points there instead."""
    anchor = docs_anchor(name)
    taken = anchor in {docs_anchor(code) for code in CATALOGUE}
    return f"[`{name}`]({anchor.removeprefix('README.md')})" if taken else _anchored(name)


if __name__ == "__main__":
    now = README.read_text()
    fresh = in_place(now)
    if "--check" in sys.argv:
        sys.exit("README.md has drifted from the code; run: python -m tests.reference" if now != fresh else 0)
    README.write_text(fresh)
