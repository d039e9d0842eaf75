"""What a server refuses because it cannot do it, or was told not to."""

from lkctl.errors import LkctlError
from lkctl.settings.url import ServerUrl

UNMUTE_OFF = "remote unmute not enabled"


def cloud_only(url: ServerUrl) -> LkctlError:
    """Make the error for a call that only LiveKit Cloud takes."""
    told = f"{url.http} cannot move or forward participants"
    return LkctlError("server-cloud", told, hint="Of LiveKit's servers only LiveKit Cloud can")


def unmute_off(url: ServerUrl) -> LkctlError:
    """Make the error for a track that only its participant may unmute."""
    told = f"{url.http} lets nobody but the participant unmute a track (412: {UNMUTE_OFF})"
    hint = "Allow it in livekit.yaml: room: {enable_remote_unmute: true}; on LiveKit Cloud, in the project's settings"
    return LkctlError("server-unmute", told, hint=hint)
