"""What came of holding a token against what it must be."""

from typing import Any

from lkctl.duration import say_duration
from lkctl.output.columns import fit
from lkctl.output.console import Console
from lkctl.output.format import Format
from lkctl.output.jsontext import rfc3339
from lkctl.output.render import effective, render
from lkctl.output.view import Column, Listing, Record
from lkctl.scenarios.verification import Verification
from lkctl.tokens.expectations import Expectation
from lkctl.tokens.findings import Severity
from lkctl.views.tokens import remarks, when

_WIDEST = 300  # cells; an identity has at most 256 bytes


def show_verified(result: Verification, fail_on: Severity, format_: Format, console: Console) -> None:
    """Write the verdict, each expectation, the server's answer and the findings."""
    people = effective(format_, console) is Format.table
    render(_record(result, fail_on, people=people), format_, console)


def _record(result: Verification, fail_on: Severity, *, people: bool) -> Record:
    decoded, good = result.decoded, result.good(fail_on)
    found = tuple(text for finding in decoded.findings for text in remarks(finding))
    fields = _told(result) if people else _plain(result, good=good)
    return Record(
        _document(result, good=good),
        tuple((name, value) for name, value in fields.items() if value or not people),
        decoded.reading.identity,
        heading=_heading(result, fail_on, good=good),
        lists=(("Expectations", _list(result.expectations, people=people)),),
        remarks=(*found, *(f"- {line}" for line in result.evidence)),
    )


def _document(result: Verification, *, good: bool) -> dict[str, Any]:
    """Give the document of `token decode` with what was expected, and what the server said."""
    verdict = result.verdict
    answer = None if verdict is None else {
        "url": verdict.url,
        "status": verdict.status,
        "accepted": verdict.accepted,
        "code": verdict.code,
        "reason": verdict.reason,
        "as_predicted": result.as_predicted,
        "evidence": list(result.evidence),
    }  # fmt: skip
    expected = [expectation._asdict() for expectation in result.expectations]
    return {**result.decoded.json(), "ok": good, "expectations": expected, "server": answer}


def _heading(result: Verification, fail_on: Severity, *, good: bool) -> str:
    """Say whether all is well, and if not, how much is wrong."""
    left = result.decoded.expires_in_s
    if good:
        lasts = f", valid for {say_duration(left)}" if left is not None and left > 0 else ""
        return f"✓ verified{lasts}"
    proof, unmet = result.expectations[0], [one for one in result.expectations if not one.met]
    if not proof.met:
        what = "not verified"
    elif result.verdict is not None and not result.verdict.accepted:
        what = "refused by the server"
    else:
        what = "not as expected" if unmet else "verified, but not valid"
    return f"✗ {what} ({', '.join(_wrong(result, len(unmet), fail_on))})"


def _wrong(result: Verification, unmet: int, fail_on: Severity) -> list[str]:
    ids = list(dict.fromkeys(found.id for found in result.decoded.findings if found.severity.at_least(fail_on)))
    verb = "is" if unmet == 1 else "are"
    counted = [f"{unmet} of {len(result.expectations)} expectations {verb} not met"] if unmet else []
    return counted + ids or ["it is not inside its times"]


def _told(result: Verification) -> dict[str, str]:
    """Give which token it is and who was asked, as people read it."""
    decoded, expires = result.decoded, result.decoded.reading.values.get("exp")
    told = {
        "identity": decoded.reading.identity,
        "room": decoded.reading.room,
        "user ID": decoded.user_id or "",
        "expires": "" if expires is None else when(decoded.moment("exp"), expires - int(decoded.now)),
        "server": result.verdict.url if result.verdict else "",
    }
    return {name: fit(value, _WIDEST) for name, value in told.items()}


def _plain(result: Verification, *, good: bool) -> dict[str, str]:
    """Give the same under the names of the JSON document, for scripts."""
    decoded, verdict = result.decoded, result.verdict
    return {
        "ok": "true" if good else "false",
        "signature": decoded.signature.value,
        "identity": decoded.reading.identity,
        "room": decoded.reading.room,
        "user_id": decoded.user_id or "",
        "expires_at": rfc3339(decoded.moment("exp")) or "",
        "server": f"{verdict.status} {verdict.code} {verdict.reason}" if verdict else "",
    }


def _list(expectations: tuple[Expectation, ...], *, people: bool) -> Listing[Expectation]:
    words = ("✓ met", "✗ not met") if people else ("met", "unmet")
    return Listing(
        items=expectations,
        columns=(
            Column("RESULT", lambda one: words[0] if one.met else words[1]),
            Column("EXPECTED", lambda one: one.expected),
            Column("FOUND", lambda one: one.found),
        ),
        name=lambda one: one.expected,
        empty="nothing was expected",
        prose=True,
    )
