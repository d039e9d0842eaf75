"""The integration checklist for code that mints tokens: its variables, its mistakes, and where the secret ends up.

Source: livekit-server-sdk for JavaScript (AccessToken: `toJwt` is async since 2.0) and its VideoGrant. Text is searched
with comments blanked out.
"""

import re
from collections.abc import Iterator
from itertools import islice

from lkctl.checks.result import Finding, Fix, NotApplicable, Severity
from lkctl.checks.source.clientcode import clients_of, is_served
from lkctl.checks.source.project import Project, line_at, line_of, project_of
from lkctl.checks.spelling import is_placeholder
from lkctl.checks.verdict import settle
from lkctl.checks.world import World
from lkctl.files.folder import is_example
from lkctl.settings.layers import NAMES

_MOST = 50  # places of a kind that are looked at in one file
_MINTS = re.compile(r"\b(?:new\s+)?(?:\w+\.)?AccessToken\s*\(|\bNewAccessToken\s*\(|\bAccessToken\.with_api_key\s*\(")
_ANY_CODE = re.compile(r".+\.(?:py|[mc]?[jt]s|[jt]sx|vue|svelte|astro|go|rb|php|rs|java|kt|cs)")
_OUTSIDE = re.compile(
    r"TokenSource\b|\bsandbox(?:Id|_id)\b|LIVEKIT_TOKEN\b|token[-_]?(?:endpoint|server|url)", re.IGNORECASE
)
_VARIABLE = re.compile(
    r"""(?:process\.env\.|process\.env\[["']|import\.meta\.env\.|os\.(?:environ|getenv)[(\[](?:\.get\()?["'])(LIVEKIT_\w{1,40})"""
)
_PUBLIC_SECRET = re.compile(
    r"\b(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|PUBLIC|GATSBY|VUE_APP)_\w{0,40}(?:API_)?SECRET\w{0,20}"
)
_BROWSER = re.compile(r"""["']use client["']|from\s+["']livekit-client["']|from\s+["']@livekit/components-react["']""")
_PROMISE = re.compile(r"(?<![\w.])[\w.]{1,60}\.toJwt\(\)")
_GRANT = re.compile(r"\b(?:addGrant|VideoGrants?)\b[^{]{0,40}\{(?P<grants>[^{}]{0,600})\}")
_WRONG_GRANTS = {"roomName": "room", "room_name": "room", "room_join": "roomJoin", "can_publish": "canPublish",
                 "can_subscribe": "canSubscribe", "room_admin": "roomAdmin"}  # fmt: skip


def judge_configuration(world: World) -> str:
    """Compare the LIVEKIT_ variables that code reads with those that env files and examples set."""
    project = project_of(world)
    read: dict[str, str] = {}
    for name, text in project.texts.items():
        if _ANY_CODE.fullmatch(name):
            for found in islice(_VARIABLE.finditer(project.scripts.get(name, text)), _MOST):
                read.setdefault(found[1], project.place(name, line_at(text, found.start())))
    if not read:
        raise NotApplicable("no code here reads a LIVEKIT_ variable")
    files = [file for file in project.env_files if any((entry.value or "").strip() for entry in file.entries)]
    present = project.variables(world.environ)
    shown = {
        word
        for name, text in project.texts.items()
        if is_example(name)
        for word in re.findall(r"LIVEKIT_\w{1,40}", text)
    }
    absent = {name: place for name, place in read.items() if files and name in NAMES and name not in present}
    findings = [
        Finding(f"{name} is read here, and set nowhere", f"Write it into {files[0].name}", place, Severity.warn)
        for name, place in absent.items()
    ]
    findings += _placeholders(project)
    where = ", ".join(file.name for file in files) or ("examples only" if shown else "no env file here")
    return settle(findings, f"the code reads {', '.join(sorted(read))}: {where}")


def _placeholders(project: Project) -> Iterator[Finding]:
    for file in project.env_files:
        for entry in file.entries:
            if entry.name in NAMES and entry.value and is_placeholder(entry.name, entry.value):
                said = f"{entry.name} is still the value of an example"
                yield Finding(
                    said,
                    "Copy the real one",
                    project.place(file.name, entry.line),
                    Severity.warn,
                    ("env.*", "api.auth"),
                )


def judge_token_endpoint(world: World) -> str:
    """Find the code that mints tokens, and mistakes in it: a promise for a token, grants that count for nothing."""
    project = project_of(world)
    mints = [
        (name, found.start())
        for name, text in project.texts.items()
        if _ANY_CODE.fullmatch(name)
        and (found := _MINTS.search(project.scripts.get(name, text)))
        and "livekit" in text.lower()
    ]
    findings = [*_promises(project), *_grants(project), *_in_browser(project, [name for name, _ in mints])]
    if not mints and not findings:
        if not clients_of(project):
            raise NotApplicable("no code here mints tokens or joins rooms")
        if any(_OUTSIDE.search(text) for text in project.scripts.values()):
            return "no code here mints tokens; they come from elsewhere"
        said = "no code here mints tokens: the endpoint must be somewhere else"
        findings = [Finding(said, "Judge it with --token-endpoint URL", severity=Severity.info)]
    places = ", ".join(project.place(name, line_at(project.texts[name], at)) for name, at in mints[:5])
    return settle(findings, f"tokens are minted on the server: {places}")


def _promises(project: Project) -> Iterator[Finding]:
    """`toJwt()` gives a promise; unawaited it becomes `[object Promise]`, or `{}` in JSON."""
    for name, text in project.scripts.items():
        for found in islice(_PROMISE.finditer(text), _MOST):
            before = text[max(0, found.start() - 200) : found.start()].rpartition("\n")[2]
            handled = re.search(r"(?:\bawait|\breturn|=>)\s*$", before) or text.startswith(".then", found.end())
            if handled or _held_promise(before, text[found.end() :]):
                continue
            line, call = line_at(text, found.start()), found.group()
            old = line_of(project.texts[name], line)
            fix: Fix | None = Fix("", project.place(name), line, old, old.replace(call, f"await {call}", 1))
            said = "toJwt() gives a promise: what is sent is no token (`[object Promise]` or {})"
            place, hint = project.place(name, line), "Write await before it"
            if not _may_await(text[: found.start()]):
                fix, hint = None, f"{hint}, in an async function"
            yield Finding(said, hint, place, Severity.warn, ("token.*", "endpoint.*"), fix)


def _may_await(before: str) -> bool:
    """Whether the function that this stands in is surely async: it is for the last one that was begun."""
    begun = max(before.rfind("function"), before.rfind("=>"))
    return re.search(r"\basync\b[^;{}]{0,200}$", before[max(0, begun - 220) : max(0, begun)]) is not None


def _held_promise(before: str, after: str) -> bool:
    """Whether the promise is kept under a name that is awaited later."""
    kept = re.search(r"(\w{1,60})\s*=\s*$", before)
    return kept is not None and re.search(rf"\bawait\s+{re.escape(kept[1])}\b", after) is not None


def _grants(project: Project) -> Iterator[Finding]:
    for name, text in project.scripts.items():
        for found in islice(_GRANT.finditer(text), _MOST):
            for wrong, right in _WRONG_GRANTS.items():
                spelt = re.search(rf"\b{wrong}\b\s*:", found["grants"])
                if spelt is not None:
                    line = line_at(text, found.start("grants") + spelt.start())
                    old = line_of(project.texts[name], line)
                    fix = Fix(
                        path=project.place(name),
                        line=line,
                        old=old,
                        new=re.sub(rf"\b{wrong}(\s*):", rf"{right}\1:", old),
                    )
                    said = f"the grant {wrong} counts for nothing: the server knows {right}"
                    yield Finding(
                        said,
                        f"Call it {right}",
                        project.place(name, line),
                        Severity.warn,
                        ("token.*", "endpoint.*"),
                        fix,
                    )


def _in_browser(project: Project, mints: list[str]) -> Iterator[Finding]:
    """A secret in code for browsers is everybody's."""
    hint = "Mint tokens in a route of the server, make a new key, and give the page the token only"
    for name, text in project.texts.items():
        found = _PUBLIC_SECRET.search(project.scripts.get(name, text)) if _ANY_CODE.fullmatch(name) else None
        if found is not None:
            said = f"{found.group()} puts the secret into the page: every visitor can make tokens"
            yield Finding(said, hint, project.place(name, line_at(text, found.start())), Severity.security)
        elif name in mints and not is_served(name) and _BROWSER.search(project.scripts.get(name, "")):
            at = _MINTS.search(project.scripts[name])
            said = "a token is minted in code for the browser, and needs the secret there"
            yield Finding(said, hint, project.place(name, line_at(text, at.start() if at else 0)), Severity.security)
