"""`lkctl participant update`."""

from typing import TYPE_CHECKING, Annotated

import typer

from lkctl.commands.participant.permissions import UpdateCommand, permission_of
from lkctl.errors import LkctlError
from lkctl.invocation import Invocation
from lkctl.options import DryRun, Identity, Metadata, RoomName, UserId, examples, use

if TYPE_CHECKING:
    from lkctl.scenarios.metadata import Wish

app = typer.Typer()

_LONGEST_NAME = 256  # bytes (livekit-server, limit.max_participant_name_length)
_SET = "Set a key of the metadata; VALUE is JSON if it can be read as JSON, else text (repeatable)"


@app.command(
    "update",
    cls=UpdateCommand,
    epilog=examples(
        "lkctl participant update demo alice --set plan=pro --unset trial",
        "lkctl participant update demo alice --name Alice --attribute seat=12 --unset-attribute queue",
        "lkctl participant update demo alice --no-can-publish           # what is not named stays",
        "lkctl participant update demo alice --can-publish --source microphone",
        "lkctl participant update demo alice --user-id user_1704067200000_abc123",
        "lkctl participant update demo alice --metadata @alice.json --dry-run",
    ),
)
def update_participant(
    ctx: typer.Context,
    room: RoomName,
    identity: Identity,
    metadata: Metadata = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=_SET)] = None,
    unset: Annotated[
        list[str] | None, typer.Option("--unset", metavar="KEY", help="Remove a key of the metadata (repeatable)")
    ] = None,
    user_id: UserId = None,
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="Name that others are shown")] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Set an attribute; the others stay (repeatable)")
    ] = None,
    unset_attribute: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="Remove an attribute (repeatable)")
    ] = None,
    dry_run: DryRun = False,
) -> int:
    """Change a participant's metadata, name, attributes or permissions.

    The server replaces metadata and permissions as a whole; lkctl reads them, changes what is named and writes the
    whole, so that the rest stays, and looks again after half a second: what somebody else's write took away is set once
    more, and where somebody else wants it otherwise it exits 1 (changed-meanwhile). A change lasts until the
    participant leaves.
    """
    from lkctl.commands.token.mintoptions import split_attributes
    from lkctl.scenarios.participantchange import ParticipantWish, attributes_wish, change_participant
    from lkctl.views.participantchange import change_view

    run = use(ctx)
    wish = ParticipantWish(
        metadata=_read_metadata(run, metadata, set_ or [], unset or [], user_id),
        name=_read_name(name),
        attributes=attributes_wish(split_attributes(attribute), unset_attribute or []),
        permission=permission_of(ctx),
    )
    if not any(wish):
        hint = "Give --set, --metadata, --user-id, --name, --attribute or a permission such as --no-can-publish"
        raise LkctlError("usage", "nothing is to be changed", hint=hint)
    change = change_participant(run.api(), room, identity, wish, dry_run=dry_run)
    run.show(change_view(change, dry_run=dry_run))
    return 1 if change.not_applied else 0


def _read_metadata(
    run: Invocation, metadata: str | None, set_: list[str], unset: list[str], user_id: str | None
) -> "Wish | None":
    if metadata is None and user_id is None and not (set_ or unset):
        return None
    from lkctl.commands.wishes import read_wish

    return read_wish(run, set_, unset, user_id, metadata)


def _read_name(name: str | None) -> str | None:
    from lkctl.convention import size_of

    size = size_of(name or "", "name")
    if size > _LONGEST_NAME:
        raise LkctlError("usage", f"the name has {size} bytes; the server takes {_LONGEST_NAME}", hint="Shorten it")
    return name
