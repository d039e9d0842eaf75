"""`lkctl agent simulate`."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

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
    RequireTrusted,
    RoomPattern,
    StrictPolicy,
    UseMyEnv,
    following_time,
)
from lkctl.options import DryRun, RoomName, WaitingCommand, examples, use

if TYPE_CHECKING:
    from lkctl.agents.presence import Presence, Stay
    from lkctl.invocation import Invocation
    from lkctl.scenarios.resolution import Agent, Demands
    from lkctl.server.api import Api
    from lkctl.userid import Resolution
    from lkctl.userid.readiness import Attention, Patience

app = typer.Typer()

_WAITS = ("participant", "none")
_RUN = "Behaviour"


@app.command(
    "simulate",
    cls=WaitingCommand,
    epilog=examples(
        "lkctl agent simulate demo",
        "lkctl agent simulate demo --expect user_1704067200000_abc123 --timeout 60s",
        "lkctl agent simulate demo --wait none -o json        # what an agent would use that decides at once",
        "lkctl agent simulate demo --publish --visible --follow",
        "lkctl agent simulate mcp-chrome-user-user_1704067200000_abc123 --create --wait none",
    ),
)
def simulate(
    ctx: typer.Context,
    room: RoomName,
    wait: Annotated[
        str,
        typer.Option(
            metavar="participant|none|DURATION",
            help="Decide after the first user came, at once, or after so long",
            autocompletion=lambda incomplete: [word for word in _WAITS if word.startswith(incomplete)],
        ),
    ] = "participant",
    visible: Annotated[bool, typer.Option("--visible", help="Let the others see the participant")] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Set the result as attributes lkctl.user_id and lkctl.user_id.source")
    ] = False,
    follow: Follow = False,
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
    expect: Expect = None,
    dry_run: DryRun = False,
) -> None:
    """Play an agent in a room: join hidden, wait as an agent must, and tell the user ID it gets.

    A participant of kind agent joins, hidden, and leaves again (extra `rtc`). As long as a user could still bring an ID
    that comes before what is there, it waits for the first one, then a second for the metadata, and decides for good.
    Nobody's agent is called, and nothing stays behind. Exit 6 if no user came within --timeout: then it tells what an
    agent would use. Exit 1 when the ID stays unresolved, a demand is not met, or --publish was of no effect.

    With --follow it stays, until ^C or a given --timeout, and prints what an agent that comes later would use; W-LATE
    marks what comes too late for this one. Its demands are those of the decision.
    """
    from lkctl.agents.presence import Stay
    from lkctl.agents.simulation import read_wait
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
    patience, seconds = read_wait(wait, run.timeout), following_time(ctx, run)
    lasting = None if follow and seconds is None else max(run.timeout, patience.fixed or 0.0)
    stay = Stay(room, create=create, hidden=not visible, publish=publish, seconds=lasting)
    play = _Play(run, agent, work.Demands(require, expect), stay, patience, explain)
    if dry_run:
        play.plan(follow=follow)
    else:
        play.act(seconds, follow=follow)


class _Play(NamedTuple):
    run: "Invocation"
    agent: "Agent"
    demands: "Demands"
    stay: "Stay"
    patience: "Patience"
    explain: bool | None

    def plan(self, *, follow: bool) -> None:
        """Look whether it could be done, and say what would be."""
        from lkctl.agents.presence import find_room
        from lkctl.views.simulation import plan_view

        found = find_room(self.run.api(), self.stay)
        self.run.show(plan_view(self.stay, self.patience, exists=found is not None, follow=follow))

    def act(self, seconds: float | None, *, follow: bool) -> None:
        import time

        from lkctl.agents.presence import present

        api, began = self.run.api(), time.monotonic()
        with present(api, self.stay, timeout=self.run.timeout) as presence:
            attention, resolution = self._decide(api, presence)
            if follow:
                left = None if seconds is None else max(0.0, began + seconds - time.monotonic())
                self._follow(presence, attention, resolution, left)
            else:
                self._tell(resolution)
                self._insist(attention, resolution)

    def _decide(self, api: "Api", presence: "Presence") -> "tuple[Attention, Resolution]":
        from lkctl.agents.simulation import decide, decision_of, publish
        from lkctl.views.waiting import showing_progress

        with showing_progress(self.run.console) as tell:
            attention = decide(presence, self.agent, self.patience, tell)
        decision = decision_of(attention)
        return attention, publish(api, presence, decision) if self.stay.publish else decision

    def _tell(self, resolution: "Resolution") -> None:
        from lkctl.views.resolution import show_resolution

        run = self.run
        show_resolution(resolution, run.format, run.console, via="rtc", room=self.stay.room, explain=self.explain)

    def _insist(self, attention: "Attention", resolution: "Resolution") -> None:
        from lkctl.agents.simulation import insist_published, insist_user
        from lkctl.scenarios.resolution import insist

        insist_user(attention, self.stay.room, self.patience.limit)
        insist_published(resolution)
        insist(resolution, self.demands)

    def _follow(
        self, presence: "Presence", attention: "Attention", resolution: "Resolution", seconds: float | None
    ) -> None:
        from lkctl.agents.following import Change, follow, see_changes
        from lkctl.scenarios.look import now
        from lkctl.views.following import showing_changes

        run, room = self.run, self.stay.room
        with showing_changes(run.format, run.console, via="rtc", room=room, explain=self.explain) as show:
            show(Change(now(), resolution))
            self._insist(attention, resolution)
            run.console.talk(f"following room {room!r} as {presence.identity}; ^C ends it")
            for happening in follow(see_changes(presence, seconds), self.agent, attention, resolution):
                run.console.insist_reader()
                show(happening)
