"""Rules on what a token grants (L12, L13, L16, L17, L19, L20, L30, L31)."""

from collections.abc import Iterable, Iterator

from lkctl.convention import is_conventional
from lkctl.tokens.claims import ADMIN_GRANTS, SOURCES, nearest
from lkctl.tokens.document import shown
from lkctl.tokens.findings import Fault, Rule, Severity, Subject

# Kinds of participants that are no people. Nobody mints `agent` for people; `sip` is what calls by phone
_SERVER_KINDS = {"agent", "egress", "sip", "ingress", "bridge", "connector"}
_TAKEN_FOR = {"agent": "an agent", "egress": "a recording", "sip": "a phone call"}
_ESCALATING = ("roomCreate", "roomList", "roomAdmin", "roomRecord", "ingressAdmin", "agent")
_ESCALATING_ELSEWHERE = (("sip", "admin"), ("sip", "call"), ("agent", "admin"), ("inference", "perform"))
_FOR_API_ONLY = {"sip", "agent"}  # the SDKs give inference tokens the identity `agent` (inference/_utils.py)
_MOST_SOURCES = 10


def _room_without_join(subject: Subject) -> Iterator[Fault]:
    if subject.reading.room and not _useful_in_video(subject) and not _misread(subject) and not _elsewhere(subject):
        yield Fault("it names a room, but roomJoin is not true", "Add roomJoin: true, or in lkctl --role participant")


def _no_grants(subject: Subject) -> Iterator[Fault]:
    if _useful_in_video(subject) or subject.reading.room or _misread(subject) or _elsewhere(subject):
        return
    if "video" not in subject.reading.grants:
        yield Fault(
            "it grants nothing: there is no video claim", "Put the grants into video: roomJoin and room to join"
        )
    else:
        yield Fault("it grants nothing: video holds no grant", "Put roomJoin and room into video to join")


def _not_for_joining(subject: Subject) -> Iterator[Fault]:
    groups = _elsewhere(subject)
    if not groups or _useful_in_video(subject) or _misread(subject):
        return
    named = "a room" if subject.reading.room else "an identity" if subject.reading.identity else ""
    if subject.reading.room or (named and _FOR_API_ONLY.issuperset(groups)):
        told = f"it names {named}, but grants only {' and '.join(groups)}"
        yield Fault(told, "To join, put roomJoin and room into video; for the API alone, leave room and identity out")


def _sources(subject: Subject) -> Iterator[Fault]:
    for source in subject.reading.video.get("canPublishSources", ())[:_MOST_SOURCES]:
        if source not in SOURCES:
            right = nearest(source, SOURCES)
            hint = f"{f'Did you mean {right}? ' if right else ''}The sources are {', '.join(SOURCES)}"
            yield Fault(f"the source {shown(source)} does not exist: publishing it is denied", hint)


def _surprises(subject: Subject) -> Iterable[Fault]:
    video = subject.reading.video
    if subject.joins and (video.get("canPublish") is False or video.get("canSubscribe") is False):
        return _surprising(subject)
    return ()


def _surprising(subject: Subject) -> Iterator[Fault]:
    """Find what has other effects than it seems.

    canSubscribe: false alone is how a publisher is made, and no surprise; an agent, a caller or a recorder needs ears,
    and a participant who may do nothing at all is hardly meant.
    """
    video, recorder = subject.reading.video, subject.reading.video.get("recorder")
    publishes, subscribes = video.get("canPublish", True), video.get("canSubscribe", True)
    if not publishes and video.get("canPublishSources"):
        yield Fault("canPublish is false, so canPublishSources has no effect", "Leave one of them out")
    if not subscribes and (recorder or video.get("agent") or subject.kind in _TAKEN_FOR):
        who = _TAKEN_FOR.get(subject.kind) or ("a recorder" if recorder else "an agent")
        yield Fault(f"canSubscribe is false: {who} that may not subscribe hears nobody", "Leave canSubscribe out")
    elif not (publishes or subscribes or video.get("canPublishData") or video.get("canUpdateOwnMetadata")):
        yield Fault("it may neither publish nor subscribe: it can do nothing in the room", "Grant one of them")
    elif not publishes and "canPublishData" not in video and not recorder:
        yield Fault("canPublish is false, which also takes away sending data", "Set canPublishData to true or false")


def _escalation(subject: Subject) -> Iterator[Fault]:
    if not subject.joins or subject.kind in _SERVER_KINDS or subject.reading.video.get("recorder"):
        return
    grants = subject.reading.grants
    carried = [name for name in _ESCALATING if grants["video"].get(name)]
    if len(grants) > 1:
        carried += [f"{group}.{name}" for group, name in _ESCALATING_ELSEWHERE if grants.get(group, {}).get(name)]
    if carried:
        told = f"a token for a participant carries {', '.join(carried)}"
        yield Fault(told, "Leave them out, or keep the token on the server")


def _disguised(subject: Subject) -> Iterator[Fault]:
    """Find people's tokens that make others take them for something else; the grant `agent` is L19's.

    A client's token is one of the kind standard, or one whose identity is a user ID. Recorders are known by all three
    of recorder, hidden and canPublish: false, as livekit-server mints them for egress.
    """
    video = subject.reading.video
    if not subject.joins:
        return
    if subject.kind in _SERVER_KINDS:
        if subject.kind in _TAKEN_FOR and is_conventional(subject.reading.identity):
            told = f"a user's token has the kind {subject.kind}: others take the user for {_TAKEN_FOR[subject.kind]}"
            yield Fault(told, "Leave kind out: people are standard; an agent needs an identity of its own")
    elif video.get("recorder") and not (video.get("hidden") and video.get("canPublish") is False):
        told = "a participant's token carries recorder: it is not counted, and the room closes early"
        yield Fault(told, "Leave recorder out, or in lkctl use --role recorder")
    elif video.get("hidden") and not video.get("recorder"):
        yield Fault("a participant's token carries hidden: the others do not see the participant", "Leave hidden out")


def _cannot_change_itself(subject: Subject) -> Iterator[Fault]:
    where, video = subject.facts.changes_itself, subject.reading.video
    if where and subject.joins and not video.get("canUpdateOwnMetadata") and not video.get("recorder"):
        told = f"canUpdateOwnMetadata is not granted, but {where} changes its own metadata, attributes or name"
        yield Fault(told, "Grant canUpdateOwnMetadata, or change it from the server")


def _useful_in_video(subject: Subject) -> bool:
    video = subject.reading.video
    return bool(video.get("roomJoin") or video.get("agent") or any(video.get(name) for name in ADMIN_GRANTS))


def _elsewhere(subject: Subject) -> list[str]:
    """Name the groups outside of video that grant something."""
    return [group for group, grants in subject.reading.grants.items() if group != "video" and any(grants.values())]


def _misread(subject: Subject) -> bool:
    """Whether a grant has the wrong type: what the others add up to is then beside the point."""
    return any(wrong.path.startswith("video") for wrong in subject.reading.mismatches)


_DENIED = "401 permissions denied"

GRANT_RULES: tuple[Rule, ...] = (
    Rule("L12", Severity.error, "It names a room, but may do nothing there", _room_without_join, _DENIED),
    Rule("L13", Severity.error, "It grants nothing", _no_grants, _DENIED),
    Rule("L16", Severity.error, "A track source does not exist", _sources, "publishing it is denied"),
    Rule("L17", Severity.warning, "Grants contradict each other", _surprises, "less is allowed than it seems"),
    Rule(
        "L19",
        Severity.security,
        "A participant's token carries server grants",
        _escalation,
        "whoever holds it can use the server's API; with roomCreate, delete any room",
    ),
    Rule(
        "L20",
        Severity.warning,
        "A participant is disguised",
        _disguised,
        "others see something that it is not, or nothing",
    ),
    Rule("L30", Severity.warning, "The grants are not for joining", _not_for_joining, "the join is refused with 401"),
    Rule(
        "L31",
        Severity.info,
        "It may not change its own metadata, which the code does",
        _cannot_change_itself,
        "the change fails with NOT_ALLOWED, which SDKs do not report",
    ),
)
