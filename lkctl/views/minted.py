"""What a minted token says for itself. Apart from views/tokens.py, because a mint is to be fast."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.secret import printable, scrub
from lkctl.tokens.findings import Severity

if TYPE_CHECKING:
    from lkctl.tokens.mint import Minted


def show_minted(minted: "Minted", now: float, url: Callable[[], str | None], format_: Format, console: Console) -> None:
    """Write the bare token to stdout, or the document under JSON; remarks to stderr, on a terminal with a summary."""
    if format_ in {Format.json, Format.jsonl}:
        console.reveal(_minted_json(minted, url(), compact=format_ is Format.jsonl))
    else:
        console.reveal(minted.token + "\n")
        if console.err_tty:
            console.talk(_summary(minted, now, console))
    if all(finding.severity is Severity.info for finding in minted.findings):
        return
    from lkctl.views.tokens import say

    for finding in minted.findings:
        if finding.severity is not Severity.info:
            word = "forced" if finding.severity is Severity.error else finding.severity.value
            label = console.paint(f"{word}:", "yellow", err=True)
            console.talk(f"{label} {printable(say(finding))}")


def _minted_json(minted: "Minted", url: str | None, *, compact: bool) -> str:
    """Write the document with everything scrubbed but the token itself."""
    from lkctl.output.jsontext import to_json
    from lkctl.tokens.words import as_moment

    document = {
        "token": "",
        "claims": minted.claims,
        "expires_at": as_moment(minted.expires_at),
        "url": url,
        "findings": [finding.json() for finding in minted.findings],
    }
    return scrub(to_json(document, compact=compact)).replace('""', f'"{minted.token}"', 1) + "\n"


def _summary(minted: "Minted", now: float, console: Console) -> str:
    from lkctl.tokens.reading import read_claims
    from lkctl.tokens.words import as_moment, effective_grants, say_grants
    from lkctl.views.tokens import when

    reading = read_claims(dict(minted.claims))
    facts = {
        "identity": reading.identity,
        "room": reading.room,
        "user ID": minted.user_id or "",
        "grants": say_grants(effective_grants(reading)),
        "expires": when(as_moment(minted.expires_at), minted.expires_at - int(now)),
    }
    return "\n".join(
        f"{console.paint(name.ljust(8), 'dim', err=True)}  {printable(value)}" for name, value in facts.items() if value
    )
