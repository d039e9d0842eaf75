"""What a minted token says for itself. Apart from views/tokens.py, because a mint is to be fast."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.secret import printable, scrub
from lkctl.tokens.findings import Severity
from lkctl.tokens.minting import Minted, label_of

if TYPE_CHECKING:
    from lkctl.settings.url import ServerUrl

MEET = "https://meet.livekit.io"
_WIDEST_SETUP = 300  # characters of the room's setup


def show_minted(
    minted: Minted, now: float, url: Callable[[], "ServerUrl | None"], format_: Format, console: Console
) -> None:
    """Write the bare token to stdout, or the document under JSON; remarks to stderr, on a terminal with a summary."""
    if format_ in {Format.json, Format.jsonl}:
        console.reveal(_minted_json(minted, _text(url()), compact=format_ is Format.jsonl))
    elif format_ is Format.env:
        console.reveal(_assignments(LIVEKIT_URL=_text(url()) or "", LIVEKIT_TOKEN=minted.token))
    else:
        console.reveal(minted.token + "\n")
    if console.err_tty and format_ not in {Format.json, Format.jsonl}:
        console.talk(_summary(minted, now, console))
    if all(finding.severity is Severity.info for finding in minted.findings):
        return
    from lkctl.views.tokens import say

    for finding in minted.findings:
        if finding.severity is not Severity.info:
            label = console.paint(f"{label_of(finding)}:", "yellow", err=True)
            console.talk(f"{label} {printable(say(finding))}")


def _text(url: "ServerUrl | None") -> str | None:
    return None if url is None else url.websocket


def join_link(url: str, token: str) -> str:
    """Give the link by which a browser joins on LiveKit's public page (meet, app/custom/page.tsx)."""
    from urllib.parse import quote

    return f"{MEET}/custom?liveKitUrl={quote(url, safe='')}&token={token}"


def _minted_json(minted: Minted, url: str | None, *, compact: bool) -> str:
    """Write the document; everything is scrubbed but the token itself."""
    from lkctl.output.jsontext import to_json
    from lkctl.tokens.words import as_moment

    document = {
        "token": minted.token,
        "claims": _scrubbed(minted.claims),
        "expires_at": as_moment(minted.expires_at),
        "url": url,
        "join_link": url and join_link(url, minted.token),
        "findings": _scrubbed([finding.json() for finding in minted.findings]),
    }
    return to_json(document, compact=compact) + "\n"


def _scrubbed(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {scrub(str(key)): _scrubbed(item) for key, item in value.items()}
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value


def _assignments(**values: str) -> str:
    """Write what a shell can `eval`, one variable a line."""
    from shlex import quote

    return "".join(f"{name}={quote(value)}\n" for name, value in values.items())


def _summary(minted: Minted, now: float, console: Console) -> str:
    from lkctl.tokens.reading import read_claims
    from lkctl.tokens.words import as_moment, effective_grants, say_grants
    from lkctl.views.tokens import when

    reading = read_claims(dict(minted.claims))
    begins, ends = minted.claims.get("nbf"), minted.expires_at
    facts = {
        "identity": reading.identity,
        "room": reading.room,
        "new room": _setup(minted.claims),
        "user ID": minted.user_id or "",
        "grants": say_grants(effective_grants(reading)),
        "valid from": "" if begins is None else when(as_moment(begins), begins - int(now)),
        "expires": "never" if ends is None else when(as_moment(ends), ends - int(now)),
    }
    told = {name: printable(value) for name, value in facts.items() if value}
    widest = max(map(len, told))
    return "\n".join(f"{console.paint(name.ljust(widest), 'dim', err=True)}  {value}" for name, value in told.items())


def _setup(claims: Mapping[str, Any]) -> str:
    """Say how the room will be set up by the join that makes it: `agents helper, scribe; metadata {"a": 1}`."""
    from lkctl.output.columns import fit
    from lkctl.output.jsontext import to_json

    config = dict(claims.get("roomConfig", {}))
    agents = config.pop("agents", None) if isinstance(config.get("agents"), list) else []
    names = [str(agent["agentName"]) for agent in agents if isinstance(agent, dict) and "agentName" in agent]
    parts = [f"preset {claims['roomPreset']}"] if "roomPreset" in claims else []
    parts += [f"agents {', '.join(names)}"] if names else []
    parts += [
        f"{name} {value if isinstance(value, str) else to_json(value, compact=True)}" for name, value in config.items()
    ]
    return fit("; ".join(parts), _WIDEST_SETUP)
