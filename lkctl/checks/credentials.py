"""Does the server take the key and the secret? A refusal is explained by experiment (server/experiments.py)."""

from dataclasses import replace
from shlex import quote

from lkctl.checks.mending import mend
from lkctl.checks.nearby import Nearby, nearby_pairs, other_servers, pairs_to_try
from lkctl.checks.result import Check, Fix, Problem
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.api import Api
from lkctl.server.experiments import MistakenError
from lkctl.server.twirp import Twirp
from lkctl.settings.layers import KEY, SECRET, Target
from lkctl.settings.shape import Pair, shorten_key
from lkctl.settings.slips import likely_meant
from lkctl.settings.url import without_login

_PHASE = 9.0  # seconds, for the call and the experiments
_FOREIGN = {"auth-key", "auth-secret"}
_PROJECT = "lk's project "
_NTP = "timedatectl set-ntp true"


def _auth(world: World) -> str:
    """ListRooms is allowed with key and secret.

    Of a refusal the cause is found by experiment: the pair without blanks, quotes, comments, encodings; swapped; that
    of `livekit-server --dev`; those of other files, compose files, livekit.yaml and lk's projects; and by the clocks.
    Such a try is one signed call with a token that may do nothing.
    """
    credentials = world.settings.credentials()
    target = Target(world.server_url(), credentials)
    timeout = min(world.patience, _PHASE)
    twirp = Twirp(target, timeout=timeout, others=lambda key_known: pairs_to_try(world, key_known=key_known))
    try:
        Api(twirp).list_rooms(["-"])  # a room of this name need not exist: the reply is then small
    except MistakenError as error:
        raise _mistaken(world, error) from None
    except LkctlError as error:
        raise _unexplained(world, error) from None
    return (
        f"ListRooms is allowed with the key {shorten_key(credentials.key)}; this proves nothing about media or agents"
    )


def _mistaken(world: World, error: MistakenError) -> Problem:
    meant = next((pair for pair in _tried(world, key_known=error.key_known) if pair.name == error.meant), None)
    near = next((near for near in nearby_pairs(world) if near.whole.name == error.meant), None)
    message, hint = error.message, error.hint
    if near is not None:
        message, hint = _say_near(world, near, message)
    fix = mend(world, meant) if meant is not None else None
    problem = _problem(error, message, hint, fix)
    problem.findings = (replace(problem.findings[0], explains=("env.spelling", "env.shape")),)  # the same, less exactly
    return problem


def _tried(world: World, *, key_known: bool) -> list[Pair]:
    """Give what was tried, to find again the pair that a name stands for."""
    settings = [world.settings.setting(name) for name in (KEY, SECRET)]
    key, secret = (setting.text if setting is not None else "" for setting in settings)
    return [*likely_meant(key, secret, key_known=key_known), *pairs_to_try(world, key_known=key_known)]


def _say_near(world: World, near: Nearby, message: str) -> tuple[str, str]:
    """Say what hides the right pair, or where it lies, and how to come to use it."""
    given, place = world.origin(KEY), near.key.origin
    if near.shadowed:
        said = f"{given} hides the pair of {place}, which the server accepts; the pair from {given} it does not"
        return said, _unhide(given, place)
    if near.url and near.url != world.value("LIVEKIT_URL").rstrip("/"):
        message += f", which stands there beside {without_login(near.url)}"
    if place.startswith(_PROJECT):
        return message, f"Use it: --project {quote(place[len(_PROJECT) :])}; or copy key and secret from there"
    return message, f"Copy LIVEKIT_API_KEY and LIVEKIT_API_SECRET from {place} to {given}"


def _unhide(given: str, place: str) -> str:
    if given.startswith("env "):
        return "It is exported in your shell or by your CI: unset LIVEKIT_API_KEY LIVEKIT_API_SECRET"
    if given.startswith("flag "):
        return f"Leave --api-key and --api-secret out, so that {place} counts"
    return f"Take LIVEKIT_API_KEY and LIVEKIT_API_SECRET out of {given.rpartition(':')[0]}, so that {place} counts"


def _unexplained(world: World, error: LkctlError) -> Problem:
    """Keep the error; where the key stands beside another URL elsewhere, that is worth a word."""
    elsewhere = next(other_servers(world), None) if error.code in _FOREIGN else None
    if elsewhere is None:
        fix = Fix(command=_NTP) if error.code == "auth-clock" else None
        return _problem(error, error.message, error.hint, fix)
    url, place = without_login(elsewhere.url), elsewhere.key.origin
    hint = f"Is the key for {url}? It stands beside that URL in {place}. Try: lkctl diagnose --url {quote(url)}"
    return _problem(error, error.message, hint, None, f"{place} has the same key beside {url}")


def _problem(error: LkctlError, message: str, hint: str, fix: Fix | None, *seen: str) -> Problem:
    evidence, ruled_out = (*error.proof[0], *seen), error.proof[1]
    return Problem(message, hint=hint, code=error.code, evidence=evidence, ruled_out=ruled_out, fix=fix)


CREDENTIAL_CHECKS: tuple[Check[World], ...] = (
    Check("api.auth", "API accepts the key", _auth, needs=("env.settings", "http.livekit"), timeout=11.0),
)
