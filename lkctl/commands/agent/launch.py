"""`lkctl agent launch`."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.commands.agent.policy import (
    AgentEnv,
    AgentEnvFile,
    DecodeNested,
    IdentityPattern,
    Keys,
    NoRandom,
    Order,
    Preset,
    Require,
    RequireTrusted,
    RoomPattern,
    StrictPolicy,
)
from lkctl.options import DryRun, UserId, WaitingCommand, examples, use

if TYPE_CHECKING:
    from lkctl.agents.launch.order import Order as Wanted
    from lkctl.invocation import Invocation

app = typer.Typer()

_WAITS = ("participant", "none")
_SCRIPT, _DEMANDS = "A script of yours", "Demands"


class FailOn(StrEnum):
    """From which severity on a flaw fails the command."""

    error = "error"
    warning = "warning"


def _complete(incomplete: str) -> list[str]:
    return [word for word in _WAITS if word.startswith(incomplete)]


def _sources(incomplete: str) -> list[str]:
    from lkctl.agents.trace.canary import CARRIERS

    return [source for source in CARRIERS if source.startswith(incomplete)]


@app.command(
    "launch",
    cls=WaitingCommand,
    epilog=examples(
        "lkctl agent launch demo",
        "lkctl agent launch mcp-chrome-user-user_1704067200000_abc123 --create",
        "lkctl agent launch demo --user-id user_1704067200000_abc123 --require -o json",
        "lkctl agent launch demo agent.py --python .venv/bin/python     # what does it read?",
        "lkctl agent launch --canary --script agent.py                  # and what does it use?",
        "lkctl agent launch --canary --script agent.py --expect room.metadata --fail-on warning",
    ),
)
def launch(
    ctx: typer.Context,
    room: Annotated[
        str | None, typer.Argument(metavar="[ROOM]", help="Name of the room; left out with --canary")
    ] = None,
    script: Annotated[
        str | None, typer.Argument(metavar="[SCRIPT]", help="Your agent's Python file; else the bundled agent")
    ] = None,
    create: Annotated[bool, typer.Option("--create", help="Make the room if it is absent, and delete it then")] = False,
    wait: Annotated[
        str | None,
        typer.Option(
            metavar="participant|none|DURATION",
            autocompletion=_complete,
            help="How the agent waits for its user: for most of --timeout; not at all, as where the room is made; or "
            "so long [default: as a real one, up to 30s, if --timeout allows]",
        ),
    ] = None,
    metadata: Annotated[
        str | None, typer.Option("--metadata", metavar="JSON|@FILE|-", help="Metadata of the dispatch")
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", metavar="PATH", help="The interpreter that has livekit-agents")
    ] = None,
    script_option: Annotated[
        str | None, typer.Option("--script", metavar="FILE", rich_help_panel=_SCRIPT, help="The same as SCRIPT")
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace/--no-trace", rich_help_panel=_SCRIPT, help="See what it reads; on by default")
    ] = True,
    window: Annotated[
        str,
        typer.Option(metavar="DURATION", rich_help_panel=_SCRIPT, help="Watch it so long, from the first user on"),
    ] = "3s",
    canary: Annotated[
        bool,
        typer.Option(
            "--canary", rich_help_panel=_SCRIPT, help="In a scratch room, with an ID of its own in every source"
        ),
    ] = False,
    fail_on: Annotated[
        FailOn,
        typer.Option(
            "--fail-on",
            metavar="error|warning",
            rich_help_panel=_SCRIPT,
            help="Exit with 1 for what it reads wrongly, of this severity or a worse one",
        ),
    ] = FailOn.error,
    user_id: UserId = None,
    agent_env: AgentEnv = None,
    agent_env_file: AgentEnvFile = None,
    preset: Preset = "standard",
    order: Order = None,
    keys: Keys = None,
    room_pattern: RoomPattern = None,
    identity_pattern: IdentityPattern = None,
    no_random: NoRandom = False,
    strict: StrictPolicy = False,
    decode_nested: DecodeNested = False,
    require_trusted: RequireTrusted = False,
    require: Require = False,
    expect: Annotated[
        str | None,
        typer.Option(
            metavar="ID|SOURCE",
            rich_help_panel=_DEMANDS,
            autocompletion=_sources,
            help="Exit 1 if it is another ID; with --canary, another source",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Run a real agent for one room, see it there, and tell which user ID it used.

    Starts a worker of livekit-agents on this machine (extra `agents`), under a name that nobody else has, and sends it
    to the room; whatever else works there is not called. Without SCRIPT it is lkctl's own agent, which tells the user
    ID that it found; --user-id gives it CHROME_USER_ID. With SCRIPT it is yours, run for real with all that it does: it
    tells no result, so you see what its code reads, at which line and when. --canary shows what it uses.

    In the end agent, dispatch, worker and a room that was made are gone, also after ^C and SIGTERM. If lkctl itself is
    killed (SIGKILL), worker and agent are gone within 30 s and a room that was made soon after; a dispatch in a room
    that was there before stays. Exit 4 or 5: the worker was refused or cannot reach the server; 6: no registration, no
    agent or no result in time, or the bundled agent's user did not come; 1: the worker or the agent failed, a demand is
    not met, or a script reads wrongly; 3: there is no such room, or it was deleted meanwhile.
    """
    from lkctl.agents.launch.plan import Variables, Wishes, make_order

    run = use(ctx)
    rules = {
        "preset": preset,
        "order": order,
        "keys": keys,
        "room_pattern": room_pattern,
        "identity_pattern": identity_pattern,
        "random": not no_random,
        "strict": strict,
        "require_trusted": require_trusted,
        "decode_nested": decode_nested,
    }
    wishes = Wishes(room, script, script_option, canary, create, trace, wait, window, python)
    given = Variables(agent_env, agent_env_file, run.user_id(user_id))
    wanted = make_order(wishes, given, rules, run.metadata(metadata), run.timeout)
    _launch(run, wanted, (require, expect, fail_on), dry_run=dry_run)


def _launch(run: "Invocation", order: "Wanted", demanded: tuple[bool, str | None, FailOn], *, dry_run: bool) -> None:
    from lkctl.agents.launch.launcher import begin, launch
    from lkctl.agents.launch.phases import Stage
    from lkctl.agents.launch.plan import insist_answerable, insist_met
    from lkctl.scenarios.resolution import Demands
    from lkctl.tokens.findings import Severity
    from lkctl.views.launching import launched_view, planned_view

    demands = Demands(*demanded[:2])
    insist_answerable(order, demands)
    api = run.api()
    story = begin(api, order)
    if dry_run:
        run.show(planned_view(order, story))
        return
    launched = launch(api, order, story, Stage(run.console.talk, run.console.progress))
    run.show(launched_view(launched))
    insist_met(launched, demands, Severity(demanded[2].value))
