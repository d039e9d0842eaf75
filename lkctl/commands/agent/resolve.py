"""`lkctl agent resolve`."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from lkctl.commands.agent.policy import (
    AgentEnv,
    AgentEnvFile,
    Create,
    DecodeNested,
    Expect,
    Explain,
    Follow,
    IdentityPattern,
    Keys,
    NoRandom,
    Order,
    Preset,
    Require,
    RequireRoom,
    RequireTrusted,
    RoomPattern,
    StrictPolicy,
    UseMyEnv,
    following_time,
)
from lkctl.options import Concurrency, Match, MetadataHas, OlderThan, ServerCommand, examples, use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lkctl.agents.following import Seen
    from lkctl.invocation import Invocation
    from lkctl.scenarios.resolution import Agent, Demands, Sight
    from lkctl.scenarios.roomfilter import RoomFilter
    from lkctl.server.api import Api

app = typer.Typer()

_WAYS = ("api", "rtc")


@app.command(
    "resolve",
    cls=ServerCommand,
    epilog=examples(
        "lkctl agent resolve demo",
        "lkctl agent resolve demo --expect user_1704067200000_abc123     # exit 1 if it is another one",
        "lkctl agent resolve demo --agent-env CHROME_USER_ID=user_1704067200000_abc123",
        "lkctl agent resolve demo --follow --timeout 5m -o jsonl         # a line at each change",
        "lkctl agent resolve demo --via rtc                              # seen from inside, unseen by others",
        "lkctl room inspect demo -o json | lkctl agent resolve --snapshot - -o json",
        "lkctl agent resolve --all --match 'mcp-*' --require -o jsonl    # exit 1 if a room has no ID",
    ),
)
def resolve(
    ctx: typer.Context,
    room: Annotated[
        str | None, typer.Argument(metavar="[ROOM]", help="Name of the room; optional with --snapshot and --all")
    ] = None,
    via: Annotated[
        str | None,
        typer.Option(
            metavar="api|rtc",
            help="How to look at the room; api joins nothing, rtc joins hidden",
            autocompletion=lambda incomplete: [way for way in _WAYS if way.startswith(incomplete)],
        ),
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option(metavar="FILE|-", help="Judge this snapshot (JSON), ask no server")
    ] = None,
    all_rooms: Annotated[bool, typer.Option("--all", help="Every room of the server, one line each")] = False,
    match: Match = None,
    older_than: OlderThan = None,
    metadata_has: MetadataHas = None,
    concurrency: Concurrency = 32,
    follow: Follow = False,
    interval: Annotated[
        str | None,
        typer.Option(metavar="DURATION", rich_help_panel="Behaviour", help="Pause of --follow between two looks: 0.5s"),
    ] = None,
    create: Create = False,
    explain: Explain = None,
    agent_env: AgentEnv = None,
    agent_env_file: AgentEnvFile = None,
    use_my_env: UseMyEnv = False,
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
    require_room: RequireRoom = False,
    expect: Expect = None,
) -> None:
    """Tell which user ID an agent in this room would use, and why.

    Looks through participant metadata, room metadata, room name and the agent's environment, in this order. It asks the
    API only; --via rtc joins as a hidden agent instead, which sees just what an agent sees (extra `rtc`), and leaves.
    Exit 1 when it stays unresolved or a demand is not met.

    With --follow it goes on, and prints a line at each change, until ^C or --timeout. W-LATE marks what an agent that
    came when the following began would take no notice of, because it had decided before. A server that goes away is
    waited for through the API (5 with --via rtc). --expect and --require may be met later than at first; once met, a
    change that breaks them ends it with exit 1, as does --timeout where they never were.

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
    agent = work.Agent(policy, *work.agent_environment(agent_env, agent_env_file, use_my_env=use_my_env))
    way = work.choose_way(via, snapshot, follow=follow, create=create, interval=interval)
    excluded = {
        "ROOM": room,
        "--snapshot": snapshot,
        "--via rtc": way == "rtc",
        "--follow": follow,
        "--explain": explain,
        "--require-room": require_room,
    }
    rooms = work.choose_rooms((match, older_than, metadata_has), all_rooms=all_rooms, excluded=excluded)
    task = _Task(
        run, agent, work.Demands(require, expect), _Question(room, snapshot, way, require_room, create, explain)
    )
    if rooms is not None:
        task.resolve_all(rooms, concurrency)
    elif follow:
        task.follow(interval or "0.5s", following_time(ctx, run))
    else:
        task.resolve_once()


class _Question(NamedTuple):
    room: str | None
    snapshot: str | None
    way: Literal["api", "rtc", "snapshot"]
    require_room: bool
    create: bool
    explain: bool | None

    @property
    def name(self) -> str:
        from lkctl.convention import check_name
        from lkctl.errors import LkctlError

        if self.room is None:
            raise LkctlError("usage", "no room was named", hint="Give ROOM, or --snapshot FILE")
        return check_name(self.room, "room's name")


class _Task(NamedTuple):
    run: "Invocation"
    agent: "Agent"
    demands: "Demands"
    asked: _Question

    def resolve_once(self) -> None:
        from lkctl.scenarios.resolution import insist
        from lkctl.views.resolution import show_resolution

        run, asked = self.run, self.asked
        sight = self._look()
        resolution = self.agent.resolve(sight.snapshot)
        room = sight.snapshot.name
        show_resolution(resolution, run.format, run.console, via=asked.way, room=room, explain=asked.explain)
        for remark in sight.remarks:
            run.console.talk(f"note: {remark}")
        insist(resolution, self.demands)

    def follow(self, interval: str, seconds: float | None) -> None:
        import time

        from lkctl.agents.following import follow, insisting
        from lkctl.userid.readiness import STANDARD_PATIENCE, Attention
        from lkctl.views.following import showing_changes

        run, asked = self.run, self.asked
        with (
            self._watch(interval, seconds) as seen,
            showing_changes(run.format, run.console, via=asked.way, room=asked.name, explain=asked.explain) as show,
        ):
            attention = Attention(self.agent.policy, STANDARD_PATIENCE, time.monotonic())
            for happening in insisting(follow(seen, self.agent, attention), self.demands):
                run.console.insist_reader()
                show(happening)

    def resolve_all(self, rooms: "RoomFilter", at_once: int) -> None:
        from lkctl.scenarios.resolutions import Resolutions
        from lkctl.views.fleet import show_fleet
        from lkctl.views.resolution import resolutions_view

        run = self.run
        found = Resolutions(run.api(), rooms, self.agent.resolve, self.demands, at_once)
        show_fleet(resolutions_view(), found, found.tally, run.format, run.console)
        found.insist()

    def _look(self) -> "Sight":
        from lkctl.scenarios.resolution import Sight, from_api, from_file

        asked, run = self.asked, self.run
        if asked.snapshot is not None:
            return Sight(from_file(asked.snapshot, asked.room, run.console.stdin))
        name, api = asked.name, run.api()
        return self._enter(api) if asked.way == "rtc" else from_api(api, name, require_room=asked.require_room)

    def _enter(self, api: "Api") -> "Sight":
        from lkctl.agents.presence import Stay, present
        from lkctl.scenarios.resolution import Sight

        seconds = self.run.timeout
        stay = Stay(self.asked.name, create=self.asked.create, seconds=seconds)
        with present(api, stay, timeout=seconds, joining=seconds) as presence:
            return Sight(presence.first)

    @contextmanager
    def _watch(self, interval: str, seconds: float | None) -> "Iterator[Iterator[Seen]]":
        from lkctl.agents.following import see_from_inside, see_from_outside
        from lkctl.scenarios.watching import read_interval

        asked, run = self.asked, self.run
        name, pace, api = asked.name, read_interval(interval), run.api()
        run.console.talk(f"following room {name!r} on {api.url.http}; ^C ends it")
        if asked.way == "api":
            yield see_from_outside(api, name, require_room=asked.require_room, interval=pace, seconds=seconds)
            return
        from lkctl.agents.presence import Stay, present

        with present(api, Stay(name, create=asked.create, seconds=seconds), timeout=run.timeout) as presence:
            yield see_from_inside(presence, seconds)
