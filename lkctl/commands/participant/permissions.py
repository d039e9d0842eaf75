"""The permissions of `lkctl participant update`: a switch for each, named as `lkctl token mint` names the grant."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from typer._click.core import Context  # overriding methods needs the class itself
from typer.core import TyperOption

from lkctl.commands.token.grants import option_of
from lkctl.errors import LkctlError
from lkctl.options import ServerCommand
from lkctl.tokens.claims import SOURCES, read_source

_ASKED = "lkctl.permission"  # where the context keeps them for the command
_HEADING = "Permissions (what is not named stays)"
_ALL = "all"

# By the grant that gives it in a token: the field of livekit.ParticipantPermission, and what the switch allows
SWITCHES: Mapping[str, tuple[str, str]] = {
    "canPublish": ("can_publish", "Publish tracks; without it, those it has published end"),
    "canSubscribe": ("can_subscribe", "Receive tracks"),
    "canPublishData": ("can_publish_data", "Send data"),
    "canUpdateOwnMetadata": ("can_update_metadata", "Change its own name, metadata and attributes"),
    "canSubscribeMetrics": ("can_subscribe_metrics", "Receive metrics"),
    "canManageAgentSession": ("can_manage_agent_session", "Manage the session of an agent"),
    "hidden": ("hidden", "Not be seen by who joins later"),
    "recorder": ("recorder", "Count as a recorder"),
    "agent": ("agent", "Count as an agent"),
}


class UpdateCommand(ServerCommand):
    """A command whose options include every permission; `permission_of` gives them to it."""

    empty_hints: ClassVar[dict[str, str]] = {
        "--metadata": "The server takes empty metadata for no change; to leave it without a key: --metadata '{}'",
        "--name": "The server takes an empty name for no change: a name can be replaced, and not removed",
    }

    def __init__(self, name: str | None, **attributes: Any) -> None:
        self._switches = {field: _switch(grant, text) for grant, (field, text) in SWITCHES.items()}
        self._sources = _source()
        params = [*self._switches.values(), self._sources, *(attributes.pop("params", None) or [])]
        super().__init__(name, params=params, **attributes)

    def invoke(self, ctx: Context) -> Any:
        """Put the permissions that were asked for into the context: the command is handed one mapping."""
        values = {field: ctx.params.pop(str(option.name)) for field, option in self._switches.items()}
        asked: dict[str, Any] = {field: value for field, value in values.items() if value is not None}
        words = ctx.params.pop(str(self._sources.name))
        ctx.meta[_ASKED] = asked | ({"can_publish_sources": _read_sources(words)} if words else {})
        return super().invoke(ctx)


def permission_of(ctx: Context) -> dict[str, Any]:
    """Give the permissions that were asked for, by the fields of Permission."""
    asked: dict[str, Any] = ctx.meta[_ASKED]
    return asked


def _switch(grant: str, text: str) -> TyperOption:
    option = option_of(grant)
    words = f"{option}/--no-{option[2:]}"
    return TyperOption(param_decls=[words], is_flag=True, default=None, help=text, rich_help_panel=_HEADING)


def _source() -> TyperOption:
    words = (*SOURCES, _ALL)
    return TyperOption(
        param_decls=["--source"], metavar="SOURCE", multiple=True, rich_help_panel=_HEADING,
        help=f"Publish only {', '.join(SOURCES[:-1])} or {SOURCES[-1]} (repeatable), or `all`",
        autocompletion=lambda _context, _words, begun: [word for word in words if word.startswith(begun)],
    )  # fmt: skip


def _read_sources(words: Iterable[str]) -> tuple[str, ...]:
    """Give the sources by their protobuf names, in the order of SOURCES; none of them means all to the server."""
    chosen = {read_source(word, (*SOURCES, _ALL)) for word in words}
    if _ALL in chosen and len(chosen) > 1:
        raise LkctlError("usage", "--source all excludes others", hint="Give `all`, or the sources")
    return tuple(source.upper() for source in SOURCES if source in chosen)
