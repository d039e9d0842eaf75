"""Rules on who the token is for and what it grants (L10-L14, L16-L19)."""

from collections.abc import Iterator, Mapping

from lkctl.convention import LONGEST_NAME
from lkctl.tokens.claims import ADMIN_GRANTS, GROUPS, KNOWN, KNOWN_GRANTS, SOURCES, folded
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

_LITERALS = {"user", "test", "identity", "participant", "guest", "anonymous", "undefined", "null", "none", "nan"}
_OTHER_NAMES = {"roomname": "room", "roomjoined": "roomJoin", "identityname": "identity", "publish": "canPublish",
                "subscribe": "canSubscribe", "publishdata": "canPublishData"}  # fmt: skip
_HARMLESS = {"typ", "ver", "azp", "scope", "client_id"}  # of other JWT issuers
_SERVER_KINDS = {"agent", "egress", "sip", "ingress", "bridge", "connector"}
_ESCALATING = ("roomCreate", "roomList", "roomAdmin", "roomRecord", "ingressAdmin", "agent")
_ESCALATING_ELSEWHERE = (("sip", "admin"), ("sip", "call"), ("agent", "admin"), ("inference", "perform"))
_MOST_KEYS = 10


def _identity(subject: Subject) -> Iterator[Fault]:
    identity = subject.reading.identity
    size = len(identity.encode())
    hint = "Set the identity (sub): --identity or --user-id in lkctl, with_identity() in the SDK"
    if size > LONGEST_NAME:
        yield Fault(f"the identity has {size} bytes, over the limit of {LONGEST_NAME}", "Shorten it; é counts two")
    if not identity and _joins(subject):
        yield Fault("it lets join a room, but has no identity", hint)
    elif identity and not identity.strip():
        yield Fault("the identity is blank", hint, Severity.warning)
    elif identity != identity.strip() or "\n" in identity:
        yield Fault("the identity has blanks around it, or a line break in it", "Take them away", Severity.warning)
    elif identity.lower() in _LITERALS:
        told = f"the identity is {shown(identity)}: whoever joins with the same identity puts the one before out"
        yield Fault(told, "Give every participant an identity of his own", Severity.warning)


def _room_to_join(subject: Subject) -> Iterator[Fault]:
    room = subject.reading.room
    if not _joins(subject):
        return
    if not room:
        yield Fault("it lets join, but names no room", "Set room: --room in lkctl, room= in the SDK's VideoGrants")
    elif room == "*":
        yield Fault("the room is *, which is a room of that name and not every room", "Name the room")
    elif (size := len(room.encode())) > LONGEST_NAME:
        yield Fault(f"the room name has {size} bytes, over the limit of {LONGEST_NAME}", "Shorten it")


def _room_without_join(subject: Subject) -> Iterator[Fault]:
    if subject.reading.room and not _useful_in_video(subject) and not _misread(subject):
        yield Fault("it names a room, but roomJoin is not true", "Add roomJoin: true, or the role participant in lkctl")


def _no_grants(subject: Subject) -> Iterator[Fault]:
    reading = subject.reading
    others = any(any(grants.values()) for group, grants in reading.grants.items() if group != "video")
    if others or _misread(subject) or _useful_in_video(subject) or reading.room:
        return
    if "video" not in reading.grants:
        yield Fault("it grants nothing: there is no video", "Put the grants into video: roomJoin and room to join")
    else:
        yield Fault("it grants nothing: video holds no grant", "Put roomJoin and room into video to join")


def _keys(subject: Subject) -> Iterator[Fault]:
    for group, key in subject.reading.unknown[:_MOST_KEYS]:
        yield from _unknown(group, key)
    for group, key in subject.reading.odd[:_MOST_KEYS]:
        right = (KNOWN_GRANTS[group] if group else KNOWN)[folded(key)]
        told = f"{_path(group, key)} is written {right}; this server takes it, others may not"
        yield Fault(told, f"Write {right}", Severity.info)


def _unknown(group: str, key: str) -> Iterator[Fault]:
    known = KNOWN_GRANTS[group] if group else KNOWN
    right = _meant(key, known)
    if right:
        yield Fault(f"the server does not know {_path(group, key)} and passes it over", f"Write {right}")
    elif not group and (grant := _meant(key, KNOWN_GRANTS["video"], exact=True)):
        yield Fault(f"the grant {shown(key)} stands outside of video, where the server passes it over",
                    f"Write it into video, as {grant}")  # fmt: skip
    elif key not in _HARMLESS:
        yield Fault(f"the server does not know {_path(group, key)} and passes it over", "", Severity.info)


def _meant(key: str, known: Mapping[str, str], *, exact: bool = False) -> str | None:
    """Find the known name that another spelling stands for: room_join, room-join, roomName, roomJion."""
    bare = folded(key[:64]).replace("_", "").replace("-", "").replace(" ", "")
    found = known.get(bare) or known.get(folded(_OTHER_NAMES.get(bare, "")))
    if found or exact or len(bare) < 4:  # noqa: PLR2004
        return found
    from difflib import get_close_matches

    near = get_close_matches(bare, known, 1, 0.85)
    return known[near[0]] if near else None


def _sources(subject: Subject) -> Iterator[Fault]:
    for source in subject.reading.video.get("canPublishSources", ())[:_MOST_KEYS]:
        if source not in SOURCES:
            right = next((name for name in SOURCES if _bare(name) == _bare(source)), None)
            hint = f"Write {right}" if right else f"The sources are {', '.join(SOURCES)}"
            yield Fault(f"the source {shown(source)} does not exist: publishing it is denied", hint)


def _bare(source: str) -> str:
    return source.lower().replace("_", "").replace("-", "").replace(" ", "")


def _surprises(subject: Subject) -> Iterator[Fault]:
    video = subject.reading.video
    if not _joins(subject) or video.get("recorder"):
        return
    if video.get("canPublish") is False:
        if video.get("canPublishSources"):
            yield Fault("canPublish is false, so canPublishSources has no effect", "Leave one of them out")
        if "canPublishData" not in video:
            yield Fault("canPublish is false, which takes sending data away too", "Say canPublishData: true or false")
    if video.get("canSubscribe") is False and _kind(subject) == "agent":
        yield Fault("an agent that may not subscribe hears nobody", "Leave canSubscribe out")


def _admin_without_room(subject: Subject) -> Iterator[Fault]:
    video = subject.reading.video
    if video.get("roomAdmin") and not video.get("room"):
        yield Fault("roomAdmin is for one room, and none is named", "Set room to the room that is to be administered")


def _escalation(subject: Subject) -> Iterator[Fault]:
    if not _joins(subject) or _kind(subject) in _SERVER_KINDS or subject.reading.video.get("recorder"):
        return
    grants = subject.reading.grants
    carried = [name for name in _ESCALATING if subject.reading.video.get(name)]
    carried += [f"{group}.{name}" for group, name in _ESCALATING_ELSEWHERE if grants.get(group, {}).get(name)]
    if carried:
        told = f"a token for a participant carries {', '.join(carried)}"
        deletes = ", delete any room too" if "roomCreate" in carried else ""
        yield Fault(told, f"Whoever holds it can use the server's API{deletes}; keep such tokens on the server")


def _useful_in_video(subject: Subject) -> bool:
    return any(subject.reading.video.get(name) for name in ("roomJoin", "agent", *ADMIN_GRANTS))


def _misread(subject: Subject) -> bool:
    """Whether a grant has the wrong type: what the others add up to is then beside the point."""
    return any(wrong.path.startswith("video") for wrong in subject.reading.mismatches)


def _joins(subject: Subject) -> bool:
    return bool(subject.reading.video.get("roomJoin"))


def _kind(subject: Subject) -> str:
    return subject.reading.text("kind").lower()


def _path(group: str, key: str) -> str:
    return f"{group}.{shown(key)[1:-1]}" if group in GROUPS and len(key) <= 40 else shown(key)  # noqa: PLR2004


GRANT_RULES: tuple[Rule, ...] = (
    Rule("L10", Severity.error, "The identity is missing, too long or shared", _identity),
    Rule("L11", Severity.error, "It lets join, but no room", _room_to_join),
    Rule("L12", Severity.error, "It names a room, but may do nothing there", _room_without_join),
    Rule("L13", Severity.error, "It grants nothing", _no_grants),
    Rule("L14", Severity.error, "A key is misspelt or misplaced", _keys),
    Rule("L16", Severity.error, "A track source does not exist", _sources),
    Rule("L17", Severity.warning, "Grants contradict each other", _surprises),
    Rule("L18", Severity.error, "roomAdmin without a room", _admin_without_room),
    Rule("L19", Severity.security, "A participant's token carries server grants", _escalation),
)
