"""What the resolver warns of: the catalogue of codes, and one warning as a value."""

from dataclasses import dataclass
from typing import Final

MAX_QUOTED: Final = 64  # characters

WARNINGS: Final[dict[str, str]] = {
    "W-TRIMMED": "The ID had blanks at its ends; it is used without them.",
    "W-EMPTY": "The place for the ID is there, but it is empty or blank; the search goes on.",
    "W-COERCED": "The ID is a JSON number; its decimal text is used.",
    "W-TYPE": "The ID is not text (null, true, a list, ...); the search goes on.",
    "W-UNSAFE": "The ID holds a control character or half a surrogate pair; the search goes on.",
    "W-TOOLONG": "The ID is over 256 bytes, or the name is too long to be matched; the search goes on.",
    "W-FORMAT": "The ID does not look like user_<milliseconds>_<letters and digits>; it is used all the same.",
    "W-JSON": "The metadata is not JSON; the search goes on.",
    "W-NOTOBJECT": "The metadata is JSON, but not an object; the search goes on.",
    "W-DOUBLE": "The metadata is a JSON string that itself holds an object: it was encoded twice.",
    "W-DUPKEY": "The key occurs more than once in one object; the last one counts.",
    "W-OVERSIZE": "The metadata is over 64 KiB; it is read all the same.",
    "W-NEARMISS": "An ID is there, but under another spelling of the key or in a source that is off.",
    "W-CONFLICT": "A lower source holds another ID than the winner.",
    "W-AMBIGUOUS": "Participants carry different IDs; the earliest to join wins, or nobody if strict.",
    "W-SPOOFABLE": "The participant may change the ID without asking the server's operator.",
    "W-SKIPPED": "A participant who is no user (agent, recorder, hidden, gone, ...) carries an ID.",
    "W-NOROOM": "The room does not exist; its name still counts.",
    "W-RANDOM": "No source holds a valid ID; the agent makes a random one.",
    "W-ENVORIGIN": "CHROME_USER_ID comes from this shell, not from the agent's environment.",
    "W-LATE": "It came after an agent in the room had decided; that agent keeps what it has.",
    "W-NOTPUBLISHED": "The result was to be published as attributes, and the server does not show it.",
}

HINTS: Final[dict[str, str]] = {
    "W-TRIMMED": "Write the ID without blanks: other readers may not trim it",
    "W-EMPTY": "Fill in the user ID, or leave the field out",
    "W-COERCED": "Write the ID as a JSON string, in quotes",
    "W-TYPE": "Write the ID as a JSON string, in quotes",
    "W-UNSAFE": "Write the ID with letters, digits and underscores only",
    "W-TOOLONG": "Use an ID of at most 256 bytes",
    "W-FORMAT": "Make IDs as user_<milliseconds>_<letters and digits>, e.g. user_1704067200000_abc123",
    "W-JSON": 'Write the metadata as a JSON object, e.g. {"userId": "user_1704067200000_abc123"}',
    "W-NOTOBJECT": 'Write the metadata as a JSON object, e.g. {"userId": "user_1704067200000_abc123"}',
    "W-DOUBLE": "Encode the metadata once; to read it as it is, use --decode-nested",
    "W-DUPKEY": "Write the key once: other readers may take the first one",
    "W-OVERSIZE": "Keep large data elsewhere: metadata is sent to every participant",
    "W-NEARMISS": "Write the ID where the agent reads it, or let the agent read it there",
    "W-CONFLICT": "Write the same ID to both places, or clear the one that is out of date",
    "W-AMBIGUOUS": "Give each user a room of their own; with --strict nobody is chosen",
    "W-SPOOFABLE": "Take canUpdateOwnMetadata out of the user's token, or use --require-trusted",
    "W-SKIPPED": "Give the ID to the user's own participant",
    "W-NOROOM": "Check the name with: lkctl room list",
    "W-RANDOM": "Write an ID to one of the sources, e.g. lkctl token mint --user-id new",
    "W-ENVORIGIN": "Name the agent's environment with --agent-env or --agent-env-file",
    "W-LATE": "Have the ID there when the user joins, such as in the token; or send an agent anew",
    "W-NOTPUBLISHED": "Does the server limit attributes (limit.max_attributes_size)? Its log may tell",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One warning: `code` is a key of WARNINGS, `participant` an identity, `hint` says what to do."""

    code: str
    source: str
    participant: str | None
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning before it is known where it was seen: `about` a key (or nothing), which `says` goes on to describe."""

    code: str
    about: str
    says: str
    hint: str = ""


def quoted(text: str) -> str:
    """Quote a text for a message: what cannot be printed is escaped, what is long is cut."""
    return repr(text) if len(text) <= MAX_QUOTED else f"{text[:MAX_QUOTED]!r}…"
