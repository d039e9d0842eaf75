"""Names of variables: those that nobody reads, and those that hand a secret to every browser."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lkctl.checks.result import Finding, Severity
from lkctl.checks.spelling import is_placeholder
from lkctl.checks.verdict import settle
from lkctl.checks.world import World, holds_secret
from lkctl.files.folder import SERVER_KEYS
from lkctl.settings.layers import KEY, NAMES, SECRET, URL
from lkctl.settings.shape import DEFAULT_PAIR

# Seen in public repositories and issues; SDKs, agents, lk and lkctl read none of them
_WRONG = {
    **dict.fromkeys(("URL", "WS_URL", "WSS_URL", "HTTP_URL", "API_URL", "SERVER_URL", "HOST_URL"), URL),
    **dict.fromkeys(("HOST", "API_HOST", "SERVER", "URI", "ENDPOINT"), URL),
    **dict.fromkeys(("API_KEY", "KEY", "APIKEY", "KEY_ID", "API_KEY_ID", "API_ID", "ACCESS_KEY"), KEY),
    **dict.fromkeys(("API_SECRET", "SECRET", "SECRET_KEY", "APISECRET", "API_SECRET_KEY"), SECRET),
    **dict.fromkeys(("KEY_SECRET", "API_KEY_SECRET"), SECRET),
}
# What build tools write into pages: Next.js, Vite, Create React App, Expo, SvelteKit and Astro, Nuxt, Gatsby, Vue CLI
PUBLIC = re.compile(r"(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|PUBLIC|GATSBY|VUE_APP)_")
_ALIKE = 0.88  # similarity from which a name is taken for a slip


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A variable that was likely meant for LiveKit; `in_force` says that lkctl would read the right name there."""

    wrong: str
    right: str
    place: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str
    text: str
    place: str
    group: str  # what is read together: a file, the environment, a service
    in_force: bool = True
    composed: bool = False  # given to a service by a compose file


def near_misses(world: World) -> Iterator[NearMiss]:
    """Find variables that nobody reads, where the right name is not set beside them."""
    variables = list(_variables(world))
    present = {(variable.group, variable.name) for variable in variables if variable.text.strip()}
    for variable in variables:
        if variable.name == SERVER_KEYS and (variable.composed or world.value(KEY)):
            continue
        right = _right_name(variable.name)
        if right and variable.text.strip() and (variable.group, right) not in present:
            yield NearMiss(variable.name, right, variable.place, variable.in_force)


def judge_names(world: World) -> str:
    """Warn of names that nobody reads; where the right name is in force from elsewhere they may be the app's own."""
    findings = []
    for near in near_misses(world):
        served = bool(world.value(near.right))
        if PUBLIC.match(near.wrong) and served:
            continue
        meaning = f"SDKs, agents and lkctl read {near.right}" + ("" if served else ", which is not set")
        severity = Severity.info if served else Severity.warn
        said = f"{near.wrong} is not read by LiveKit: {meaning}"
        explains = ("settings-missing", "settings-partial") if near.in_force and not served else ()
        findings.append(Finding(said, f"Call it {near.right}", near.place, severity, explains))
    return settle(findings, f"no variable looks like a misspelt {', '.join(NAMES)}")


def judge_public(world: World) -> str:
    """Find secrets under the prefixes that build tools write into what browsers load."""
    secrets = {secret for secret in world.known_secrets() if len(secret) > len(DEFAULT_PAIR[1])}
    findings = [
        Finding(
            f"{variable.name} holds a secret, and its prefix puts it into pages: every visitor can make tokens with it",
            "Remove it, make a new key, and mint tokens on the server: a browser needs the URL and a token",
            variable.place,
            Severity.security,
        )
        for variable in _variables(world)
        if PUBLIC.match(variable.name) and _is_secret(variable, secrets)
    ]
    return settle(findings, "no variable that build tools hand to browsers holds a secret")


def _is_secret(variable: _Variable, secrets: set[str]) -> bool:
    text = variable.text.strip()
    if not text or is_placeholder(SECRET, text):
        return False
    return holds_secret(PUBLIC.sub("", variable.name, count=1)) or text in secrets or text.startswith("eyJ")


def _right_name(name: str) -> str:
    """Give the name that was likely meant; "" for the right ones and for those that mean something else."""
    if name in NAMES:
        return ""
    if name == SERVER_KEYS:
        return KEY
    bare = PUBLIC.sub("", name, count=1)
    upper = bare.upper()
    stem = re.sub(r"^(?:LIVE_?KIT|LK)_", "", upper)
    right = _WRONG.get(stem, "") if stem != upper else ""
    if bare != name:
        return right if right == URL else ""
    return right or _alike(upper)


def _alike(upper: str) -> str:
    if not upper.startswith("L") or "_" not in upper:
        return ""
    from difflib import get_close_matches

    return next(iter(get_close_matches(upper, NAMES, 1, _ALIKE)), "")


def _variables(world: World) -> Iterator[_Variable]:
    for file in world.all_env_files():
        for entry in file.entries:
            place, in_force = f"{file.name}:{entry.line}", file in world.env_files
            yield _Variable(entry.name, entry.value or "", place, file.name, in_force)
    if not world.project:
        yield from _environment(world.environ)
    for declared in world.surroundings.declared:
        group = f"{declared.place.rpartition(':')[0]} {declared.service}"
        yield _Variable(declared.name, declared.text, declared.place, group, in_force=False, composed=True)


def _environment(environ: Mapping[str, str]) -> Iterator[_Variable]:
    for name, text in environ.items():
        yield _Variable(name, text, f"env {name}", "environment")
