"""`lkctl room update`."""

from typing import Annotated

import typer

from lkctl.errors import LkctlError
from lkctl.options import DryRun, Metadata, RoomName, ServerCommand, UserId, examples, use

app = typer.Typer()

_SET = "Set a key; VALUE is JSON if it can be read as JSON, else text (repeatable)"


@app.command(
    "update",
    cls=ServerCommand,
    epilog=examples(
        "lkctl room update demo --set plan=pro --set seats=5 --unset trial",
        "lkctl room update demo --set 'phone=\"0123\"'      # in JSON's quotes it is text in any case",
        "lkctl room update demo --user-id user_1704067200000_abc123",
        "lkctl room update demo --metadata @room.json",
        "lkctl room update demo --clear-metadata",
        "lkctl room update demo --set plan=pro --dry-run -o json",
    ),
)
def update_room(
    ctx: typer.Context,
    room: RoomName,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=_SET)] = None,
    unset: Annotated[list[str] | None, typer.Option("--unset", metavar="KEY", help="Remove a key (repeatable)")] = None,
    user_id: UserId = None,
    metadata: Metadata = None,
    clear_metadata: Annotated[bool, typer.Option("--clear-metadata", help="Leave no metadata at all")] = False,
    dry_run: DryRun = False,
) -> int:
    """Change a room's metadata, never over somebody else's change.

    LiveKit replaces metadata as a whole and cannot compare before it writes. So lkctl looks, writes, waits half a
    second and looks again: keys that somebody else's write took away are set once more; where somebody else wants the
    same key otherwise, or replaced what --metadata wrote, it exits 1 (changed-meanwhile) and leaves it.
    """
    from lkctl.commands.wishes import read_wish
    from lkctl.scenarios.metadata import change_metadata
    from lkctl.views.metadata import change_view

    run = use(ctx)
    if clear_metadata and metadata:
        raise LkctlError("usage", "--clear-metadata excludes --metadata", hint="Give one or the other")
    wish = read_wish(run, set_ or [], unset or [], user_id, "" if clear_metadata else metadata)
    api = run.api()
    change = change_metadata(api, api.get_room(room), wish, dry_run=dry_run)
    run.show(change_view(change, dry_run=dry_run))
    return 1 if change.not_applied else 0
