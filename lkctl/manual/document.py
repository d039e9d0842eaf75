"""The command tree as one document: `lkctl help --json`."""

from collections.abc import Sequence

from lkctl import __version__
from lkctl.errors import EXIT_MEANINGS
from lkctl.manual.entry import commands_of, entry_of, find_command, parameters_of
from lkctl.output.view import Record
from lkctl.tree import Branch
from lkctl.views.topics import VARIABLES

SCHEMA = "lkctl.help/1"


def help_record(tree: Branch, words: Sequence[str]) -> Record:
    """Give the document of the command or group with this name, of the whole tree without one; all keys are there."""
    name = " ".join(words)
    entries = [entry_of(path, command) for path, command in commands_of(find_command(tree, words), name)]
    document = {
        "schema": SCHEMA,
        "version": __version__,
        "summary": tree.help,
        "options": [one.document for one in parameters_of(tree)],
        "groups": [{"name": word, "summary": line} for word, line in _groups(tree)],
        "commands": [entry.document() for entry in entries],
        "exit_codes": [{"code": int(c), "name": c.name, "meaning": meaning} for c, meaning in EXIT_MEANINGS.items()],
        "environment": [{"name": variable, "meaning": meaning} for variable, meaning in VARIABLES],
    }
    return Record(document, tuple((entry.name, entry.summary) for entry in entries), f"lkctl {name}".strip())


def _groups(tree: Branch) -> list[tuple[str, str]]:
    return [(word, line) for word, line in tree.help_lines() if isinstance(find_command(tree, [word]), Branch)]
