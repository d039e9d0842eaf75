"""The options by which the commands of `lkctl agent` say how the agent searches, and what its environment is."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lkctl.invocation import Invocation

_POLICY, _ENV, _DEMANDS, _RUN = "Policy", "The agent's environment", "Demands", "Behaviour"
_PRESETS = ("standard", "metadata-only", "dispatch", "phone")

AgentEnv = Annotated[
    list[str] | None,
    typer.Option("--agent-env", metavar="K=V", rich_help_panel=_ENV, help="A variable of the agent (repeatable)"),
]
AgentEnvFile = Annotated[str | None, typer.Option(metavar="FILE", rich_help_panel=_ENV, help="The agent's env file")]
UseMyEnv = Annotated[
    bool, typer.Option("--use-my-env", rich_help_panel=_ENV, help="Take this shell's environment for the agent's")
]
Preset = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        rich_help_panel=_POLICY,
        help="standard, metadata-only, dispatch or phone",
        autocompletion=lambda incomplete: [name for name in _PRESETS if name.startswith(incomplete)],
    ),
]
Order = Annotated[
    str | None, typer.Option(metavar="A,B,C", rich_help_panel=_POLICY, help="Sources, the strongest first")
]
Keys = Annotated[
    str | None, typer.Option(metavar="A,B|common", rich_help_panel=_POLICY, help="JSON paths of the ID in metadata")
]
RoomPattern = Annotated[
    str | None, typer.Option(metavar="PATTERN", rich_help_panel=_POLICY, help="How a room's name holds the ID")
]
IdentityPattern = Annotated[
    str | None, typer.Option(metavar="PATTERN", rich_help_panel=_POLICY, help="How an identity holds the ID")
]
NoRandom = Annotated[
    bool, typer.Option("--no-random", rich_help_panel=_POLICY, help="Leave it unresolved rather than random")
]
StrictPolicy = Annotated[
    bool, typer.Option("--strict", rich_help_panel=_POLICY, help="Take no number for an ID, and no ambiguity")
]
DecodeNested = Annotated[
    bool, typer.Option("--decode-nested", rich_help_panel=_POLICY, help="Read an object inside a JSON string")
]
RequireTrusted = Annotated[
    bool, typer.Option("--require-trusted", rich_help_panel=_DEMANDS, help="Pass over what a client may write itself")
]
Require = Annotated[bool, typer.Option("--require", rich_help_panel=_DEMANDS, help="Exit 1 if there is no ID")]
RequireRoom = Annotated[
    bool, typer.Option("--require-room", rich_help_panel=_DEMANDS, help="Exit 3 if the room does not exist")
]
Expect = Annotated[str | None, typer.Option(metavar="ID", rich_help_panel=_DEMANDS, help="Exit 1 if it is another ID")]
Follow = Annotated[bool, typer.Option("--follow", rich_help_panel=_RUN, help="Go on, and print a line at each change")]
Create = Annotated[
    bool, typer.Option("--create", rich_help_panel=_RUN, help="Make an absent room for this while; it is removed again")
]
Explain = Annotated[
    bool | None, typer.Option("--explain/--no-explain", help="Show every level; on by default on a terminal")
]


def following_time(ctx: typer.Context, run: "Invocation") -> float | None:
    """Give the seconds for which something is followed: without an end unless --timeout is given."""
    source = ctx.get_parameter_source("timeout")
    return run.timeout if source is not None and source.name != "DEFAULT" else None
