"""A command tree that imports and builds only the command that was asked for.

Typer builds the whole tree before it looks at the arguments; with 45 commands that is most of a run.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer
from typer._click.core import Context  # overriding methods needs the class itself
from typer.core import TyperGroup, TyperOption
from typer.main import get_command_from_info

from lkctl.errors import LkctlError

SHELLS = ("bash", "zsh", "fish")
# What other tools, LiveKit's lk first, call our verbs
_MEANT = {
    "delete": ("remove",), "get": ("inspect",), "kick": ("remove",), "ls": ("list",), "remove": ("delete",),
    "rm": ("delete", "remove"),
}  # fmt: skip
_ABOUT = "The verifier for LiveKit: says whether a token, a room, an agent or a deployment is right, and why not."


class Branch(TyperGroup):
    """A group whose help never builds its commands, and whose errors are ours."""

    def help_lines(self) -> list[tuple[str, str]]:
        """Give name and help line of each command, in order."""
        raise NotImplementedError

    def list_commands(self, ctx: Context) -> list[str]:
        """Name the commands."""
        return [name for name, _ in self.help_lines()]

    def format_commands(self, ctx: Context, formatter: Any) -> None:
        """Write the list of commands from the help lines alone."""
        with formatter.section("Commands"):
            formatter.write_dl(self.help_lines())

    def format_epilog(self, ctx: Context, formatter: Any) -> None:
        """Write the epilog as it stands."""
        write_verbatim(self.epilog, formatter)

    def resolve_command(self, ctx: Context, args: list[str]) -> Any:
        """Find the command, or say which one may have been meant."""
        names = self.list_commands(ctx)
        if args and args[0] not in names and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise _no_such_command(ctx.command_path, args[0], names)
        return super().resolve_command(ctx, args)


class Noun(Branch):
    """`lkctl room`: the commands of one module."""

    def __init__(self, name: str, app: typer.Typer, help_: str) -> None:
        super().__init__(name=name, help=help_, no_args_is_help=True, rich_markup_mode=None)
        self._infos = {str(info.name): info for info in app.registered_commands}

    def help_lines(self) -> list[tuple[str, str]]:
        """Take the first line of each command's docstring."""
        return [(name, first_line(info.callback)) for name, info in self._infos.items()]

    def get_command(self, ctx: Context, cmd_name: str) -> Any:
        """Build the one command that was asked for."""
        info = self._infos.get(cmd_name)
        return (
            None if info is None else get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)
        )


class Folder(Branch):
    """`lkctl token`: the commands of a package with VERBS, each in a module of its own, imported when it is called."""

    def __init__(self, name: str, package: str, verbs: Mapping[str, str], help_: str) -> None:
        super().__init__(name=name, help=help_, no_args_is_help=True, rich_markup_mode=None)
        self._package = package
        self._verbs = verbs

    def help_lines(self) -> list[tuple[str, str]]:
        """Give the help lines that the package holds; tests compare them with the docstrings."""
        return list(self._verbs.items())

    def get_command(self, ctx: Context, cmd_name: str) -> Any:
        """Import and build the one command that was asked for."""
        if cmd_name not in self._verbs:
            return None
        app = importlib.import_module(f"{self._package}.{cmd_name}").app
        return Noun(cmd_name, app, "").get_command(ctx, cmd_name)


class Tree(Branch):
    """The root: nouns by name, each imported when it is looked up."""

    def __init__(self, name: str, nouns: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(
            name=name,
            help=_ABOUT,
            epilog="Start here:\n  lkctl demo\n  lkctl token mint --user-id new\n  lkctl diagnose\n  lkctl help",
            no_args_is_help=True,
            rich_markup_mode=None,
            params=_root_options(),
        )
        self._nouns = nouns

    def help_lines(self) -> list[tuple[str, str]]:
        """Give the nouns with their help lines."""
        return [(name, line) for name, (_, line) in self._nouns.items()]

    def get_command(self, ctx: Context, cmd_name: str) -> Any:
        """Import a noun's module; one with a single command of the noun's own name is that command."""
        if cmd_name not in self._nouns:
            return None
        path, line = self._nouns[cmd_name]
        module = importlib.import_module(path)
        if hasattr(module, "VERBS"):
            return Folder(cmd_name, path, module.VERBS, line)
        noun = Noun(cmd_name, module.app, line)
        return noun.get_command(ctx, cmd_name) if noun.list_commands(ctx) == [cmd_name] else noun

    def complete(self, variable: str, instruction: str) -> int:
        """Answer a shell that asks for completions."""
        from typer._completion_classes import completion_init
        from typer.completion import shell_complete

        completion_init()
        return shell_complete(self, {}, "lkctl", variable, instruction)

    def shell_complete(self, ctx: Context, incomplete: str) -> Any:
        """Complete nouns without importing their modules."""
        from typer._click.shell_completion import CompletionItem

        found = [CompletionItem(name, help=line) for name, line in self.help_lines() if name.startswith(incomplete)]
        return [*found, *super(TyperGroup, self).shell_complete(ctx, incomplete)]


def first_line(function: Callable[..., Any] | None) -> str:
    """Give the first line of a docstring."""
    return ((function.__doc__ if function else "") or "").strip().partition("\n")[0].rstrip(".")


def write_verbatim(text: str | None, formatter: Any) -> None:
    """Write a block of help as it stands."""
    if text:
        formatter.write_paragraph()
        formatter.write(text + "\n")


def _no_such_command(path: str, word: str, names: Sequence[str]) -> LkctlError:
    from difflib import get_close_matches

    near = [one for one in _MEANT.get(word, ()) if one in names] or get_close_matches(word, names, 1)
    hint = f"Did you mean: {path} {near[0]}?" if near else f"Run: {path} --help"
    return LkctlError("usage", f"{path} has no command {word!r}", hint=hint)


def _root_options() -> list[Any]:
    return [
        TyperOption(
            param_decls=["--version", "-V"],
            is_flag=True,
            expose_value=False,
            callback=_version,
            is_eager=True,
            help="Print the version and exit",
        ),
        TyperOption(
            param_decls=["--show-completion"],
            metavar="SHELL",
            expose_value=False,
            callback=_show_completion,
            is_eager=True,
            help="Print the completion script for bash, zsh or fish",
        ),
        TyperOption(
            param_decls=["--install-completion"],
            metavar="SHELL",
            expose_value=False,
            callback=_install_completion,
            is_eager=True,
            help="Install completion for bash, zsh or fish",
        ),
    ]


def _version(ctx: typer.Context, _param: Any, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from lkctl import __version__

        ctx.find_root().obj.write(f"lkctl {__version__}\n")
        raise typer.Exit


def _show_completion(ctx: typer.Context, _param: Any, value: str | None) -> None:
    if value is None or ctx.resilient_parsing:
        return
    from typer._completion_shared import get_completion_script

    script = get_completion_script(prog_name="lkctl", complete_var="_LKCTL_COMPLETE", shell=_known_shell(value))
    ctx.find_root().obj.write(script + "\n")
    raise typer.Exit


def _install_completion(ctx: typer.Context, _param: Any, value: str | None) -> None:
    if value is None or ctx.resilient_parsing:
        return
    from typer._completion_shared import install

    try:
        shell, path = install(shell=_known_shell(value), prog_name="lkctl", complete_var="_LKCTL_COMPLETE")
    except OSError as error:
        told = f"cannot write the completion of {value}: {error.strerror}: {error.filename}"
        raise LkctlError(
            "file-unwritable",
            told,
            hint=f"Print it, and put it where your shell looks: lkctl --show-completion {value}",
        ) from None
    ctx.find_root().obj.talk(f"{shell} completion is installed in {path}; it works in the next shell you open")
    raise typer.Exit


def _known_shell(name: str) -> str:
    if name not in SHELLS:
        raise LkctlError("usage", f"there is no completion for {name!r}", hint=f"Choose one of: {', '.join(SHELLS)}")
    return name
