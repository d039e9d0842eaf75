"""`lkctl agent …`."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from lkctl.options import Concurrency, Match, MetadataHas, OlderThan, ServerCommand, examples, use

if TYPE_CHECKING:
    from lkctl.invocation import Invocation
    from lkctl.scenarios.resolution import Demands, Judge
    from lkctl.scenarios.roomfilter import RoomFilter

app = typer.Typer()

_POLICY, _ENV, _DEMANDS = "Policy", "The agent's environment", "Demands"


@app.command(
    "resolve",
    cls=ServerCommand,
    epilog=examples(
        "lkctl agent resolve demo",
        "lkctl agent resolve demo --expect user_1704067200000_abc123     # exit 1 if it is another one",
        "lkctl agent resolve demo --agent-env CHROME_USER_ID=user_1704067200000_abc123",
        "lkctl room inspect demo -o json | lkctl agent resolve --snapshot - -o json",
        "lkctl agent resolve --all --match 'mcp-*' --require -o jsonl   # exit 1 if a room has no ID",
    ),
)
def resolve(
    ctx: typer.Context,
    room: Annotated[
        str | None, typer.Argument(metavar="[ROOM]", help="Name of the room; optional with --snapshot and --all")
    ] = None,
    via: Annotated[str | None, typer.Option(metavar="api", help="How to look at the room; api joins nothing")] = None,
    snapshot: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Judge this snapshot (JSON), ask no server")
    ] = None,
    all_rooms: Annotated[bool, typer.Option("--all", help="Every room of the server, one line each")] = False,
    match: Match = None,
    older_than: OlderThan = None,
    metadata_has: MetadataHas = None,
    concurrency: Concurrency = 32,
    explain: Annotated[
        bool | None, typer.Option("--explain/--no-explain", help="Show every level; on by default on a terminal")
    ] = None,
    agent_env: Annotated[
        list[str] | None,
        typer.Option("--agent-env", metavar="K=V", rich_help_panel=_ENV, help="A variable of the agent (repeatable)"),
    ] = None,
    agent_env_file: Annotated[
        str | None, typer.Option(metavar="FILE", rich_help_panel=_ENV, help="The agent's env file")
    ] = None,
    use_my_env: Annotated[
        bool, typer.Option("--use-my-env", rich_help_panel=_ENV, help="Take this shell's environment for the agent's")
    ] = False,
    preset: Annotated[
        str, typer.Option(metavar="NAME", rich_help_panel=_POLICY, help="standard, metadata-only, dispatch or phone")
    ] = "standard",
    order: Annotated[
        str | None, typer.Option(metavar="A,B,C", rich_help_panel=_POLICY, help="Sources, the strongest first")
    ] = None,
    keys: Annotated[
        str | None, typer.Option(metavar="A,B|common", rich_help_panel=_POLICY, help="JSON paths of the ID in metadata")
    ] = None,
    room_pattern: Annotated[
        str | None, typer.Option(metavar="PATTERN", rich_help_panel=_POLICY, help="How a room's name holds the ID")
    ] = None,
    identity_pattern: Annotated[
        str | None, typer.Option(metavar="PATTERN", rich_help_panel=_POLICY, help="How an identity holds the ID")
    ] = None,
    no_random: Annotated[
        bool, typer.Option("--no-random", rich_help_panel=_POLICY, help="Leave it unresolved rather than random")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", rich_help_panel=_POLICY, help="Take no number for an ID, and no ambiguity")
    ] = False,
    decode_nested: Annotated[
        bool, typer.Option("--decode-nested", rich_help_panel=_POLICY, help="Read an object inside a JSON string")
    ] = False,
    require_trusted: Annotated[
        bool,
        typer.Option("--require-trusted", rich_help_panel=_DEMANDS, help="Pass over what a client may write itself"),
    ] = False,
    require: Annotated[
        bool, typer.Option("--require", rich_help_panel=_DEMANDS, help="Exit 1 if there is no ID")
    ] = False,
    require_room: Annotated[
        bool, typer.Option("--require-room", rich_help_panel=_DEMANDS, help="Exit 3 if the room does not exist")
    ] = False,
    expect: Annotated[
        str | None, typer.Option(metavar="ID", rich_help_panel=_DEMANDS, help="Exit 1 if it is another ID")
    ] = None,
) -> None:
    """Tell which user ID an agent in this room would use, and why.

    Looks through participant metadata, room metadata, room name and the agent's environment, in this order, and joins
    nothing: `lkctl agent resolve` asks the API only. Exit 1 when it stays unresolved or a demand is not met.

    With --all, each room is asked, several at once, and shown as its answer comes; all of it ends within --timeout.
    A room that gives no answer does not hide the others: it is told of in the end, by the exit code too.
    """
    from lkctl.scenarios import resolution as work

    run = use(ctx)
    policy = work.make_policy(
        preset,
        order=order,
        keys=keys,
        room_pattern=room_pattern,
        identity_pattern=identity_pattern,
        random=not no_random,
        strict=strict,
        require_trusted=require_trusted,
        decode_nested=decode_nested,
    )
    environment = work.agent_environment(agent_env, agent_env_file, use_my_env=use_my_env)
    way = work.choose_way(via, snapshot) or "snapshot"
    excluded = {"ROOM": room, "--snapshot": snapshot, "--explain": explain, "--require-room": require_room}
    rooms = work.choose_rooms((match, older_than, metadata_has), all_rooms=all_rooms, excluded=excluded)
    task = _Task(run, lambda seen: work.judge(seen, *environment, policy), work.Demands(require, expect))
    if rooms is not None:
        task.resolve_all(rooms, concurrency)
    else:
        task.resolve_one(room, snapshot, way=way, require_room=require_room, explain=explain)


class _Task(NamedTuple):
    run: "Invocation"
    judge: "Judge"
    demands: "Demands"

    def resolve_one(
        self, room: str | None, snapshot: str | None, *, way: str, require_room: bool, explain: bool | None
    ) -> None:
        from lkctl.scenarios.resolution import insist
        from lkctl.views.resolution import show_resolution

        run = self.run
        seen = run.snapshot(room, snapshot, require_room=require_room)
        resolution = self.judge(seen)
        show_resolution(resolution, run.format, run.console, via=way, room=seen.name, explain=explain)
        insist(resolution, self.demands)

    def resolve_all(self, rooms: "RoomFilter", at_once: int) -> None:
        from lkctl.scenarios.resolutions import Resolutions
        from lkctl.views.fleet import show_fleet
        from lkctl.views.resolution import resolutions_view

        run = self.run
        found = Resolutions(run.api(), rooms, self.judge, self.demands, at_once)
        show_fleet(resolutions_view(), found, found.tally, run.format, run.console)
        found.insist()
