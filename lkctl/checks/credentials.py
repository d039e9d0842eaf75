"""Does the server take the key and the secret? A refusal is explained by experiment (server/experiments.py)."""

from collections.abc import Iterable

from lkctl.checks.result import Check
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.api import Api
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import Target
from lkctl.settings.shape import Pair, shorten_key

_PHASE = 9.0  # seconds, for the call and the experiments


def _auth(world: World) -> str:
    """ListRooms is allowed with key and secret.

    Of a refusal the cause is found by experiment: the pair without blanks, quotes, comments, encodings; swapped; that
    of `livekit-server --dev`; those of other files, compose files, livekit.yaml and lk's projects; and by the clocks.
    Such a try is one signed call with a token that may do nothing.
    """
    credentials = world.settings.credentials()
    target = Target(world.server_url(), credentials)

    def others(key_known: bool) -> Iterable[Pair]:
        from lkctl.checks.nearby import pairs_to_try

        return pairs_to_try(world, key_known=key_known)

    try:
        # A room of this name need not exist: the reply is then small
        Api(Twirp(target, timeout=min(world.patience, _PHASE), others=others)).list_rooms(["-"])
    except LkctlError as error:
        from lkctl.checks.authcause import explain_refusal

        raise explain_refusal(world, error) from None
    return (
        f"ListRooms is allowed with the key {shorten_key(credentials.key)}; this proves nothing about media or agents"
    )


CREDENTIAL_CHECKS: tuple[Check[World], ...] = (
    Check("api.auth", "API accepts the key", _auth, needs=("env.settings", "http.livekit"), timeout=11.0),
)
