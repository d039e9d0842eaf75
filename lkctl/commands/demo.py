"""`lkctl demo`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.errors import LkctlError
from lkctl.invocation import Invocation
from lkctl.options import ServerCommand, examples, use
from lkctl.settings.layers import Settings, flag_layer

if TYPE_CHECKING:
    from lkctl.checks.report import Report
    from lkctl.scenarios.examination import Watch

app = typer.Typer()


@app.command(
    "demo", cls=ServerCommand, epilog=examples("lkctl demo", "lkctl demo --live      # on the configured server")
)
def demo(
    ctx: typer.Context,
    live: Annotated[bool, typer.Option("--live", help="Play on the configured server")] = False,
) -> int:
    """Show the main job on a real server: five ways for a user ID to reach an agent.

    Makes a room for each, joins it as a visitor would, tells which ID an agent would use there and what it would log,
    diagnoses the server, and removes all it made. Exit 0 only if every scene gave the expected ID.
    """
    from lkctl.scenarios.demo import play
    from lkctl.server.rtc import available
    from lkctl.views.tour import tell

    run = use(ctx)
    if not live and any(run.connection):
        raise LkctlError(
            "usage", "the demo plays on a throw-away server of its own", hint="For the configured one: --live"
        )
    with _stage(run, live=live) as (settings, server):
        api, joins = run.api(settings), available()
        plays = play(api, join=joins, timeout=run.timeout)
        good = tell(plays, partial(_diagnose, run, settings), server, run.format, run.console, joins=joins)
    return 0 if good else 1


@contextmanager
def _stage(run: Invocation, *, live: bool) -> Iterator[tuple[Settings, str]]:
    """Give the settings of the server to play on: the configured one, or a throw-away one for this while."""
    if live:
        settings = run.settings()
        yield settings, settings.target().url.http
        return
    from lkctl.localserver.process import LocalServer
    from lkctl.localserver.program import version_of
    from lkctl.localserver.supply import obtain

    program = obtain(os.environ, run.announce_build)
    with LocalServer(program.path) as server:
        settings = Settings((flag_layer(server.url, server.key, server.secret.reveal()),))
        yield settings, f"livekit-server {version_of(program.path)} on {server.url}"


def _diagnose(run: Invocation, settings: Settings, watch: "Watch") -> "Report":
    """Diagnose the server alone: the folder one happens to be in is another matter."""
    from lkctl.checks.catalogue import checks_of
    from lkctl.checks.selection import plan
    from lkctl.checks.world import NO_SCOPE
    from lkctl.scenarios.examination import examine

    return examine("diagnose", run.world(settings), plan(checks_of(NO_SCOPE), skip=["env.*"]), watch)
