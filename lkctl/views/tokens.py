"""What a token looks like to people, and what a minted one says for itself."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lkctl.duration import say_duration
from lkctl.output.columns import fit
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339
from lkctl.output.render import effective, render
from lkctl.output.view import Column, Listing, Record
from lkctl.secret import remember
from lkctl.settings.shape import looks_like_secret, shorten_key
from lkctl.tokens.findings import Finding, Severity

if TYPE_CHECKING:  # a mint need not load what only decoding needs
    from lkctl.tokens.decode import Decoded
    from lkctl.tokens.lines import Line

_MARKS = {Severity.error: "✗", Severity.warning: "!", Severity.security: "!", Severity.info: "-"}
_WIDEST_VALUE = 2000  # characters of metadata and the like that a person is shown


def show_decoded(lines: Sequence["Line"], unverified: str, format_: Format, console: Console) -> None:
    """Write one token as a sheet, many as a list. `unverified` says why there is no secret to check with."""
    for line in lines:
        if line.decoded is not None and looks_like_secret(issuer := line.decoded.reading.text("iss")):
            remember(issuer)  # swapped, most likely
    if len(lines) > 1 or lines[0].decoded is None:
        render(_listing(lines), format_, console)
        return
    people = effective(format_, console) is Format.table
    render(_sheet(lines[0].decoded, unverified, people=people), format_, console)


def _sheet(decoded: "Decoded", unverified: str, *, people: bool) -> Record:
    return Record(
        decoded.json(),
        tuple((_told(decoded) if people else _plain(decoded)).items()),
        decoded.reading.identity,
        heading=_heading(decoded, unverified),
        remarks=tuple(text for finding in decoded.findings for text in _remarks(finding)),
    )


def _heading(decoded: "Decoded", unverified: str) -> str:
    """Say how the signature stands, then whether the token is any good."""
    key = shorten_key(decoded.reading.text("iss")) or "a token without a key"
    mark, words = "✓", decoded.signature.value
    if words == "bad":
        return f"✗ bad signature (not made with the secret of {key})"
    if words == "unverified":
        mark, words = "?", f"not verified (no secret for {key}: {unverified or 'another key is configured'})"
    if decoded.valid:
        left = decoded.reading.values.get("exp", 0) - int(decoded.now)
        return f"{mark} {words}, valid for {say_duration(left)}" if left > 0 else f"{mark} {words}"
    errors = ", ".join(dict.fromkeys(f.id for f in decoded.findings if f.severity is Severity.error))
    return f"✗ {words}, but {'expired' if decoded.expired else 'not valid'} ({errors})"


def _told(decoded: "Decoded") -> dict[str, str]:
    """Give what is there, as people read it."""
    from lkctl.tokens.words import say_grants

    reading = decoded.reading
    told = {
        "identity": reading.identity + (" (from jti)" if reading.identity_from == "jti" else ""),
        "name": reading.text("name"),
        "kind": reading.text("kind"),
        "room": reading.room,
        "user ID": decoded.user_id or "",
        "API key": shorten_key(reading.text("iss")),
        "issued": _time(decoded, "iat"),
        "not before": _time(decoded, "nbf"),
        "expires": _time(decoded, "exp") or _no_expiry(decoded),
        "grants": ", ".join(f"{group} {_compact(fields)}" for group, fields in reading.grants.items()) or "none",
        "meaning": say_grants(decoded.effective),
        "metadata": reading.text("metadata"),
        "attributes": _attributes(decoded),
        "join": _join(decoded),
    }
    return {name: fit(value, _WIDEST_VALUE) for name, value in told.items() if value}


def _plain(decoded: "Decoded") -> dict[str, str]:
    """Give everything under the names of the JSON document, whole, for scripts."""
    document = decoded.json()
    texts = {name: document[name] or "" for name in ("identity", "name", "kind", "room", "user_id", "issuer")}
    times = {name: rfc3339(document[name]) or "" for name in ("issued_at", "not_before", "expires_at")}
    return {
        "signature": document["signature"],
        "valid": "true" if document["valid"] else "false",
        **texts,
        **times,
        "grants": _compact(document["grants"]["effective"]),
        "metadata": document["metadata"]["raw"],
        "attributes": _attributes(decoded),
        "join": f"{decoded.join.status} {decoded.join.reason}" if decoded.join.status else "",
        "findings": "; ".join(f"{found.id} {found.severity.value}: {found.message}" for found in decoded.findings),
    }


def _time(decoded: "Decoded", name: str) -> str:
    seconds = decoded.reading.values.get(name)
    return "" if seconds is None else when(decoded.moment(name), seconds - int(decoded.now))


def _no_expiry(decoded: "Decoded") -> str:
    return "unreadable" if any(wrong.path == "exp" for wrong in decoded.reading.mismatches) else "never"


def when(moment: datetime | None, distance: float) -> str:
    """Say a time, absolute and as seen from now (`distance`, in seconds)."""
    if moment is None:
        return "beyond the calendar"
    if -1 < distance < 1:
        return f"{rfc3339(moment)} (now)"
    return f"{rfc3339(moment)} ({f'in {say_duration(distance)}' if distance > 0 else f'{say_duration(distance)} ago'})"


def _attributes(decoded: "Decoded") -> str:
    attributes = decoded.reading.values.get("attributes")
    return _compact(attributes) if attributes else ""


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _join(decoded: "Decoded") -> str:
    if decoded.join.status is None:
        return "cannot be foreseen without the secret"
    verb = "accepts" if decoded.join.accepted else "refuses"
    return f"the server {verb} it: {decoded.join.status} {decoded.join.reason}"


def _remarks(finding: Finding) -> tuple[str, ...]:
    said = f"{_MARKS[finding.severity]} {finding.severity.value} {finding.id}: {finding.message}"
    return (said, f"    {finding.hint}") if finding.hint else (said,)


def say(finding: Finding) -> str:
    """Say a finding in one line, with the next step."""
    return f"{finding.id}: {finding.message}" + (f". {finding.hint}" if finding.hint else "")


def _listing(lines: Sequence["Line"]) -> "Listing[Line]":
    return Listing(
        items=lines,
        columns=(
            Column("LINE", lambda line: str(line.number)),
            Column("VALID", lambda line: "yes" if line.valid else "no"),
            Column("SIGNATURE", lambda line: line.decoded.signature.value if line.decoded else "-"),
            Column("IDENTITY", lambda line: line.decoded.reading.identity if line.decoded else ""),
            Column("ROOM", lambda line: line.decoded.reading.room if line.decoded else ""),
            Column("EXPIRES", lambda line: _expires(line.decoded)),
            Column("PROBLEM", _problem),
        ),
        name=lambda line: line.decoded.reading.identity if line.decoded else "",
        empty="no tokens",
        json=lambda line: line.json(),
    )


def _expires(decoded: "Decoded | None") -> str:
    return (rfc3339(decoded.moment("exp")) or "") if decoded else ""


def _problem(line: "Line") -> str:
    if line.decoded is None:
        return f"L01 {line.error.message}" if line.error else ""
    worst = [finding for finding in line.decoded.findings if finding.severity is Severity.error]
    return f"{worst[0].id} {worst[0].message}" if worst else ""
