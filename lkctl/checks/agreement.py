"""Do the files of a project name the same server and the same credentials? Values are compared, never shown."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lkctl.checks.naming import PUBLIC
from lkctl.checks.result import Finding, Severity
from lkctl.checks.spelling import is_placeholder
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.errors import LkctlError
from lkctl.settings.hosts import is_inner, is_private
from lkctl.settings.layers import KEY, NAMES, SECRET, URL
from lkctl.settings.shape import shorten_key
from lkctl.settings.url import ServerUrl, parse_url

_STAGES = {"production": "prod", "staging": "stage", "testing": "test", "development": "", "dev": "", "override": ""}
_NO_STAGE = {"", "env", "local", "docker", "compose", "yml", "yaml"}


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A value of one of our names; `group` is what is used together: an env file, or a service of a compose file."""

    name: str
    text: str
    place: str
    group: str
    stage: str


def judge_agreement(world: World) -> str:
    """Compare what is of one stage: `.env.production` is meant to differ from `.env`, `frontend/.env` is not."""
    sightings = list(_sightings(world))
    unread = world.surroundings.unread
    findings = [Finding(f"{reason}; it was not compared", severity=Severity.info) for reason in unread]
    for stage in dict.fromkeys(sighting.stage for sighting in sightings):
        findings += _differences([sighting for sighting in sightings if sighting.stage == stage])
    findings += [*_overridden(world, sightings), *_server_keys(world)]
    groups = list(dict.fromkeys(sighting.group for sighting in sightings))
    return settle(findings, f"{', '.join(groups)} agree" if len(groups) > 1 else "there is nothing to compare")


def _differences(sightings: Sequence[_Sighting]) -> Iterator[Finding]:
    """Compare each group with the first place where a name stands; one finding a group."""
    first: dict[str, _Sighting] = {}
    for sighting in sightings:
        first.setdefault(sighting.name, sighting)
    for group in dict.fromkeys(sighting.group for sighting in sightings):
        odd = [s for s in sightings if s.group == group and not _same(s, first[s.name])]
        if odd:
            yield _difference(odd, [first[name] for name in NAMES if any(s.name == name for s in odd)])


def _difference(odd: Sequence[_Sighting], against: Sequence[_Sighting]) -> Finding:
    names = [name for name in NAMES if any(sighting.name == name for sighting in odd)]
    others = ", ".join(sighting.place for sighting in against)
    if KEY in names:
        meaning = "a token made with one is refused where the other counts: 401 (invalid API key)"
    elif SECRET in names:
        meaning = "one of the two secrets is wrong, and ends in 401 (signature is invalid)"
    else:
        meaning = "clients then connect to another server than tokens and agents are for"
    hint = "Give both the same values; a file for another stage is called like .env.production"
    if {odd[0].group, against[0].group} == {".env", ".env.local"}:
        hint = "lkctl and Next.js prefer .env.local, load_dotenv() of a Python agent reads .env only: keep one of them"
    verb = "differs" if len(names) == 1 else "differ"
    return Finding(f"{', '.join(names)} {verb} from {others}: {meaning}", hint, odd[0].place, Severity.warn)


def _overridden(world: World, sightings: Sequence[_Sighting]) -> Iterator[Finding]:
    """Tell of the environment where it differs from the files: that is its right, and often a forgotten export."""
    for name in NAMES if not world.project else ():
        text = world.environ.get(name, "")
        seen = next((s for s in sightings if s.name == name and not s.stage), None)
        if text.strip() and seen is not None and not _same(_Sighting(name, text.strip(), "", "", ""), seen):
            said = f"differs from {seen.place}, and wins over it, also for load_dotenv()"
            yield Finding(said, f"If it is a leftover: unset {name}", f"env {name}", Severity.info)


def _server_keys(world: World) -> Iterator[Finding]:
    """Look for the key in the configuration of the server itself, unless the server is LiveKit Cloud's."""
    url = world.likely_url()
    key, secret = world.value(KEY), world.value(SECRET)
    known = [k for k in world.surroundings.server_keys if "$" not in k.secret and not is_placeholder(SECRET, k.secret)]
    if not known or not key or is_placeholder(KEY, key) or (url is not None and url.cloud):
        return
    own = [server_key for server_key in known if server_key.key == key]
    places = ", ".join(dict.fromkeys(server_key.place for server_key in own or known))
    if not own:
        said = f"the key {shorten_key(key)} is not among those of {places}: that server answers 401 (invalid API key)"
        yield Finding(said, "Give server and clients the same pair", world.origin(KEY), Severity.warn)
    elif secret and all(server_key.secret != secret for server_key in own):
        said = f"the secret differs from that of {places}: that server answers 401 (signature is invalid)"
        yield Finding(said, "Give server and clients the same pair", world.origin(SECRET), Severity.warn)


def _sightings(world: World) -> Iterator[_Sighting]:
    for file in world.all_env_files():
        for entry in file.entries:
            name = PUBLIC.sub("", entry.name, count=1)
            if name in NAMES and _counts(name, entry.value or ""):
                place = f"{file.name}:{entry.line}"
                yield _Sighting(name, (entry.value or "").strip(), place, file.name, _stage(file.name))
    for declared in world.surroundings.declared:
        name, file_name = PUBLIC.sub("", declared.name, count=1), declared.place.rpartition(":")[0]
        if name in NAMES and "$" not in declared.text and _counts(name, declared.text):
            group = f"{file_name} ({declared.service})"
            yield _Sighting(name, declared.text.strip(), declared.place, group, _stage(file_name))


def _counts(name: str, text: str) -> bool:
    return bool(text.strip()) and not is_placeholder(name, text)


def _stage(file_name: str) -> str:
    """Name the stage that a file is for: `prod` for .env.production.local, "" for .env and .env.development."""
    parts = re.split(r"[.-]", file_name.rpartition("/")[2].lower())
    return ".".join(filter(None, (_STAGES.get(part, part) for part in parts if part not in _NO_STAGE)))


def _same(one: _Sighting, other: _Sighting) -> bool:
    if one.name != URL:
        return one.text == other.text
    first, second = _url(one.text), _url(other.text)
    if first is None or second is None:
        return one.text == other.text
    if is_inner(first.host) or is_inner(second.host):
        return is_private(first.host) and is_private(second.host)  # one server has many names on its own machine
    return (first.host, first.port, first.path) == (second.host, second.port, second.path)


def _url(text: str) -> ServerUrl | None:
    try:
        return parse_url(text)
    except LkctlError:
        return None
