"""What a token looks like to people, and what a minted one says for itself."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lkctl.duration import say_duration
from lkctl.output.columns import fit
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339
from lkctl.output.render import effective, render
from lkctl.output.view import Record
from lkctl.settings.shape import shorten_key
from lkctl.tokens.findings import Finding, Severity

if TYPE_CHECKING:  # a mint need not load what only decoding needs
    from lkctl.tokens.decoding import Decoded
    from lkctl.tokens.reading import Reading

_MARKS = {Severity.error: "✗", Severity.warning: "!", Severity.security: "!", Severity.info: "-"}
_WIDEST_VALUE = 2000  # characters of metadata and the like that a person is shown


def show_sheet(decoded: "Decoded", missing: str, format_: Format, console: Console) -> None:
    """Write one token as a sheet. `missing` says why there is no secret to check with."""
    people = effective(format_, console) is Format.table
    render(_sheet(decoded, missing, people=people), format_, console)


def _sheet(decoded: "Decoded", missing: str, *, people: bool) -> Record:
    return Record(
        decoded.json(),
        tuple((_told(decoded) if people else _plain(decoded)).items()),
        decoded.reading.identity,
        heading=_heading(decoded, missing),
        remarks=tuple(text for finding in decoded.findings for text in remarks(finding)),
    )


def _heading(decoded: "Decoded", missing: str) -> str:
    """Say how the signature stands, then whether the token is any good."""
    key = shorten_key(decoded.reading.text("iss")) or "a token without a key"
    fits = f"; it fits {decoded.meant}" if decoded.meant else ""
    mark, words = "✓", decoded.signature.value
    if words == "bad":
        return f"✗ bad signature (not made with the secret of {key}{fits})"
    if words == "unverified":
        mark, words = "?", f"not verified (no secret for {key}: {missing or 'another key is configured'}{fits})"
    if decoded.valid:
        left = decoded.reading.values.get("exp", 0) - int(decoded.now)
        return f"{mark} {words}, valid for {say_duration(left)}" if left > 0 else f"{mark} {words}"
    errors = ", ".join(dict.fromkeys(f.id for f in decoded.findings if f.severity is Severity.error))
    return f"✗ {words}, but {_why_invalid(decoded)}{f' ({errors})' if errors else ''}"


def _why_invalid(decoded: "Decoded") -> str:
    return "expired" if decoded.expired else "not valid" if decoded.begun else "not valid yet"


def _told(decoded: "Decoded") -> dict[str, str]:
    """Give what is there, as people read it."""
    from lkctl.tokens.words import say_grants

    reading = decoded.reading
    told = {
        "identity": reading.identity + (" (from jti)" if reading.identity_from == "jti" else ""),
        "name": reading.text("name"),
        "kind": reading.text("kind"),
        "details": ", ".join(reading.values.get("kindDetails", ())),
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
        **_new_room(reading),
        "body hash": reading.text("sha256"),
        "join": _join(decoded),
    }
    return {name: fit(value, _WIDEST_VALUE) for name, value in told.items() if value}


def _new_room(reading: "Reading") -> dict[str, str]:
    """Say what becomes of the room if the join makes it: the agents that are called, and its settings."""
    told = {"room preset": reading.text("roomPreset")}
    given = reading.values.get("roomConfig")
    if not given:
        return told
    from lkctl.tokens.roomconfig import in_camel_case

    config = in_camel_case(given)
    agents = "; ".join(_agent(agent) for agent in config.get("agents") or ())
    settings = {name: item for name, item in config.items() if name not in {"agents", "egress"} and item}
    recorded = "recorded or streamed (egress)" if config.get("egress") else ""
    words = [*(f"{name} {item if isinstance(item, str) else _compact(item)}" for name, item in settings.items())]
    return {**told, "dispatches": agents, "new room": ", ".join([*words, recorded] if recorded else words)}


def _agent(agent: Mapping[str, Any]) -> str:
    name = agent.get("agentName")
    who = f"agent {name}" if name else "any agent without a name"
    place = f" of deployment {agent['deployment']}" if agent.get("deployment") else ""
    given = {word: agent.get(word) for word in ("metadata", "attributes") if agent.get(word)}
    told = " and ".join(f"{word} {item if isinstance(item, str) else _compact(item)}" for word, item in given.items())
    return f"{who}{place}{f', with {told}' if told else ''}"


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


def remarks(finding: Finding) -> tuple[str, ...]:
    """Say a finding in a line, what comes of it and the next step in others."""
    said = f"{_MARKS[finding.severity]} {finding.severity.value} {finding.id}: {finding.message}"
    consequence = _consequence(finding)
    then = f"    consequence: {consequence}" if consequence else ""
    return tuple(line for line in (said, then, f"    {finding.hint}" if finding.hint else "") if line)


def _consequence(finding: Finding) -> str:
    """Give what comes of it in general; an error says so itself, and the server's answer stands under `join`."""
    from lkctl.tokens.catalogue import RULES

    fits = (r for r in RULES if r.id == finding.id and r.severity is finding.severity is not Severity.error)
    return next((rule.consequence for rule in fits), "")


def say(finding: Finding) -> str:
    """Say a finding in one line, with the next step."""
    return f"{finding.id}: {finding.message}" + (f". {finding.hint}" if finding.hint else "")
