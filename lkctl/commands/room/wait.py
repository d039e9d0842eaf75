"""`lkctl room wait`."""

from typing import Annotated

import typer

from lkctl.options import RoomName, SettingsCommand, examples, use

app = typer.Typer()

_WORDS = ("exists", "gone", "empty", "participant=", "participants>=", "agent", "agent=", "metadata", "metadata.",
          "track=camera", "track=microphone", "track=screen_share", "track=screen_share_audio")  # fmt: skip


def _complete(incomplete: str) -> list[str]:
    return [word for word in _WORDS if word.startswith(incomplete)]


Conditions = Annotated[
    list[str] | None,
    typer.Argument(metavar="CONDITION…", help="What is to hold, all at once", autocompletion=_complete),
]
Timeout = Annotated[str, typer.Option("--timeout", metavar="DURATION", help="Give up after: 30, 30s, 5m")]


@app.command(
    "wait",
    cls=SettingsCommand,
    epilog=examples(
        "lkctl room wait demo exists",
        "lkctl room wait demo agent --timeout 30s",
        "lkctl room wait demo agent=support participant=alice 'participants>=2'",
        "lkctl room wait demo track=alice:microphone metadata.userId=user_1704067200000_abc123 -o json",
        "lkctl room delete demo --yes && lkctl room wait demo gone",
    ),
)
def wait_room(ctx: typer.Context, room: RoomName, conditions: Conditions = None, timeout: Timeout = "60s") -> None:
    """Wait until something holds of a room.

    exists, gone; empty: nobody is in it, and it is still there; participant=ID: who joined, and is ACTIVE;
    participants>=N (<=, ==, >, <; in quotes, for the shell): everybody, also agents, hidden ones and recorders; agent,
    agent=NAME: an agent is in the room, which no job status proves; track=SOURCE or track=ID:SOURCE: it is published,
    muted or not; metadata: there is some; metadata.KEY, metadata.KEY=VALUE: of metadata that is JSON, VALUE as JSON
    or as text.

    Exit code 6: the time was up; then it says what did not hold, and what was seen last. A server that goes away
    meanwhile is waited for; one that does not answer from the start is not (5).
    """
    from lkctl.convention import check_name
    from lkctl.duration import parse_timeout
    from lkctl.output.format import Format
    from lkctl.scenarios.conditions import parse_conditions
    from lkctl.scenarios.waiting import insist_held, wait_for
    from lkctl.views.waiting import outcome_view, showing_progress

    run = use(ctx)
    wanted, seconds = parse_conditions(conditions or ()), parse_timeout(timeout)
    with showing_progress(run.console) as tell:
        outcome = wait_for(run.api(), check_name(room, "room's name"), wanted, seconds, tell)
    if not outcome.unmet or run.format in {Format.json, Format.jsonl}:
        run.show(outcome_view(outcome))
    insist_held(outcome)
