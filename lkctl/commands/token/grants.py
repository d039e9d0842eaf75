"""The grants of `lkctl token mint`: a switch for each that livekit-server knows, and --grant for those it may learn."""

from collections.abc import Iterable, Mapping
from typing import Any

from typer._click.core import Context  # overriding methods needs the class itself
from typer.core import TyperOption

from lkctl.convention import size_of
from lkctl.errors import LkctlError
from lkctl.options import SettingsCommand
from lkctl.output.format import EVERYWHERE, Format
from lkctl.tokens.claims import GROUPS, KNOWN, SOURCES, folded

_ASKED = "lkctl.grants"  # where the context keeps them for the command
_HEADING = "Grants"
_AS_AGENT = "agent"  # --agent names one to dispatch

# What each switch allows; options are named after the grant: roomCreate is --room-create, sip.call is --sip-call
SWITCHES: Mapping[str, str] = {
    "roomJoin": "Join the room; the roles for participants have it",
    "canPublish": "Publish tracks; the server says yes by itself",
    "canSubscribe": "Receive tracks; the server says yes by itself",
    "canPublishData": "Send data; the server goes by canPublish",
    "canUpdateOwnMetadata": "Change its own name, metadata and attributes",
    "canSubscribeMetrics": "Receive metrics",
    "canManageAgentSession": "Manage the session of an agent",
    "hidden": "Not be seen by the others",
    "recorder": "Count as a recorder",
    "agent": "Count as an agent, and register as a worker",
    "roomCreate": "Create and delete rooms",
    "roomList": "List rooms",
    "roomAdmin": "Administer the room",
    "roomRecord": "Record rooms",
    "ingressAdmin": "Manage ingress",
    "sip.admin": "Manage SIP trunks and dispatch rules",
    "sip.call": "Make SIP calls",
    "agent.admin": "Manage cloud agents",
    "agent.simulationAdmin": "Manage simulations of agents",
    "agent.databaseAdmin": "Manage the databases of agents",
    "agent.dispatchAdmin": "Manage the dispatch queue of agents",
    "inference.perform": "Use LiveKit's inference",
    "observability.write": "Write observability data",
}
# True where it is absent, or given by a role: those can be refused
REFUSABLE = ("canPublish", "canSubscribe", "canPublishData", "canUpdateOwnMetadata")


class MintCommand(SettingsCommand):
    """A command whose options include every grant; `grants_of` gives them to it."""

    formats = (*EVERYWHERE, Format.csv, Format.env)

    def __init__(self, name: str | None, **attributes: Any) -> None:
        self._grants = {path: _switch(path, text) for path, text in SWITCHES.items()}
        self._grants |= {"canPublishSources": _source(), "destinationRoom": _destination()}
        self._newer = _newer()
        params = [*self._grants.values(), self._newer, *(attributes.pop("params", None) or [])]
        super().__init__(name, params=params, **attributes)

    def invoke(self, ctx: Context) -> Any:
        """Put the grants that were asked for into the context: the command is handed one mapping."""
        values = {path: ctx.params.pop(str(option.name)) for path, option in self._grants.items()}
        asked = [(path, value) for path, value in values.items() if value is not None and value != ()]
        words = ctx.params.pop(str(self._newer.name))
        asked += _parsed(words) if words else []
        ctx.meta[_ASKED] = _grouped(asked)
        return super().invoke(ctx)


def grants_of(ctx: Context) -> dict[str, dict[str, Any]]:
    """Give the grants that were asked for, by group: {"video": {"roomList": True}, "sip": {"call": True}}."""
    grants: dict[str, dict[str, Any]] = ctx.meta[_ASKED]
    return grants


def option_of(path: str) -> str:
    """Name the switch of a grant."""
    if path == _AS_AGENT:
        return "--as-agent"
    return "--" + "".join(f"-{char.lower()}" if char.isupper() else char for char in path.replace(".", "-"))


def _switch(path: str, text: str) -> TyperOption:
    option = option_of(path)
    words = f"{option}/--no-{option[2:]}" if path in REFUSABLE else option
    return TyperOption(param_decls=[words], is_flag=True, default=None, help=text, rich_help_panel=_HEADING)


def _source() -> TyperOption:
    text = f"Publish only {', '.join(SOURCES[:-1])} or {SOURCES[-1]} (repeatable)"
    return _option(["--source"], "SOURCE", text, multiple=True, words=SOURCES)


def _destination() -> TyperOption:
    return _option(["--destination-room"], "ROOM", "Forward or move participants of its room to this one")


def _newer() -> TyperOption:
    text = "A grant that lkctl has no option for: canFly=true goes into video, sip.fly=true into sip (repeatable)"
    return _option(["--grant"], "KEY=JSON", text, multiple=True)


def _option(
    names: list[str], metavar: str, text: str, *, multiple: bool = False, words: Iterable[str] = ()
) -> TyperOption:
    return TyperOption(
        param_decls=names, metavar=metavar, help=text, multiple=multiple, rich_help_panel=_HEADING,
        autocompletion=lambda _context, _words, begun: [word for word in words if word.startswith(begun)],
    )  # fmt: skip


def _parsed(words: Iterable[str]) -> list[tuple[str, Any]]:
    """Read KEY=JSON: video grants without a dot, those of other groups with one, or a whole group as an object."""
    from lkctl.tokens.document import read_strictly

    found: list[tuple[str, Any]] = []
    for word in words:
        size_of(word, "grant")
        key, equals, text = word.partition("=")
        parts = key.split(".")
        if not (equals and all(parts)):
            lacks = "whole key" if equals else "="
            raise LkctlError("usage", f"the grant {word!r} has no {lacks}", hint="Write KEY=JSON, as in canFly=true")
        if len(parts) > 2:  # noqa: PLR2004
            hint = 'Write GROUP.GRANT=JSON, or the group as an object: sip={"call": true}'
            raise LkctlError("usage", f"--grant {key}: a grant stands in a group, and no deeper", hint=hint)
        value = read_strictly(text, f"--grant {key}")
        _insist_grant(key)
        whole = isinstance(value, dict) and "." not in key
        found += [(f"{key}.{name}", item) for name, item in value.items()] if whole else [(key, value)]
    return found


def _insist_grant(key: str) -> None:
    claim = KNOWN.get(folded(key.partition(".")[0]))
    if claim is not None and claim not in GROUPS:
        hint = "The claims of a token have options of their own: lkctl token mint --help"
        raise LkctlError("usage", f"--grant {key}: {claim} is a claim, and no grant", hint=hint)


def _grouped(asked: Iterable[tuple[str, Any]]) -> dict[str, dict[str, Any]]:
    """Sort grants into their groups; raise `usage` where two say different things of one."""
    grants: dict[str, dict[str, Any]] = {}
    for path, value in asked:
        group, dot, name = path.partition(".")
        fields = grants.setdefault(group if dot else "video", {})
        size_of(value if isinstance(value, str) else "", path)
        asked_for = list(value) if isinstance(value, tuple) else value
        if fields.setdefault(name if dot else group, asked_for) != asked_for:
            raise LkctlError("usage", f"the grant {path} is given twice, with different values", hint="Give it once")
    return grants
