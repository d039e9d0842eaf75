"""`lkctl participant remove`."""

from typing import Annotated

import typer

from lkctl.options import DryRun, RoomName, ServerCommand, Yes, examples, use

app = typer.Typer()

_AGAIN = "note: a token lets its holder join again for as long as it is valid; nothing takes it back"


@app.command(
    "remove",
    cls=ServerCommand,
    epilog=examples(
        "lkctl participant remove demo alice",
        "lkctl participant remove demo alice bob --yes --if-exists",
        "lkctl participant remove demo alice --dry-run -o json",
    ),
)
def remove_participant(
    ctx: typer.Context,
    room: RoomName,
    identity: Annotated[list[str], typer.Argument(metavar="IDENTITY...", help="Who is to be put out")],
    if_exists: Annotated[bool, typer.Option("--if-exists", help="Who is not there is no failure")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> int:
    """Put a participant out of a room.

    Looks afterwards whether it is out. Its token stays valid, and lets it join again at once; if it is back, that is
    told, with exit code 1. Several take their number as the answer on the terminal. One that fails does not stop the
    others; the exit code is that of the worst failure.
    """
    from lkctl.scenarios.fates import Result, planned, worst
    from lkctl.scenarios.removal import Seat, plan_removal, remove_participants
    from lkctl.views.fates import confirm, tell_fates

    run = use(ctx)
    api = run.api()
    plan = plan_removal(api, room, identity, if_exists=if_exists)
    names, where = [one.name for one in planned(plan)], f"out of room {room} on {api.url.http}"
    confirm(run, names, f"Put {''.join(names)} {where}?", f"Put {len(names)} participants {where}", yes=yes or dry_run)
    fates = plan if dry_run else remove_participants(api, room, plan)
    done = tell_fates(run, fates, Seat, "Nobody was put out", alone=len(plan) == 1)
    if any(one.result is Result.removed for one in done):
        run.console.talk(_AGAIN)
    return worst(done)
