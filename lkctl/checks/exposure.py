"""Who can see the secrets: git, other users of this machine, readers of the source."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lkctl.checks.result import Finding, NotApplicable, Severity
from lkctl.checks.spelling import is_placeholder
from lkctl.checks.verdict import settle
from lkctl.checks.world import World, holds_secret
from lkctl.files.envfile import EnvFile
from lkctl.files.git import Tracking, tracking
from lkctl.files.sources import Sources
from lkctl.settings.layers import SECRET
from lkctl.settings.shape import DEFAULT_PAIR

_OTHERS_READ, _ALL_READ = 0o044, 0o004
_SHORTEST = 16  # characters from which a secret is searched for in source text
_CONFIG = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".tf")  # may hold secrets, as long as git has them not
_JWT = re.compile(r"\beyJ[\w-]{10,2000}\.(eyJ[\w-]{10,4000})\.[\w-]{20,200}")
_LITERAL = re.compile(
    r"""api[_-]?secret["'`\])]?\s{0,4}(?::\s{0,4}[A-Za-z]{1,10}\s{0,4})?[:=,(]\s{0,4}["'`](?P<named>[A-Za-z0-9+/_=-]{32,128})["'`]
    |AccessToken\(\s{0,20}["'`]API\w{9,20}["'`],\s{0,20}["'`](?P<placed>[A-Za-z0-9+/_=-]{32,128})["'`]""",
    re.IGNORECASE | re.VERBOSE,
)


def judge_exposure(world: World) -> str:
    """Look at what git tracks, at file modes, and for secrets and tokens in source files."""
    if world.project:
        raise NotApplicable("a stored project is judged, not this folder")
    files = [file for file in world.all_env_files() if _sensitive(file)]
    known = tracking((file.path for file in files), world.environ)
    sources = Sources(world.folder)
    findings = [finding for file in files for finding in _file_findings(file, known)]
    findings += _source_findings(world, sources)
    if known.reason:
        said = f"whether git tracks {', '.join(file.name for file in files)} could not be judged: {known.reason}"
        findings.append(Finding(said, severity=Severity.info))
    verb = "is" if len(files) == 1 else "are"
    kept = f"{', '.join(file.name for file in files)} {verb} yours alone and not in git; " if files else ""
    cut = f" (stopped after {sources.cut})" if sources.cut else ""
    return settle(findings, f"{kept}no secret in {sources.files} source files{cut}")


def _sensitive(file: EnvFile) -> bool:
    """Whether a file holds a secret that is worth keeping: no placeholder, not the pair that everybody knows."""
    values = [entry.value or "" for entry in file.entries if holds_secret(entry.name)]
    return any(value.strip() and value != DEFAULT_PAIR[1] and not is_placeholder(SECRET, value) for value in values)


def _file_findings(file: EnvFile, known: Tracking) -> Iterator[Finding]:
    if file.path in known.tracked:
        said = "git tracks this file with its secret: it is in every clone, and stays in the history"
        hint = f"Run: git rm --cached {file.name}, add it to .gitignore, and make a new key"
        yield Finding(said, hint, file.name, Severity.security)
    if file.path in known.unignored:
        said = "git does not ignore this file with its secret: the next `git add .` takes it in"
        yield Finding(said, f"Run: echo {file.path.name} >> .gitignore", file.name, Severity.security)
    mode = _mode(file.path)
    if mode & _OTHERS_READ:
        who = "every user of this machine" if mode & _ALL_READ else "the group of the file"
        said = f"{who} can read the secret (mode {mode:04o})"
        yield Finding(said, f"Run: chmod 600 {file.name}", file.name, Severity.security)


def _mode(path: Path) -> int:
    """Give the permission bits; 0 where they mean nothing."""
    try:
        return path.stat().st_mode & 0o777 if os.name == "posix" else 0
    except OSError:
        return 0


def _source_findings(world: World, sources: Sources) -> list[Finding]:
    """Search the source files; configuration files may hold secrets unless git tracks them."""
    secrets = {s for s in world.known_secrets() if len(s) >= _SHORTEST and not is_placeholder(SECRET, s)}
    findings: list[Finding] = []
    configured: dict[Path, list[Finding]] = {}
    for name, text in sources.read():
        found = list(_in_text(name, text, secrets))
        if name.endswith(_CONFIG) and found:
            configured[world.folder / name] = found
        else:
            findings += found
    tracked = tracking(configured, world.environ).tracked if configured else frozenset()
    return findings + [finding for path in configured if path in tracked for finding in configured[path]]


def _in_text(name: str, text: str, secrets: set[str]) -> Iterator[Finding]:
    """Find the first secret and the first LiveKit token of a file."""
    at = next((text.index(secret) for secret in secrets if secret in text), None)
    if at is None:
        at = next((match.start() for match in _LITERAL.finditer(text) if _is_literal(match)), None)
    if at is not None:
        said = f"an API secret stands in {_kind(name)}: whoever reads it can make tokens with any grant"
        hint = "Read LIVEKIT_API_SECRET from the environment, and make a new key: this one stays in the history"
        yield Finding(said, hint, f"{name}:{text.count(chr(10), 0, at) + 1}", Severity.security)
    token = next((match for match in _JWT.finditer(text) if _is_livekit(match[1])), None)
    if token is not None:
        said = f"an access token stands in {_kind(name)}: whoever reads it can join, and nobody once it has expired"
        place = f"{name}:{text.count(chr(10), 0, token.start()) + 1}"
        yield Finding(said, "Fetch a fresh token from the server when it is needed", place, Severity.security)


def _kind(name: str) -> str:
    return "this file, which git tracks" if name.endswith(_CONFIG) else "the source"


def _is_literal(match: re.Match[str]) -> bool:
    value = match["named"] or match["placed"]
    return not is_placeholder(SECRET, value) and len(set(value)) > _SHORTEST // 2 and not value.isupper()


def _is_livekit(payload: str) -> bool:
    """Whether the payload of a JWT has LiveKit's grants."""
    import base64
    import json

    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(claims, dict) and ("video" in claims or "sip" in claims)
