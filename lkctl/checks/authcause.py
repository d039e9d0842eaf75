"""Why key and secret are refused, and what mends it. Loaded only then: most runs have no use for it."""

from dataclasses import replace
from shlex import quote

from lkctl.checks.mending import mend
from lkctl.checks.nearby import Nearby, nearby_pairs, other_servers, pairs_to_try
from lkctl.checks.result import Fix, Problem
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.server.experiments import MistakenError
from lkctl.settings.layers import KEY, SECRET
from lkctl.settings.shape import Pair
from lkctl.settings.slips import likely_meant
from lkctl.settings.url import without_login

_FOREIGN = {"auth-key", "auth-secret"}
_PROJECT = "lk's project "
_NTP = "timedatectl set-ntp true"


def explain_refusal(world: World, error: LkctlError) -> Problem:
    """Make the problem of what the call for the list of rooms failed with; a pair that was tried brings its change."""
    return _mistaken(world, error) if isinstance(error, MistakenError) else _unexplained(world, error)


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
    return message, _take_over(given, place)


def _take_over(given: str, place: str) -> str:
    """Say how a pair comes from the file that it lies in to where the wrong one is."""
    if given.startswith("flag "):
        return f"Give --api-key and --api-secret as they stand in {place}"
    if given.startswith("env "):
        return f"Export {KEY} and {SECRET} as they stand in {place}"
    return f"Copy {KEY} and {SECRET} from {place} to {given}"


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
