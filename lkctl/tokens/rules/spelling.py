"""The rule on keys that the server does not know (L14)."""

from collections.abc import Iterator, Mapping

from lkctl.tokens.claims import GROUPS, KNOWN, KNOWN_GRANTS, bare, folded
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

_OTHER_NAMES = {"roomname": "room", "roomjoined": "roomJoin", "identityname": "identity", "publish": "canPublish",
                "subscribe": "canSubscribe", "publishdata": "canPublishData"}  # fmt: skip
_HARMLESS = {"typ", "ver", "azp", "scope", "client_id"}  # of other JWT issuers
_MOST_KEYS = 10


def _keys(subject: Subject) -> Iterator[Fault]:
    for group, key in subject.reading.unknown[:_MOST_KEYS]:
        yield from _unknown(group, key)
    for group, key in subject.reading.odd[:_MOST_KEYS]:
        right = (KNOWN_GRANTS[group] if group else KNOWN)[folded(key)]
        told = f"{_path(group, key)} should be {right}; this server accepts it, others may not"
        yield Fault(told, f"Write {right}", Severity.info)


def _unknown(group: str, key: str) -> Iterator[Fault]:
    known = KNOWN_GRANTS[group] if group else KNOWN
    right = meant_key(key, known)
    if right:
        yield Fault(f"the server does not know {_path(group, key)} and ignores it", f"Write {right}")
    elif not group and (grant := meant_key(key, KNOWN_GRANTS["video"], exact=True)):
        yield Fault(f"the grant {shown(key)} stands outside of video, where the server ignores it",
                    f"Write it into video, as {grant}")  # fmt: skip
    elif key not in _HARMLESS:
        yield Fault(f"the server does not know {_path(group, key)} and ignores it", "", Severity.info)


def meant_key(key: str, known: Mapping[str, str], *, exact: bool = False) -> str | None:
    """Find the known name that another spelling stands for: room_join, room-join, roomName, roomJion.

    `known` has the names by their folded spelling. With `exact`, letters must be the same. A name that is as long may
    differ in one letter of five: vidio is video, but agentId is no agent.
    """
    meant = bare(key)
    found = known.get(meant) or known.get(folded(_OTHER_NAMES.get(meant, "")))
    if found or exact or len(meant) < 4:  # noqa: PLR2004
        return found
    from difflib import get_close_matches

    as_long = [name for name in known if len(name) == len(meant)]
    near = get_close_matches(meant, known, 1, 0.85) or get_close_matches(meant, as_long, 1, 0.8)
    return known[near[0]] if near else None


def _path(group: str, key: str) -> str:
    return f"{group}.{shown(key)[1:-1]}" if group in GROUPS and len(key) <= 40 else shown(key)  # noqa: PLR2004


SPELLING_RULES: tuple[Rule, ...] = (
    Rule(
        "L14",
        Severity.error,
        "A key is misspelt or misplaced",
        _keys,
        "ignored without a word; another letter case works here, but not everywhere",
    ),
)
