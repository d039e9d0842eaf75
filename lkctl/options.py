"""The options that commands share, each declared once."""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar

import typer
from typer._click.core import Context  # overriding methods needs the class itself
from typer.core import TyperCommand
from typer.main import get_params_convertors_ctx_param_name_from_function as _read_signature

from lkctl.duration import parse_duration
from lkctl.errors import LkctlError
from lkctl.invocation import Connection, Invocation
from lkctl.output.format import EVERYWHERE, Format
from lkctl.tree import write_verbatim

_MOST_SECONDS = 2**32
_OUTPUT, _SERVER, _RUN = "Output", "Connection", "Behaviour"

UserId = Annotated[str | None, typer.Option("--user-id", metavar="ID", help="The user ID; `new` makes one")]
RoomName = Annotated[str, typer.Argument(metavar="ROOM", help="Name of the room")]
Identity = Annotated[str, typer.Argument(metavar="IDENTITY", help="Identity of the participant")]
DestinationRoom = Annotated[str, typer.Option("--to", metavar="ROOM", help="The other room")]
_ROOMS = "Which rooms: all of it must fit"
Match = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", rich_help_panel=_ROOMS, help="Names such as 'ci-*' (repeatable, one must fit)"),
]
OlderThan = Annotated[
    str | None, typer.Option(metavar="DURATION", rich_help_panel=_ROOMS, help="Made longer ago than: 1h, 7d")
]
MetadataHas = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY[=VALUE]", rich_help_panel=_ROOMS, help="The metadata holds this (repeatable)"),
]
Concurrency = Annotated[
    int, typer.Option("--concurrency", metavar="N", min=1, max=128, rich_help_panel=_RUN, help="Calls at once, to 128")
]
Metadata = Annotated[
    str | None, typer.Option("--metadata", metavar="JSON|@FILE|-", help="Metadata: JSON, a file, or stdin")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing", rich_help_panel=_RUN)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation", rich_help_panel=_RUN)]


def _output_options(
    output: Annotated[
        Format,
        typer.Option(
            "--output",
            "-o",
            envvar="LKCTL_OUTPUT",
            rich_help_panel=_OUTPUT,
            case_sensitive=False,
            help="auto is a table on a terminal, tab-separated values in a pipe; a report is text in both",
        ),
    ] = Format.auto,
    color: Annotated[
        str,
        typer.Option(
            "--color",
            metavar="auto|always|never",
            envvar="LKCTL_COLOR",
            rich_help_panel=_OUTPUT,
            help="Colour; auto means on a terminal, unless NO_COLOR is set",
        ),
    ] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=_OUTPUT, help="No remarks on stderr")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", rich_help_panel=_OUTPUT, help="Calls and tracebacks on stderr, without secrets")
    ] = False,
) -> None:
    """Declare what every command has."""


def _settings_options(
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", rich_help_panel=_SERVER, help="Server URL [LIVEKIT_URL]")
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", metavar="KEY", rich_help_panel=_SERVER, help="API key [LIVEKIT_API_KEY]")
    ] = None,
    api_secret: Annotated[
        str | None,
        typer.Option(
            "--api-secret",
            metavar="SECRET|@FILE|-",
            rich_help_panel=_SERVER,
            help="API secret [LIVEKIT_API_SECRET]; a value stays in your shell's history, a file does not",
        ),
    ] = None,
    env_file: Annotated[
        list[str] | None,
        typer.Option(
            "--env-file",
            metavar="PATH",
            rich_help_panel=_SERVER,
            help="Read this file instead of .env.local and .env (repeatable, first wins)",
        ),
    ] = None,
    no_env_file: Annotated[
        bool, typer.Option("--no-env-file", rich_help_panel=_SERVER, help="Read no env file")
    ] = False,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", rich_help_panel=_SERVER, help="Use this project of lk's")
    ] = None,
) -> None:
    """Declare what every command has that needs settings."""


def _timeout_option(
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="DURATION", rich_help_panel=_SERVER, help="Give up after: 30, 30s, 5m")
    ] = "10s",
) -> None:
    """Declare what every command has that talks to a server."""


def _waiting_option(
    timeout: Annotated[
        str, typer.Option("--timeout", metavar="DURATION", rich_help_panel=_SERVER, help="Give up after: 30, 30s, 5m")
    ] = "30s",
) -> None:
    """Declare what every command has that may wait for something to happen on a server."""


def whole_seconds(text: str) -> int:
    """Read a duration where the server takes whole seconds only."""
    seconds = parse_duration(text, "the duration")
    if seconds != int(seconds):
        raise LkctlError("usage", f"{text} is no whole number of seconds", hint="The server takes whole seconds")
    if seconds >= _MOST_SECONDS:
        raise LkctlError(
            "usage", f"{text} is longer than the server counts", hint="Its longest is 136 years, in 32 bits"
        )
    return int(seconds)


class OutputCommand(TyperCommand):
    """A command with `-o`, `--color`, `--quiet` and `--debug`; its Invocation stands in `ctx.obj`."""

    declared: ClassVar[tuple[Callable[..., None], ...]] = (_output_options,)
    formats: ClassVar[tuple[Format, ...]] = EVERYWHERE
    empty_hints: ClassVar[dict[str, str]] = {}  # the next step where an option is empty, if there is a better one

    def __init__(self, name: str | None, **attributes: Any) -> None:
        self._convert: dict[str, Any] = {}
        self._shared: list[str] = []
        params = list(attributes.pop("params", None) or [])
        for declaration in self.declared:
            added, convertors, _ = _read_signature(declaration)
            params.extend(added)
            self._convert.update(convertors)
            self._shared.extend(str(param.name) for param in added)
        output = next(param for param in params if param.name == "output")
        output.metavar = "|".join(self.formats)
        output.type.choices = tuple(str(one) for one in self.formats)  # the enum has those of other commands, too
        super().__init__(name, params=params, **attributes)

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse, then refuse empty values: they come from unset shell variables, and no default is right for them."""
        rest = super().parse_args(ctx, args)
        for param in self.params if not ctx.resilient_parsing else ():
            value = ctx.params.get(str(param.name))
            if value == "" or (isinstance(value, (list, tuple)) and "" in value):
                name = param.opts[0] if param.param_type_name == "option" else param.human_readable_name
                hint = self.empty_hints.get(name, "An unset variable? Leave it out, or give a value")
                raise LkctlError("option-empty", f"{name} is empty", hint=hint)
        return rest

    def invoke(self, ctx: Context) -> Any:
        """Hand the shared options over as one Invocation."""
        shared = {name: ctx.params.pop(name) for name in self._shared}
        shared |= {name: convert(shared[name]) for name, convert in self._convert.items()}
        ctx.obj = _invocation(ctx, shared)
        return super().invoke(ctx)

    def format_options(self, ctx: Context, formatter: Any) -> None:
        """Write arguments, own options, then the shared ones under their headings."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                kind = "Arguments" if param.param_type_name == "argument" else "Options"
                panels.setdefault(getattr(param, "rich_help_panel", None) or kind, []).append(record)
        for title, records in panels.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: Context, formatter: Any) -> None:
        """Write the examples as they stand."""
        write_verbatim(self.epilog, formatter)


class SettingsCommand(OutputCommand):
    """A command that reads the settings, and talks to no server."""

    declared = (_settings_options, _output_options)


class ServerCommand(OutputCommand):
    """A command that talks to a server."""

    declared = (_settings_options, _timeout_option, _output_options)


class WaitingCommand(OutputCommand):
    """A command that may wait for something to happen on a server."""

    declared = (_settings_options, _waiting_option, _output_options)


def examples(*lines: str) -> str:
    """Make the epilog of a command: what a user would type."""
    return "Examples:\n" + "\n".join(f"  {line}" for line in lines)


def use(ctx: typer.Context) -> Invocation:
    """Give the command its Invocation."""
    invocation = ctx.obj
    if not isinstance(invocation, Invocation):
        raise TypeError("the command was declared without cls=OutputCommand")
    return invocation


def _invocation(ctx: Context, shared: dict[str, Any]) -> Invocation:
    if shared["color"] not in {"auto", "always", "never"}:
        raise LkctlError(
            "usage", f"--color (or LKCTL_COLOR) is {shared['color']!r}", hint="Choose one of: auto, always, never"
        )
    names = ("url", "api_key", "api_secret", "env_file", "no_env_file", "project")
    return Invocation.begin(
        console=ctx.find_root().obj,
        command=ctx.command_path.removeprefix("lkctl "),
        format_=shared["output"],
        color=shared["color"],
        quiet=shared["quiet"],
        debug=shared["debug"],
        connection=Connection(**{name: shared.get(name) for name in names}),
        timeout=shared.get("timeout") or "10s",
    )
