"""What the command tree holds, read from it: a command with its arguments, options and examples."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from typer._click.core import Context  # a parameter spells itself for a context

from lkctl.errors import LkctlError
from lkctl.tree import Branch

_TYPES = {"boolean": "flag", "choice": "choice", "int": "integer", "int range": "integer", "path": "path"}


class Parameter(NamedTuple):
    """An argument or an option: as `--help` spells and explains it, under which heading, and as a document."""

    is_option: bool
    spelling: str
    told: str
    panel: str
    document: dict[str, Any]


class Entry(NamedTuple):
    """A command: `name` without the program's, such as `room create`; `summary` is the first sentence of `text`."""

    name: str
    usage: str
    summary: str
    text: str
    parameters: tuple[Parameter, ...]
    examples: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Give it as `lkctl help --json` shows it."""
        return {
            "name": self.name,
            "usage": self.usage,
            "summary": self.summary,
            "description": self.text,
            "arguments": [one.document for one in self.parameters if not one.is_option],
            "options": [one.document for one in self.parameters if one.is_option],
            "examples": list(self.examples),
        }


def find_command(tree: Branch, words: Sequence[str]) -> Any:
    """Find a command or a group by its words, the tree itself by none; raise `usage` where there is none."""
    found: Any = tree
    for number, word in enumerate(words):
        path = " ".join(["lkctl", *words[:number]])
        if not isinstance(found, Branch):
            raise LkctlError("usage", f"{path} has no commands, so no {word!r} either", hint=f"Run: {path} --help")
        _, found, _ = found.resolve_command(Context(found, info_name=path), [word])
    return found


def help_text(tree: Branch, words: Sequence[str]) -> str:
    """Write what `--help` writes."""
    found = find_command(tree, words)
    return str(found.get_help(Context(found, info_name=" ".join(["lkctl", *words])))) + "\n"


def lines_below(tree: Branch, words: Sequence[str]) -> list[tuple[str, str]]:
    """Give name and help line of what comes after these words; nothing after words that lead nowhere."""
    found: Any = tree
    for word in words:
        found = found.get_command(Context(found), word) if isinstance(found, Branch) else None
    return found.help_lines() if isinstance(found, Branch) else []


def commands_of(found: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Give a command with its name, or every command below a group, in the order of `--help`; they are imported."""
    if not isinstance(found, Branch):
        yield name, found
        return
    context = Context(found)
    for word in found.list_commands(context):
        yield from commands_of(found.get_command(context, word), f"{name} {word}".strip())


def entry_of(name: str, command: Any) -> Entry:
    """Read one command."""
    parameters = tuple(parameters_of(command))
    text = re.sub(r"[ \t]*\n[ \t]*", "\n", command.help or "").strip()
    wanted = [_in_usage(one) for one in parameters if not one.is_option]
    return Entry(
        name,
        " ".join([f"lkctl {name}", "[OPTIONS]", *wanted]),
        text.partition("\n")[0].rstrip("."),
        text,
        parameters,
        tuple(line.strip() for line in (command.epilog or "").splitlines()[1:]),
    )


def parameters_of(command: Any) -> Iterator[Parameter]:
    """Give the arguments and options of a command or of the root, in the order of `--help`; not `--help` itself."""
    context = Context(command)
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is None or param.name == "help":
            continue
        panel = getattr(param, "rich_help_panel", None) or ""
        is_option = param.param_type_name == "option"
        yield Parameter(is_option, record[0], " ".join(record[1].split()), panel, _document(param, context, panel))


def _document(param: Any, context: Context, panel: str) -> dict[str, Any]:
    is_flag = param.param_type_name == "option" and param.is_flag
    metavar = None if is_flag else param.make_metavar(ctx=context)
    name = max(param.opts, key=len)
    completions = [item.value for item in param.shell_complete(context, "")]
    return {
        "name": name,
        "aliases": [other for other in param.opts if other != name],
        "off_name": next(iter(param.secondary_opts), None),
        "metavar": metavar,
        "help": " ".join((param.help or "").split()),
        "type": _TYPES.get(param.type.name, "text"),
        "min": getattr(param.type, "min", None),
        "max": getattr(param.type, "max", None),
        "choices": _choices(param, metavar or "", completions),
        "completions": completions,
        "values": 0 if is_flag else abs(param.nargs),
        "repeatable": param.nargs < 0 or bool(getattr(param, "multiple", False)),
        "required": param.required,
        "default": param.default,
        "env": param.envvar or _variable(param.help or ""),
        "heading": panel or None,
    }


def _choices(param: Any, metavar: str, completions: list[str]) -> list[str] | None:
    """Give the values that are taken, where there are no others: the type knows them, or the metavar lists them all."""
    listed = metavar.split("|")
    closed = len(listed) > 1 and all(re.fullmatch("[a-z][a-z-]*", word) for word in listed)
    return list(getattr(param.type, "choices", ())) or (listed if closed and completions in ([], listed) else None)


def _variable(text: str) -> str | None:
    """Find the variable of a setting: Typer does not read it, because a setting has more places than one."""
    found = re.search(r"\[(LIVEKIT_[A-Z_]+)\]", text)
    return found[1] if found else None


def _in_usage(argument: Parameter) -> str:
    bare = argument.document["required"] or argument.spelling.startswith("[")
    return argument.spelling if bare else f"[{argument.spelling}]"
