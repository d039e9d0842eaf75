"""`lkctl room delete`."""

from typing import Annotated

import typer

from lkctl.options import DryRun, ServerCommand, Yes, examples, use

app = typer.Typer()

_FILTERS = "Which rooms: all of it must fit"


@app.command(
    "delete",
    cls=ServerCommand,
    epilog=examples(
        "lkctl room delete demo",
        "lkctl room delete demo stage --yes --if-exists",
        "lkctl room delete --match 'ci-*' --older-than 1h --dry-run",
        "lkctl room delete --match 'ci-*' --match 'test-*' --empty --yes -o json",
        "lkctl room delete --metadata-has plan=trial --older-than 7d",
    ),
)
def delete(
    ctx: typer.Context,
    room: Annotated[
        list[str] | None, typer.Argument(metavar="[ROOM]...", help="Names; without any, the filters choose")
    ] = None,
    match: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", rich_help_panel=_FILTERS, help="Names such as 'ci-*' (repeatable, one must fit)"),
    ] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="DURATION", rich_help_panel=_FILTERS, help="Made longer ago than: 1h, 7d")
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", rich_help_panel=_FILTERS, help="Nobody is in it, no agent either")
    ] = False,
    metadata_has: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY[=VALUE]", rich_help_panel=_FILTERS, help="The metadata holds this (repeatable)"),
    ] = None,
    if_exists: Annotated[bool, typer.Option("--if-exists", help="A missing room is no failure")] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> int:
    """Delete a room and put everybody in it out.

    Several rooms take their number as the answer on the terminal. One that fails does not stop the others; the exit
    code is that of the worst failure. A room that is named but does not fit the filters is kept, with exit code 1.
    """
    from lkctl.scenarios.deletion import RoomKey, Wanted, delete_rooms, plan_deletion
    from lkctl.scenarios.fates import planned, worst
    from lkctl.scenarios.roomfilter import room_filter
    from lkctl.views.fates import confirm, tell_fates

    run = use(ctx)
    wanted = Wanted(tuple(room or ()), room_filter(match, older_than, metadata_has), empty=empty, if_exists=if_exists)
    api = run.api()
    plan = plan_deletion(api, wanted)
    names, where = [one.name for one in planned(plan)], f"on {api.url.http} and put everybody in"
    single, several = f"Delete room {''.join(names)} {where} it out?", f"Delete {len(names)} rooms {where} them out"
    confirm(run, names, single, several, yes=yes or dry_run)
    fates = plan if dry_run else delete_rooms(api, wanted, plan)
    return worst(tell_fates(run, fates, RoomKey, "No room fits; nothing was deleted", alone=len(wanted.names) == 1))
