"""Does the server take the key and the secret? A refusal is explained by experiment (server/api.py)."""

from lkctl.checks.result import Check
from lkctl.checks.world import World
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Target
from lkctl.settings.shape import shorten_key


def _auth(world: World) -> str:
    """ListRooms is allowed with key and secret; of a refusal the cause is found by trying other spellings."""
    credentials = world.settings.credentials()
    api = Api(Twirp(Target(world.server_url(), credentials), timeout=world.patience))
    api.list_rooms(["-"])  # a room of this name need not exist: the reply is then small
    return (
        f"ListRooms is allowed with the key {shorten_key(credentials.key)}; this proves nothing about media or agents"
    )


CREDENTIAL_CHECKS: tuple[Check[World], ...] = (
    Check("api.auth", "API accepts the key", _auth, needs=("env.settings", "http.livekit"), timeout=11.0),
)
