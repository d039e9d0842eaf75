"""Are the settings there, of the right shape, and kept as they should be? Everything here works offline."""

from collections.abc import Iterator, Sequence

from lkctl.checks.agreement import judge_agreement
from lkctl.checks.bearing import with_bearing
from lkctl.checks.exposure import judge_exposure
from lkctl.checks.naming import judge_names, judge_public, near_misses
from lkctl.checks.result import Check, Finding, NotApplicable, Severity
from lkctl.checks.spelling import is_placeholder, judge_spelling
from lkctl.checks.verdict import number_of, settle
from lkctl.checks.world import World
from lkctl.settings.hosts import is_inner, is_private
from lkctl.settings.layers import KEY, NAMES, SECRET, URL, Setting
from lkctl.settings.shape import (
    DEFAULT_PAIR,
    SHORTEST_SAFE_SECRET,
    looks_like_key,
    looks_like_secret,
    looks_swapped,
    shorten_key,
)
from lkctl.settings.url import without_login

_WITHOUT = {
    URL: "an agent stops with `ws_url is required`, or tries localhost:7880",
    KEY: "no token can be made",
    SECRET: "no token can be made",
}


def _settings(world: World) -> str:
    if world.unreadable is not None:
        finding = Finding(f"{world.unreadable.message}; no env file is used then", world.unreadable.hint)
        return settle([finding], "", code=world.unreadable.code)
    found = [setting for setting in map(world.settings.setting, NAMES) if setting is not None]
    absent = [name for name in (KEY, SECRET, URL) if not world.value(name)]
    code = "settings-partial" if found else "settings-missing"
    if not found and not _lower(world, URL):
        return settle([_nothing(world)], "", code=code)
    detail = ", ".join(_say(setting) for setting in found)
    unused = [value.origin for setting in found for value in setting.shadowed]
    return settle(_absences(world, absent), detail + _say_unused(unused), code=code)


def _nothing(world: World) -> Finding:
    places = ", ".join(layer.name for layer in world.settings.layers) or "nowhere"
    if not world.env_files and not world.project:
        places += ", and no env file is read here"
    said = f"no server is configured: none of {', '.join(NAMES)} is set in {places}; {_WITHOUT[URL]}"
    return Finding(said, _remedy(world), severity=Severity.fail)


def _remedy(world: World) -> str:
    """Say what to do where nothing is set: rename, name the right file, fill in, or begin."""
    meant = [f"{near.wrong} ({near.place}) to {near.right}" for near in near_misses(world) if near.in_force]
    others = world.surroundings.env_files
    whole = [file.name for file in others if {entry.name for entry in file.entries if entry.value} >= set(NAMES)]
    local = "or for a local server: lkctl server start"
    if meant:
        return f"Rename {', '.join(meant)}"
    if whole:
        return f"{whole[0]} has them: give --env-file {whole[0]}, or work in its folder"
    if world.project:
        return "Mend the project: lk project remove, lk project add"
    if _skipped_lines(world):
        return _skipped_lines(world)
    return f"Fill in {world.env_files[-1].name}, {local}" if world.env_files else f"Run: lkctl env init, {local}"


def _absences(world: World, absent: Sequence[str]) -> Iterator[Finding]:
    """Say how names are absent: empty, called otherwise, only in a set that is not in force, or nowhere."""
    misses = {near.right: near for near in near_misses(world) if near.in_force}
    empty, plain, lower = list[Setting](), list[str](), list[str]()
    for name in absent:
        setting, meant = world.settings.setting(name), misses.get(name)
        if setting is not None:
            empty.append(setting)
        elif meant is not None:
            hint = f"Rename {meant.wrong} ({meant.place}) to {name}"
            yield Finding(f"{name} is not set; {_WITHOUT[name]}", hint, severity=Severity.fail)
        else:
            (lower if _lower(world, name) else plain).append(name)
    if empty:
        yield _empty(empty)
    if lower:
        yield _of_another_set(world, lower)
    if plain:
        yield _nowhere(world, plain)


def _empty(settings: Sequence[Setting]) -> Finding:
    names, origin = [one.name for one in settings], settings[0].origin
    in_environment = origin == f"env {names[0]}"
    said = f"{' and '.join(names)} {_is(names)} set but empty{' in the environment' if in_environment else ''}"
    hint = f"Set {'it' if len(names) == 1 else 'them'}, or remove the other LIVEKIT_ values there too"
    hint += "; a CI secret is empty in runs for a fork"
    return Finding(f"{said}; {_without(names)}", hint, "" if in_environment else origin, Severity.fail)


def _of_another_set(world: World, names: Sequence[str]) -> Finding:
    places = " and ".join(_lower(world, name) for name in names)
    theirs = "the one" if len(names) == 1 else "those"
    rest = f"{theirs} of {places} {'belongs' if len(names) == 1 else 'belong'} to another set"
    said = f"{_not_set(names)} beside {_partner(world)}; {rest} and {_is(names)} not used"
    return Finding(said, "Set all three in one place: lkctl never mixes sets", severity=Severity.fail)


def _nowhere(world: World, names: Sequence[str]) -> Finding:
    hint = f"Set {'it' if len(names) == 1 else 'both'} in the same place"
    hint = "Write it like wss://<project>.livekit.cloud" if list(names) == [URL] else hint
    said = f"{_not_set(names)}, though {_partner(world)} is; {_without(names)}"
    return Finding(said, _skipped_lines(world) or hint, severity=Severity.fail)


def _not_set(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {_is(names)} not set"


def _without(names: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(_WITHOUT[name] for name in names))


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _skipped_lines(world: World) -> str:
    """Name the lines that python-dotenv skips: what is missing may stand in one of them."""
    places = [f"{file.name}:{line}" for file in world.env_files for line in file.broken_lines]
    return f"Mend {', '.join(places[:3])} first: such a line is skipped, see env.spelling" if places else ""


def _partner(world: World) -> str:
    """Name a value that is in force, with its origin."""
    present = [setting for setting in map(world.settings.setting, (KEY, SECRET, URL)) if setting is not None]
    return f"{present[0].name} ({present[0].origin})" if present else "the others"


def _lower(world: World, name: str) -> str:
    """Where a value stands that is not in force."""
    layers = world.settings.layers if world.settings.setting(name) is None else ()
    return next((layer.values[name].origin for layer in layers if name in layer.values), "")


def _say(setting: Setting) -> str:
    text = setting.text.strip()
    shown = {
        URL: without_login(text),
        KEY: f"key {shorten_key(text)}",
        SECRET: f"secret of {number_of(len(text), 'character')}",
    }
    return f"{shown[setting.name]} ({setting.origin})"


def _say_unused(origins: list[str]) -> str:
    return f"; not used: {', '.join(origins)}" if origins else ""


def _shape(world: World) -> str:
    values = {name: world.value(name) for name in (KEY, SECRET)}
    judged = [name for name, value in values.items() if value and not is_placeholder(name, value)]
    if not judged:
        raise NotApplicable("there is no key and no secret to judge, see env.settings and env.spelling")
    said = "the pair of livekit-server --dev" if tuple(values.values()) == DEFAULT_PAIR else "of the usual form"
    return settle(with_bearing(world, _shapes(world, *values.values())), f"{' and '.join(judged)}: {said}")


def _shapes(world: World, key: str, secret: str) -> Iterator[Finding]:
    """Judge the shapes of what is no placeholder; self-hosted servers take any string, Cloud does not."""
    at_key, at_secret = world.origin(KEY), world.origin(SECRET)
    wrong = list(_misplaced(world))
    yield from wrong
    if wrong or (key, secret) == DEFAULT_PAIR:
        return
    url = world.likely_url()
    cloud = url is not None and url.cloud
    if key and not looks_like_key(key) and not is_placeholder(KEY, key):
        said = "is not of the form API and 12 characters"
        meaning = "LiveKit Cloud answers 401 (invalid API key)" if cloud else "a self-hosted server may use any"
        severity = Severity.warn if cloud else Severity.info
        hint = "Copy it from the project's settings" if cloud else ""
        yield Finding(f"the key {said}; {meaning}", hint, at_key, severity)
    if secret and not secret.isalnum() and not is_placeholder(SECRET, secret):
        said = "the secret holds more than letters and digits, as no generated one does"
        yield Finding(said, "Make sure that all services spell it alike", at_secret, Severity.info)


def _misplaced(world: World) -> Iterator[Finding]:
    """Find what stands in another's place: swapped, equal, a URL, a token."""
    key, secret = world.value(KEY), world.value(SECRET)
    at_key, at_secret = world.origin(KEY), world.origin(SECRET)
    if key and key == secret:
        said = "key and secret are the same value; the server answers 401 (invalid API key)"
        yield Finding(said, "Copy both anew, each under its own name", at_secret, Severity.fail)
    elif key and secret and looks_swapped(key, secret):
        said = "key and secret are swapped; the server answers 401 (invalid API key), an agent fails at /agent"
        yield Finding(said, f"Give {KEY} the value of {SECRET}, and the other way round", at_key, Severity.fail)
    for name, value, origin in ((KEY, key, at_key), (SECRET, secret, at_secret)):
        what = "a URL" if "://" in value else "an access token" if value.startswith("eyJ") else ""
        if what:
            yield Finding(f"{name} holds {what}; the server answers 401", "Copy the right value", origin, Severity.fail)
    if looks_like_key(secret) and not looks_like_secret(key) and key != secret:
        said = "the secret looks like an API key; the server answers 401 (signature is invalid)"
        yield Finding(said, "Copy the secret anew; Cloud shows it when the key is made", at_secret, Severity.fail)


def _default_pair(world: World) -> str:
    key, secret = world.value(KEY), world.value(SECRET)
    if not secret or is_placeholder(SECRET, secret):
        raise NotApplicable(f"{SECRET} is not set, see env.settings")
    if key == DEFAULT_PAIR[0] or secret == DEFAULT_PAIR[1]:
        return settle(
            with_bearing(world, _known_pair(world)),
            "devkey/secret, the pair of livekit-server --dev: for a local server only",
        )
    if len(secret) < SHORTEST_SAFE_SECRET:
        said = f"the secret has {number_of(len(secret), 'character')}, fewer than {SHORTEST_SAFE_SECRET}"
        said += ": one token gives it away"
        hint = "Some SDKs refuse it (`apiSecret must be at least 256 bits long`). Run: livekit-server generate-keys"
        return settle([Finding(said, hint, world.origin(SECRET), Severity.security)], "")
    return f"the secret has {len(secret)} characters, and is not that of livekit-server --dev"


def _known_pair(world: World) -> Iterator[Finding]:
    url = world.likely_url()
    if url is None or is_inner(url.host):
        return
    said = f"devkey/secret is known to everybody, and {url.host} is not this machine"
    if url.cloud:
        meaning, hint, severity = "Cloud answers 401 (invalid API key)", "Copy the project's own pair", Severity.fail
    else:
        meaning = "whoever reaches it can make tokens and close rooms"
        hint = "Run: livekit-server generate-keys, and give server and clients that pair"
        severity = Severity.warn if is_private(url.host) else Severity.security
    yield Finding(f"{said}: {meaning}", hint, world.origin(SECRET), severity)


ENVIRONMENT_CHECKS: tuple[Check[World], ...] = (
    Check("env.settings", "URL, key and secret are set", _settings),
    Check("env.spelling", "Values are spelled cleanly", judge_spelling),
    Check("env.shape", "Key and secret are in their places", _shape),
    Check("env.default-pair", "Secret is neither known nor short", _default_pair, ("env.shape",), Severity.security),
    Check("env.names", "Variables have the names that LiveKit reads", judge_names, severity=Severity.warn),
    Check("env.public", "No secret goes to browsers", judge_public, severity=Severity.security),
    Check("env.agreement", "Files agree on server and credentials", judge_agreement, severity=Severity.warn),
    Check("env.exposure", "Secrets are in no other hands", judge_exposure, severity=Severity.security, timeout=8.0),
)
