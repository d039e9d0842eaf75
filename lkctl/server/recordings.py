"""What the server records: nothing where no egress worker took it, whatever it said to the request."""

from lkctl.server import decode
from lkctl.server.api import Api


def has_recording(api: Api, room: str) -> bool:
    """Whether the server has any egress of a room, also one that failed."""
    reply = api._call("Egress/ListEgress", {"room_name": room}, {"roomRecord": True})  # noqa: SLF001  (it is one of us)
    return any(decode.items(reply, "items"))
