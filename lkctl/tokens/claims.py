"""Every claim and grant that LiveKit knows, with its type, as data.

Source: livekit/protocol auth/grants.go (ClaimGrants, VideoGrant …) and golang-jwt registered_claims.go, at the versions
that livekit-server 1.13.5 is built with; what is newer comes from livekit-api 1.2.2 (access_token.py).
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from lkctl.errors import LkctlError

SOURCES = ("camera", "microphone", "screen_share", "screen_share_audio")
TRACK_SOURCES = (*SOURCES, "unknown")  # of what is published, whatever the client said of it
KINDS = ("standard", "ingress", "egress", "sip", "agent", "connector", "bridge")

MAX_ATTRIBUTES_BYTES = 65_536  # keys and values together
MAX_HEADER_BYTES = 1 << 20  # net/http DefaultMaxHeaderBytes: a longer token is answered with 431
LEEWAY = 60  # seconds; verifier.go tokenLeeway
_LONGEST_NAME = 64
_SHORTEST_START = 3  # letters by which a name may be told


class Form(Enum):
    """The JSON type of a claim; the value is its name in Go, as the server's messages have it."""

    boolean = "bool"
    text = "string"
    texts = "[]string"
    text_map = "map[string]string"
    time = "NumericDate"
    audience = "ClaimStrings"
    room_config = "RoomConfiguration"


class Group(NamedTuple):
    """A claim that holds grants. `newer`: known to SDKs, but not to livekit-server 1.13.5, which ignores it."""

    go_type: str
    fields: Mapping[str, Form]
    newer: bool = False
    newer_fields: frozenset[str] = frozenset()


def _booleans(*names: str) -> dict[str, Form]:
    return dict.fromkeys(names, Form.boolean)


REGISTERED: Mapping[str, Form] = {
    "iss": Form.text,
    "sub": Form.text,
    "aud": Form.audience,
    "exp": Form.time,
    "nbf": Form.time,
    "iat": Form.time,
    "jti": Form.text,
}

OWN: Mapping[str, Form] = {
    "identity": Form.text,  # in refreshed tokens; the server overwrites it with sub or jti
    "name": Form.text,
    "kind": Form.text,
    "kindDetails": Form.texts,
    "roomConfig": Form.room_config,
    "roomPreset": Form.text,
    "sha256": Form.text,
    "metadata": Form.text,
    "attributes": Form.text_map,
}

GROUPS: Mapping[str, Group] = {
    "video": Group(
        "VideoGrant",
        {
            **_booleans("roomCreate", "roomList", "roomRecord", "roomAdmin", "roomJoin"),
            "room": Form.text,
            **_booleans("canPublish", "canSubscribe", "canPublishData"),
            "canPublishSources": Form.texts,
            **_booleans("canUpdateOwnMetadata", "ingressAdmin", "hidden", "recorder", "agent", "canSubscribeMetrics"),
            **_booleans("canManageAgentSession"),
            "destinationRoom": Form.text,
        },
    ),
    "sip": Group("SIPGrant", _booleans("admin", "call")),
    "agent": Group(
        "AgentGrant",
        _booleans("admin", "simulationAdmin", "databaseAdmin", "dispatchAdmin"),
        newer_fields=frozenset({"databaseAdmin", "dispatchAdmin"}),
    ),
    "inference": Group("InferenceGrant", _booleans("perform")),
    "observability": Group("ObservabilityGrant", _booleans("write")),
    "agentEndpoint": Group(
        "AgentEndpointGrant", {"call": Form.boolean, "agentName": Form.text, "deployment": Form.text}, newer=True
    ),
    "agentThread": Group(
        "AgentThreadGrant",
        {
            **_booleans("all", "list", "create", "write", "read", "delete"),
            "scope": Form.text,
            "threadIds": Form.texts,
        },
        newer=True,
    ),
}

# Grants that are of use without joining a room
ADMIN_GRANTS = ("roomAdmin", "roomCreate", "roomList", "roomRecord", "ingressAdmin")


def folded(name: str) -> str:
    """Spell a key as Go's encoding/json compares keys: without letter case (decode.go foldName)."""
    return name.lower().replace("\u017f", "s")  # the long s; the Kelvin sign is lowered to k anyway


def bare(name: str) -> str:
    """Spell a name so that `room_join`, `Room-Join` and `room join` are all `roomjoin`; cut a long one."""
    return folded(name[:_LONGEST_NAME]).replace("_", "").replace("-", "").replace(" ", "")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Find which of the names may be meant: spelt otherwise, cut short or mistyped, as `cam` is for `camera`."""
    known = {bare(right): right for right in names}
    meant = bare(name)
    if meant in known:
        return known[meant]
    from difflib import get_close_matches

    near = get_close_matches(meant, known, 1)
    begins = (right for right in known if len(meant) >= _SHORTEST_START and right.startswith(meant))
    found = near[0] if near else next(begins, None)
    return None if found is None else known[found]


def read_source(word: str, choices: Sequence[str] = TRACK_SOURCES) -> str:
    """Read the source of a track in any letter case, with - or _; raise `usage` for what is none of the choices."""
    source = word.lower().replace("-", "_")
    if source in choices:
        return source
    near = nearest(word, choices)
    meant = f"Did you mean {near}? " if near else ""
    raise LkctlError("usage", f"there is no source {word!r}", hint=f"{meant}The sources are {', '.join(choices)}")


KNOWN: Mapping[str, str] = {folded(name): name for name in (*REGISTERED, *OWN, *GROUPS)}
KNOWN_GRANTS: Mapping[str, Mapping[str, str]] = {
    group: {folded(name): name for name in GROUPS[group].fields} for group in GROUPS
}
