"""The rule on secrets where everyone in the room can read them (L29), known by their shape or by the name before them.

A false alarm is worse than a miss here: what is flagged should be a secret. No shape makes the search slower than
linear: each begins with fixed letters or at the start of a word, and repeats no more than a bounded or possessive part.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from lkctl.convention import LONGEST_METADATA
from lkctl.settings.shape import looks_like_key
from lkctl.tokens.claims import bare
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

_MOST, _MOST_ATTRIBUTES, _LONGEST_VALUE = 5, 1000, 400
_HINT = "Keep secrets on the server; replace one that was sent out"
_SHORTEST_OWN = 8  # shorter ones, such as `secret`, are words
_WORD = r"(?<![A-Za-z0-9_-])"
_KEY = "an API key"
# Letters that must be there, what it then is, and its shape
_SHAPES = (
    ("eyJ", "another JWT", rf"{_WORD}eyJ[A-Za-z0-9_-]{{8,}}+\.eyJ[A-Za-z0-9_-]{{8,}}+\."),
    ("PRIVATE KEY", "a private key", r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY"),
    ("://", "a URL with a password", r"://[^\s/:@\"']{1,80}:[^\s/:@\"'<>{}$*]{4,80}@"),
    ("AKIA", "an AWS access key", rf"{_WORD}AKIA[A-Z0-9]{{16}}(?![A-Za-z0-9])"),
    ("ASIA", "an AWS access key", rf"{_WORD}ASIA[A-Z0-9]{{16}}(?![A-Za-z0-9])"),
    ("AIza", _KEY, rf"{_WORD}AIza[A-Za-z0-9_-]{{35}}(?![A-Za-z0-9_-])"),
    (
        "sk-",
        _KEY,
        rf"{_WORD}sk-(?:[a-z0-9]{{2,10}}-){{0,3}}(?=[A-Za-z]{{0,40}}[0-9])(?=[0-9]{{0,40}}[A-Za-z])[A-Za-z0-9]{{16}}",
    ),
    ("k_live_", _KEY, rf"{_WORD}[sr]k_live_[A-Za-z0-9]{{16}}"),
    *((f"gh{kind}_", "a GitHub token", rf"{_WORD}gh{kind}_[A-Za-z0-9]{{36}}") for kind in "oprsu"),
    ("github_pat_", "a GitHub token", rf"{_WORD}github_pat_[A-Za-z0-9]{{22}}_"),
    ("xox", "a Slack token", rf"{_WORD}xox[abeprs]-[0-9]{{6,16}}-[A-Za-z0-9-]{{10}}"),
    ("hf_", _KEY, rf"{_WORD}hf_[A-Za-z]{{34}}(?![A-Za-z0-9])"),
    ("gsk_", _KEY, rf"{_WORD}gsk_[A-Za-z0-9]{{40}}"),
    ("glpat-", _KEY, rf"{_WORD}glpat-[A-Za-z0-9_-]{{20}}"),
    (
        "API",
        "a LiveKit secret",
        rf"{_WORD}API[A-Za-z0-9]{{10,16}}[^A-Za-z0-9](?s:.){{0,200}}?{_WORD}[A-Za-z0-9]{{43}}(?![A-Za-z0-9_-])",
    ),
)
_NAMED = r'"([A-Za-z0-9_.-]{2,60})\\{0,3}"\s{0,9}:\s{0,9}\\{0,3}"([^"\\\s]{4,400})'
_NAMES = ("pass", "pwd", "secret", "key", "token")  # one of them is in every name below
_TELLTALES = (*_NAMES, *(letters.lower() for letters, _, _ in _SHAPES))
_PASSWORDS = ("password", "passwd", "pwd", "passphrase")
_RANDOM = (
    *("secret", "apikey", "secretkey", "privatekey", "accesskey", "accountkey", "signingkey", "encryptionkey"),
    *("apitoken", "authtoken", "accesstoken", "refreshtoken", "sessiontoken", "bearertoken"),
)
_ABOUT_PASSWORDS = ("reset", "forgot", "change", "show", "hide", "has", "is", "needs", "require", "no", "old")
_PLACEHOLDERS = {"true", "false", "none", "null", "yes", "no", "redacted", "hidden", "required", "optional", "changed"}


def _secrets(subject: Subject) -> Iterable[Fault]:
    values = subject.reading.values
    text, attributes = values.get("metadata", ""), values.get("attributes")
    if attributes:
        text = "\n".join((text, *attributes, *attributes.values()))
    secret = subject.pair.secret if subject.pair else ""
    if len(secret) >= _SHORTEST_OWN and secret in f"{text}\n{values.get('roomConfig', '')}\n{subject.reading.identity}":
        return (Fault("it holds the API secret itself", "Replace the secret: whoever saw a token has it"),)
    return _readable(values) if "roomConfig" in values or _is_suspect(text) else ()


def _is_suspect(text: str) -> bool:
    lowered = text.lower()
    for letters in _TELLTALES:  # noqa: SIM110  (`any` takes half as long again, for each of many tokens)
        if letters in lowered:
            return True
    return False


def _readable(values: Mapping[str, Any]) -> Iterator[Fault]:
    """Find secrets in metadata, attributes and what a room configuration hands on; at most five, none of them shown."""
    for place, what in dict.fromkeys(islice(_found(values), _MOST)):
        yield Fault(f"{place} holds what looks like {what}", _HINT)


def _found(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give each place with what is in it."""
    if "metadata" in values:
        yield from (("the metadata", what) for what in secrets_in(values["metadata"]))
    yield from _in_attributes(values.get("attributes"), "")
    if "roomConfig" in values:
        yield from _in_room_config(values["roomConfig"])


def _in_attributes(attributes: Mapping[str, str] | None, of_what: str) -> Iterator[tuple[str, str]]:
    for name, value in islice((attributes or {}).items(), _MOST_ATTRIBUTES):
        if what := next(secrets_in(name), ""):
            yield f"the name of an attribute{of_what}", what
        elif what := next(secrets_in(value), "") or secret_under(name, value):
            yield f"the attribute {shown(name)}{of_what}", what


def _in_room_config(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (("the metadata of the room", what) for what in secrets_in(config.get("metadata") or ""))
    for agent in islice(config.get("agents") or (), _MOST_ATTRIBUTES):
        yield from (("the metadata of an agent", what) for what in secrets_in(agent.get("metadata") or ""))
        yield from _in_attributes(agent.get("attributes"), " of an agent")


def secrets_in(text: str) -> Iterator[str]:
    """Name the kinds of secrets in a text, JSON or not; of a text longer than metadata can be, only its beginning."""
    text = text[:LONGEST_METADATA]
    fitting = {what: None for letters, what, shape in _SHAPES if letters in text and re.search(shape, text)}
    yield from fitting or _named_in(text)


def _named_in(text: str) -> dict[str, None]:
    lowered = text.lower()
    if '"' not in text or not any(name in lowered for name in _NAMES):
        return {}
    return dict.fromkeys(what for name, value in re.findall(_NAMED, text) if (what := secret_under(name, value)))


def secret_under(name: str, value: str) -> str:
    """Say what a value must be by its name, such as `a password`; "" where it is nothing secret."""
    meant = bare(name).replace(".", "")
    if meant.endswith(_PASSWORDS) and not meant.startswith(_ABOUT_PASSWORDS):
        return "a password" if _is_value(value) else ""
    if meant.endswith(_RANDOM) and "public" not in meant and not looks_like_key(value) and _is_random(value):
        return f"a secret ({shown(name)})"
    return ""


def _is_value(value: str) -> bool:
    """Whether it is no placeholder: `***`, `<password>`, `${PASSWORD}`, `redacted`; nor a path."""
    word = len(value) > 3 and value[0] not in "<$[{%*/" and "://" not in value  # noqa: PLR2004
    return word and len(set(value)) > 1 and value.lower() not in _PLACEHOLDERS


def _is_random(value: str) -> bool:
    """Whether there are sixteen letters and digits in a row, of both."""
    runs = re.findall(r"[A-Za-z0-9]{16,}", value[:_LONGEST_VALUE])
    return any(not run.isalpha() and not run.isdecimal() for run in runs)


SECRET_RULES: tuple[Rule, ...] = (
    Rule(
        "L29",
        Severity.security,
        "Metadata or attributes hold a secret",
        _secrets,
        "whoever holds the token, and everyone in the room, can read it",
    ),
)
