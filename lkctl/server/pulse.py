"""Whether the process of a participant still lives: one that was killed stays in the room, ACTIVE, for 20 s."""

from lkctl.errors import LkctlError
from lkctl.server.api import Api

_METHOD = "lkctl.pulse"  # that nobody has
_PATIENCE = 1500  # ms
_ALIVE = "RpcError 1400"  # Method not supported at destination: its SDK says so by itself, within 20 ms (measured)
_SILENT = ("RpcError 1501", "RpcError 1502")  # no acknowledgement, no answer


def has_pulse(api: Api, room: str, identity: str) -> bool | None:
    """Ask a participant's SDK for a method that it does not have; None where the server cannot ask, or it just left.

    False also for an SDK that is older than RPC. True says nothing of the code above the SDK.
    """
    body = {"room": room, "destination_identity": identity, "method": _METHOD, "response_timeout_ms": _PATIENCE}
    try:
        api._call("RoomService/PerformRpc", body, {"roomAdmin": True, "room": room})  # noqa: SLF001  (one of us)
    except LkctlError as error:
        if _ALIVE in error.message:
            return True
        return False if any(sign in error.message for sign in _SILENT) else None
    return True
