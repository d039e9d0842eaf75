"""What the commands of `lkctl token` are given: the text of a token, the pair to check with, how to judge it."""

import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from lkctl.errors import LkctlError
from lkctl.invocation import Invocation
from lkctl.secret import remember
from lkctl.settings.layers import Settings
from lkctl.settings.shape import Pair, looks_like_secret

if TYPE_CHECKING:  # a mint judges by no wishes of the user's
    from lkctl.tokens.decoding import Decoded
    from lkctl.tokens.findings import Facts, Severity
    from lkctl.tokens.judge import Version
    from lkctl.userid.paths import KeyPath

_JUDGING = "Judging"


class FailOn(StrEnum):
    """From which severity on a finding fails the command."""

    error = "error"
    security = "security"
    warning = "warning"


def _rule_ids(incomplete: str) -> list[tuple[str, str]]:
    """Complete the ids of rules, with what they find; also behind a comma."""
    from lkctl.tokens.catalogue import RULES

    before, comma, word = incomplete.rpartition(",")
    return [(before + comma + rule.id, rule.title) for rule in RULES if rule.id.startswith(word)]


Ignore = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="ID",
        rich_help_panel=_JUDGING,
        autocompletion=_rule_ids,
        help="Ignore the findings of these rules: L09, or L09,L23 (repeatable); see lkctl help lint",
    ),
]
FailOnOption = Annotated[
    FailOn,
    typer.Option(
        "--fail-on",
        metavar="error|security|warning",
        rich_help_panel=_JUDGING,
        help="Exit with 1 for findings of this severity or a worse one",
    ),
]
ServerVersion = Annotated[
    str | None,
    typer.Option(
        "--server-version",
        metavar="VERSION",
        rich_help_panel=_JUDGING,
        help="Foresee the answer of this livekit-server, such as 1.13.6 [default: 1.13.5]",
    ),
]
RequireKey = Annotated[
    list[str] | None,
    typer.Option(
        "--require-key",
        metavar="KEY",
        rich_help_panel=_JUDGING,
        help="A key that the metadata must hold, such as userId (repeatable)",
    ),
]
Scan = Annotated[
    str | None,
    typer.Option(
        "--scan",
        metavar="DIR",
        rich_help_panel=_JUDGING,
        help="Search the source files there for what the token must allow, such as setAttributes()",
    ),
]


class Judging(NamedTuple):
    """By what tokens are judged: the configured pair or why there is none, what else is known, what the user wishes."""

    pair: Pair | None
    missing: str
    facts: "Facts"
    version: "Version"
    others: Iterable[Pair]
    ignored: frozenset[str]
    fail_on: "Severity"
    settings: Settings

    def decode(self, text: str, now: float) -> "Decoded":
        """Take a token apart and judge it; raise `L01` where it is no JWT."""
        from lkctl.tokens.decoding import decode

        decoded = decode(
            text,
            self.pair,
            now=now,
            others=self.others,
            facts=self.facts,
            version=self.version,
            ignored=self.ignored,
        )
        if looks_like_secret(issuer := decoded.reading.text("iss")):
            remember(issuer)  # swapped, most likely
        return decoded


def judging_from(
    run: Invocation,
    *,
    ignore: list[str] | None,
    fail_on: FailOn,
    server_version: str | None,
    require_key: list[str] | None,
    scan: str | None,
) -> Judging:
    """Turn settings and options into what to judge by; raise `usage` for what is no rule, version or key."""
    from lkctl.files.otherpairs import OtherPairs
    from lkctl.tokens.findings import Facts, Severity
    from lkctl.tokens.judge import MEASURED

    ignored = parse_rules(ignore or [])
    version = MEASURED if server_version is None else parse_version(server_version)
    required_keys = tuple(map(parse_required_key, require_key or ()))
    settings = run.settings()
    pair, missing = pair_or_reason(settings)
    url = settings.usable_url()  # reading a token needs none
    changes_itself = _changes_itself(run, scan) if scan else ""
    facts = Facts(host=url.host if url else "", required_keys=required_keys, changes_itself=changes_itself)
    others = OtherPairs(Path(), os.environ)
    return Judging(pair, missing, facts, version, others, ignored, Severity(fail_on.value), settings)


def parse_rules(words: Iterable[str]) -> frozenset[str]:
    """Read `--ignore`: ids of rules in any letter case, each word one or several with commas."""
    ids = {part.strip().upper() for word in words for part in word.split(",") if part.strip()}
    if not ids:
        return frozenset()
    from lkctl.tokens.catalogue import RULES

    known = [rule.id for rule in RULES]
    unknown = sorted(ids.difference(known))
    if unknown:
        raise LkctlError(
            "usage", f"there is no rule {unknown[0]!r} to ignore", hint=f"The rules are {', '.join(known)}"
        )
    return frozenset(ids)


def parse_version(text: str) -> "Version":
    """Read `--server-version`, such as 1.13.6, v1.13.6 or 1.13.6-rc.1."""
    import re

    found = re.fullmatch(r"v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+][\w.+-]*)?", text.strip())
    if found is None:
        raise LkctlError("usage", f"--server-version is {text!r}", hint="Write it like 1.13.6")
    return int(found[1]), int(found[2]), int(found[3])


def parse_required_key(text: str) -> "KeyPath":
    """Read one `--require-key`: userId, user.id or user["a.b"]."""
    from lkctl.tokens.document import shown
    from lkctl.userid.paths import parse_path

    try:
        return parse_path(text)
    except ValueError:
        hint = 'Write it like userId, user.id or user["a.b"]'
        raise LkctlError("usage", f"--require-key is {shown(text)}, which is no path to a key", hint=hint) from None


def given_text(argument: str | None, run: Invocation) -> str:
    """Read the argument, what it names, or what is piped in."""
    _insist_given(argument, run)
    from lkctl.files.content import read_text

    return read_text("-" if argument is None else argument, run.console.stdin)


def given_lines(argument: str | None, run: Invocation) -> Iterator[str | LkctlError]:
    """Read the same line by line, as it comes; in the place of a line that is not UTF-8 stands the error."""
    _insist_given(argument, run)
    from lkctl.files.textlines import read_lines

    return read_lines("-" if argument is None else argument, run.console.stdin, before_wait=run.console.flush)


def pair_or_reason(settings: Settings) -> tuple[Pair | None, str]:
    """Give the configured pair, or the reason why there is none: reading a token needs no secret."""
    try:
        return settings.credentials().pair, ""
    except LkctlError as error:
        if error.code not in {"settings-missing", "settings-partial"}:
            raise
        return None, error.message


def _insist_given(argument: str | None, run: Invocation) -> None:
    if argument is None and run.console.in_tty:
        hint = "Give it as an argument, as @file, or pipe it in: lkctl token decode < token.txt"
        raise LkctlError("usage", "no token was given", hint=hint)
    if argument in {None, "-"} and run.connection.api_secret == "-":  # noqa: S105  (standard input, no secret)
        told = "token and API secret cannot both come from standard input"
        raise LkctlError("usage", told, hint="Give one of them as @FILE")


def _changes_itself(run: Invocation, folder: str) -> str:
    from lkctl.files.selfchanges import scan_for_self_change

    scan = scan_for_self_change(Path(folder))
    if not scan.place:
        seen = f"the first {scan.files}" if scan.cut else str(scan.files)
        run.console.talk(f"scanned {seen} source files in {folder}: none changes its own metadata, attributes or name")
    return scan.place
