"""What metadata should become, as `lkctl room update` and `lkctl participant update` are told it."""

from typing import TYPE_CHECKING

from lkctl.errors import LkctlError
from lkctl.invocation import Invocation

if TYPE_CHECKING:
    from lkctl.scenarios.metadata import Wish


def read_wish(run: Invocation, set_: list[str], unset: list[str], user_id: str | None, metadata: str | None) -> "Wish":
    """Tell what the metadata should become; `metadata` "" clears it. Raises `usage` for what does not go together."""
    from lkctl.convention import check_metadata, with_user_id
    from lkctl.scenarios.assignments import compose_metadata, read_assignments
    from lkctl.scenarios.metadata import Edit, Whole

    if metadata is not None and (unset or (not metadata and (set_ or user_id))):
        extra = "--unset" if unset else "--set" if set_ else "--user-id"
        option = "--metadata" if metadata else "--clear-metadata"
        raise LkctlError("usage", f"{option} excludes {extra}", hint="Give one or the other")
    put = read_assignments(set_, "--set")
    if both := sorted(put.keys() & set(unset)):
        raise LkctlError("usage", f"the key {both[0]!r} is to be set and to be removed", hint="Give it once")
    user = run.user_id(user_id)
    if metadata is not None:
        text = compose_metadata(run.metadata(metadata), put, user) if metadata else ""
        return Whole(check_metadata(text or "", "metadata"))
    if not (put or unset or user):
        raise LkctlError("usage", "nothing is to be changed", hint="Give --set, --unset, --user-id or --metadata")
    return Edit(put if user is None else with_user_id(put, user), tuple(unset))
