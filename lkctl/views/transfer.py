"""How a moved or forwarded participant looks."""

from lkctl.output.view import Record
from lkctl.scenarios.participants import Transfer


def transfer_view(transfer: Transfer) -> Record:
    """Show what became of a participant that was to be moved or forwarded, or would."""
    one, done = transfer.participant, "moved" if transfer.leave else "forwarded"
    fate = f"{done}, says the server" if transfer.accepted else f"would be {done}"
    document = {
        "participant": one,
        "room": transfer.room,
        "destination": transfer.destination,
        "accepted": transfer.accepted,
        "dry_run": not transfer.accepted,
    }
    fields = (
        ("identity", one.identity),
        ("sid", one.sid),
        ("from", transfer.room),
        ("to", transfer.destination),
        ("result", fate),
    )
    return Record(document, fields, one.identity, f"Participant {one.identity}: {fate}")
