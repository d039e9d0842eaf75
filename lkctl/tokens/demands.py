"""Demands on a token, as `token verify --require` takes them.

A demand is written as

    NAME          it is true; a text or a list is there and not empty
    !NAME         it is not
    NAME=VALUE    it is this; of a list these, in any order, with commas between them
    NAME!=VALUE   it is there, and something else
    NAME~VALUE    a list holds it, a text contains it

NAME is a grant of video (`roomJoin`), another grant (`sip.call`), a claim (`iss`, `identity`, `kind`),
`attributes.KEY`, or `metadata.PATH` in metadata that is JSON. Grants count as the server reads them, with its defaults;
`kind` too.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lkctl.errors import LkctlError
from lkctl.settings.shape import shorten_key
from lkctl.tokens.claims import GROUPS, KINDS, OWN, REGISTERED, SOURCES, Form, bare, nearest
from lkctl.tokens.decoding import Decoded, parsed
from lkctl.tokens.document import shown
from lkctl.userid.paths import parse_path

_FORMS: Mapping[str, Form] = {
    **REGISTERED,
    **OWN,
    **{f"{group}.{name}": form for group, kind in GROUPS.items() for name, form in kind.fields.items()},
    **GROUPS["video"].fields,
}
_WORDS: Mapping[str, tuple[str, ...]] = {
    "kind": KINDS,
    "canPublishSources": SOURCES,
    "video.canPublishSources": SOURCES,
}
_ELSEWHERE = {
    "ttl": "Say --min-ttl 5m",
    "minttl": "Say --min-ttl 5m",
    "userid": "Say --user-id ID, or metadata.userId=ID",
    "agentname": "Say --agent NAME",
    "metadata.": "Write it like metadata.userId",
    "attributes.": "Write it like attributes.plan",
}
_EXPRESSION = r"(!?)([^=!~]*)(?:(!=|=|~)(.*))?"
_GRAMMAR = "Write NAME, !NAME, NAME=VALUE, NAME!=VALUE or NAME~VALUE"
_LONGEST = 200


class Demand(NamedTuple):
    """An expectation taken apart; `operator` is one of "", "!", "=", "!=" and "~"."""

    text: str
    name: str
    operator: str
    value: str = ""


def parse_demand(text: str) -> Demand:
    """Read an expectation; raise `usage` for what could never be met, or would always be: a typo must not pass."""
    match = re.fullmatch(_EXPRESSION, text.strip(), re.DOTALL)
    if match is None or not match[2].strip() or (match[1] and match[3]):
        raise _unfit(text, "is not an expectation", _GRAMMAR)
    demand = Demand(text.strip(), match[2].strip(), match[3] or match[1], (match[4] or "").strip())
    _insist_known(demand)
    if match[3]:
        _insist_fitting(demand, _FORMS.get(demand.name))
    return demand


def _insist_known(demand: Demand) -> None:
    group, _, rest = demand.name.partition(".")
    if demand.name in _FORMS or (group == "attributes" and rest):
        return
    if group == "metadata" and rest:
        try:
            parse_path(rest)
        except ValueError as error:
            raise _unfit(
                demand.text, f"is not an expectation: {error}"[:_LONGEST], "Write it like metadata.userId"
            ) from None
        return
    raise _unfit(demand.text, "names neither a grant nor a claim", _meant(demand.name))


def _meant(name: str) -> str:
    """Say which name, or option, may have been meant."""
    if bare(name) in _ELSEWHERE:
        return _ELSEWHERE[bare(name)]
    right = nearest(name, _FORMS)
    return f"Did you mean {right}?" if right else "Names are those of grants and claims, attributes.KEY, metadata.PATH"


def _insist_fitting(demand: Demand, form: Form | None) -> None:
    """Refuse a value that the named thing can never have."""
    if not demand.value:
        raise _unfit(demand.text, "has no value", f"An unset variable? To demand that there is none: !{demand.name}")
    if demand.value[0] in "=~!":
        raise _unfit(demand.text, "has two operators", _GRAMMAR)
    if form is Form.boolean and (demand.operator == "~" or demand.value not in {"true", "false"}):
        raise _unfit(
            demand.text, f"cannot be: {demand.name} is true or false", f"Write {demand.name} or !{demand.name}"
        )
    if form is Form.time and (demand.operator == "~" or not re.fullmatch("-?[0-9]+", demand.value)):
        raise _unfit(
            demand.text, f"cannot be: {demand.name} is in seconds since 1970", "For the time left: --min-ttl 5m"
        )
    if form in {Form.text_map, Form.room_config}:
        part = "attributes.KEY" if form is Form.text_map else "--agent NAME"
        raise _unfit(demand.text, f"cannot be: {demand.name} is no text", f"Look into it with {part}")
    words = _WORDS.get(demand.name)
    wrong = [word for word in demand.value.split(",") if words and word not in words]
    if wrong and words:
        raise _unfit(demand.text, f"cannot be: there is no {shown(wrong[0])}", f"Choose among {', '.join(words)}")


def _unfit(text: str, why: str, hint: str) -> LkctlError:
    return LkctlError("usage", f"--require {shown(text)} {why}", hint=hint)


def look_up(decoded: Decoded, name: str) -> Any:
    """Give what a token holds under a name; None where there is nothing."""
    reading = decoded.reading
    group, _, rest = name.partition(".")
    if group == "attributes" and rest:
        return reading.values.get("attributes", {}).get(rest)
    if group == "metadata" and rest:
        fields = parsed(reading.text("metadata"))
        hit = parse_path(rest).find(fields) if isinstance(fields, dict) else None
        return None if hit is None else hit.value
    if name == "identity":
        return reading.identity
    if name == "kind":
        kind = reading.text("kind").lower()  # the server compares without letter case, and takes others for standard
        return kind if kind in KINDS else KINDS[0]
    if name in REGISTERED or name in OWN:
        return reading.values.get(name)
    return decoded.effective.get(group if rest else "video", {}).get(rest or name)


def meets(found: Any, demand: Demand) -> bool:
    """Tell whether what was found is what is demanded."""
    if demand.operator in {"", "!"}:
        return (_is_there(found) and found is not False) is (demand.operator == "")
    if demand.operator == "~":
        return isinstance(found, (str, list)) and demand.value in found
    if not _is_there(found):
        return False
    return _equals(found, demand.value) is (demand.operator == "=")


def _is_there(found: Any) -> bool:
    return found is not None and found not in ("", [], {})


def _equals(found: Any, value: str) -> bool:
    if isinstance(found, list):
        return {_text(item) for item in found} == {part.strip() for part in value.split(",")}
    return _text(found) == value


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def say_found(name: str, found: Any) -> str:
    """Say what was found, cut to a readable length."""
    if found is None or found == "":
        return "absent"
    if name == "iss":
        return shorten_key(_text(found))
    said = (", ".join(map(_text, found)) or "none") if isinstance(found, list) else _text(found)
    return said if len(said) <= _LONGEST else said[:_LONGEST] + "…"
